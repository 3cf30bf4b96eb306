#include <algorithm>

#include "pricing/dispatch.hpp"
#include "pricing/ladder/batch.hpp"
#include "pricing/ladder/ladder.hpp"

namespace atalanta {
namespace {

std::size_t longest_schedule(const DividendSchedules& schedules) {
    std::size_t longest = 0;
    for (std::size_t k = 0; k < schedules.count; ++k) {
        longest = std::max(longest, schedules.offsets[k + 1] - schedules.offsets[k]);
    }
    return longest;
}

// Where one call's results go.
struct GreekOutput {
    const GreekColumns& out;
    double* dividend_delta;
    std::size_t rows;

    bool wants_sensitivities() const {
        return out[Greek::vega] != nullptr || out[Greek::rho] != nullptr || out[Greek::phi] != nullptr ||
               dividend_delta != nullptr;
    }
    void set(Greek greek, std::size_t row, double value) const {
        if (out[greek] != nullptr) out[greek][row] = value;
    }
    void set(std::size_t row, const LadderReading& reading) const {
        set(Greek::price, row, reading.price);
        set(Greek::delta, row, reading.delta);
        set(Greek::gamma, row, reading.gamma);
        set(Greek::theta, row, reading.theta);
    }
    void set(std::size_t row, const LadderSensitivities& sensitivities) const {
        set(Greek::vega, row, sensitivities.vega);
        set(Greek::rho, row, sensitivities.rho);
        set(Greek::phi, row, sensitivities.phi);
    }
    void set_cash(std::size_t row, std::size_t dividends, const double* by_cash, std::size_t stride) const {
        if (dividend_delta == nullptr) return;
        for (std::size_t d = 0; d < dividends; ++d) dividend_delta[d * rows + row] = by_cash[d * stride];
    }
};

void solve_piece(const LadderKernels& kernels, const LadderBatch& batch, const LadderPiece& piece,
                 double* memory, double* by_cash, const GreekOutput& to) {
    LadderBlock block;
    batch.fill(piece, block);
    LadderReading readings[kLadderOptions];
    LadderSensitivities sensitivities[kLadderOptions];
    const bool all = to.wants_sensitivities();
    if (all) {
        kernels.differentiate(block, memory, readings, sensitivities, by_cash);
    } else {
        kernels.solve(block, memory, readings);
    }
    for (std::size_t i = 0; i < piece.count; ++i) {
        to.set(piece.options[i], readings[i]);
        if (!all) continue;
        to.set(piece.options[i], sensitivities[i]);
        to.set_cash(piece.options[i], block.options[i].dividends, by_cash + i, kLadderOptions);
    }
}

}  // namespace

void ladder_greeks(const OptionRows& rows, const Terms& terms, const GreekColumns& out,
                   double* dividend_delta, int threads) {
    const LadderKernels& kernels = *active_kernels().ladder;
    std::vector<LadderOption> options(rows.size);
    for (std::size_t row = 0; row < rows.size; ++row) {
        options[row] = ladder_option(rows, terms, row);
        options[row].vol = rows.vol[row];
    }
    const LadderBatch batch(std::move(options), {}, terms.tolerance.cash, kernels);
    const GreekOutput to = {out, dividend_delta, rows.size};
    std::vector<double> limit_by_cash(longest_schedule(terms.dividends));
    if (dividend_delta != nullptr) std::fill_n(dividend_delta, limit_by_cash.size() * rows.size, 0.0);
    for (const std::size_t row : batch.others()) {
        LadderSensitivities sensitivities;
        const LadderOption& option = batch.option(row);
        to.set(row, kernels.limit(option, &sensitivities, limit_by_cash.data()));
        to.set(row, sensitivities);
        to.set_cash(row, option.dividends, limit_by_cash.data(), 1);
    }
    batch.for_each_piece(threads,
                         to.wants_sensitivities() ? kernels.differentiate_doubles : kernels.solve_doubles,
                         [&](const LadderPiece& piece, double* memory, double* by_cash) {
                             solve_piece(kernels, batch, piece, memory, by_cash, to);
                         });
}

}  // namespace atalanta
