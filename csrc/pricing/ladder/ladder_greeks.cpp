#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "pricing/dispatch.hpp"
#include "pricing/ladder/batch.hpp"
#include "pricing/ladder/beside_boundary.hpp"
#include "pricing/ladder/differences.hpp"
#include "pricing/ladder/ladder.hpp"
#include "pricing/ladder/readings_of_options.hpp"

namespace atalanta {
namespace {

std::size_t longest_schedule(const DividendSchedules& schedules) {
    std::size_t longest = 0;
    for (std::size_t k = 0; k < schedules.count; ++k) {
        longest = std::max(longest, schedules.offsets[k + 1] - schedules.offsets[k]);
    }
    return longest;
}

std::uint32_t most_dividends(const std::vector<LadderOption>& options) {
    std::uint32_t most = 0;
    for (const LadderOption& option : options) most = std::max(most, option.dividends);
    return most;
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

// One pass over a batch; row_of: where the results of its options go.
class LadderPass {
  public:
    LadderPass(const LadderBatch& batch, const std::vector<std::size_t>& row_of, const GreekOutput& to)
        : batch_(batch), row_of_(row_of), to_(to), finer_(row_of.size()) {}

    void run(const LadderKernels& kernels, int threads) {
        const bool all = to_.wants_sensitivities();
        batch_.for_each_piece(threads, all ? kernels.differentiate_doubles : kernels.solve_doubles,
                              [&](const LadderPiece& piece, double* memory, double* by_cash) {
                                  solve_piece(kernels, piece, memory, by_cash, all);
                              });
    }

    // Options that are to be solved again at this share of the tolerance.
    std::vector<std::size_t> wanting(double finer) const {
        std::vector<std::size_t> found;
        for (std::size_t i = 0; i < finer_.size(); ++i) {
            if (finer_[i] == finer) found.push_back(i);
        }
        return found;
    }

  private:
    void solve_piece(const LadderKernels& kernels, const LadderPiece& piece, double* memory, double* by_cash,
                     bool all) {
        LadderBlock block;
        batch_.fill(piece, block);
        LadderReading readings[kLadderOptions];
        LadderSensitivities sensitivities[kLadderOptions];
        if (all) {
            kernels.differentiate(block, memory, readings, sensitivities, by_cash);
        } else {
            kernels.solve(block, memory, readings);
        }
        for (std::size_t i = 0; i < piece.count; ++i) {
            const std::size_t row = row_of_[piece.options[i]];
            finer_[piece.options[i]] = finer_beside(block.options[i], block.shapes[i], readings[i]);
            to_.set(row, readings[i]);
            if (!all) continue;
            to_.set(row, sensitivities[i]);
            to_.set_cash(row, block.options[i].dividends, by_cash + i, kLadderOptions);
        }
    }

    const LadderBatch& batch_;
    const std::vector<std::size_t>& row_of_;
    const GreekOutput& to_;
    std::vector<double> finer_;
};

void solve_again(const LadderBatch& coarse, const std::vector<std::size_t>& rows, double tolerance,
                 const LadderKernels& kernels, const GreekOutput& to, int threads) {
    if (rows.empty()) return;
    std::vector<LadderOption> options;
    options.reserve(rows.size());
    for (const std::size_t row : rows) options.push_back(coarse.option(row));
    const LadderBatch batch(std::move(options), {}, tolerance, kernels);
    LadderPass(batch, rows, to).run(kernels, threads);
}

// Where the adjoint march does not know the derivatives of prices.
// - Grids that end at a low spot, whatever the vol: kinks thousands of cells away from the spot pass cells as
//   the width of these moves with the vol, so that the derivative by it is none of the price.
// - Grids below which the path counts as known. Steps move the spot by a small part of a deviation, beside
//   which such a price may bend.
void set_by_difference(const LadderBatch& batch, std::size_t size, double tolerance,
                       const LadderKernels& kernels, const GreekOutput& to, int threads) {
    constexpr double kOfVol = 0.01, kOfDeviation = 0.1, kMostOfRate = 1e-3, kMostOfCash = 0.5, kFiner = 0.2;
    Differences differences;
    const auto add = [&](std::size_t row, double LadderOption::* parameter, Greek greek, double step) {
        double* const column = to.out[greek];
        if (column != nullptr) differences.add(batch.option(row), parameter, step, column + row);
    };
    for (std::size_t row = 0; row < size; ++row) {
        const LadderShape& shape = batch.shape(row);
        const LadderOption& option = batch.option(row);
        if (shape.deviations > kWideGrid) add(row, &LadderOption::vol, Greek::vega, kOfVol * option.vol);
        if (!shape.known_below) continue;
        const double by_rate = std::min(kOfDeviation * option.vol / std::sqrt(option.years), kMostOfRate);
        add(row, &LadderOption::rate, Greek::rho, by_rate);
        add(row, &LadderOption::dividend_yield, Greek::phi, by_rate);
        const double by_cash = kOfDeviation * option.vol * std::sqrt(option.years) * option.spot;
        for (std::uint32_t d = 0; to.dividend_delta != nullptr && d < option.dividends; ++d) {
            const double step = std::min(by_cash, kMostOfCash * option.cash[d]);
            if (step > 0.0) differences.add_cash(option, d, step, to.dividend_delta + d * to.rows + row);
        }
    }
    differences.find(kFiner * tolerance, kernels, threads);
}

void fill(std::vector<LadderOption> options, double tolerance, const GreekOutput& to, int threads) {
    const LadderKernels& kernels = *active_kernels().ladder;
    std::vector<double> limit_by_cash(most_dividends(options));
    std::vector<std::size_t> all(options.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    const LadderBatch batch(std::move(options), {}, tolerance, kernels);
    for (const std::size_t row : batch.others()) {
        LadderSensitivities sensitivities;
        const LadderOption& option = batch.option(row);
        to.set(row, kernels.limit(option, &sensitivities, limit_by_cash.data()));
        to.set(row, sensitivities);
        to.set_cash(row, option.dividends, limit_by_cash.data(), 1);
    }
    LadderPass pass(batch, all, to);
    pass.run(kernels, threads);
    for (const double finer : {kFinerBeside, kFinerBesideTwo, kFinerAppearing}) {
        solve_again(batch, pass.wanting(finer), finer * tolerance, kernels, to, threads);
    }
    set_by_difference(batch, all.size(), tolerance, kernels, to, threads);
}

}  // namespace

void ladder_greeks(const OptionRows& rows, const Terms& terms, const GreekColumns& out,
                   double* dividend_delta, int threads) {
    std::vector<LadderOption> options(rows.size);
    for (std::size_t row = 0; row < rows.size; ++row) {
        options[row] = ladder_option(rows, terms, row);
        options[row].vol = rows.vol[row];
    }
    if (dividend_delta != nullptr) {
        std::fill_n(dividend_delta, longest_schedule(terms.dividends) * rows.size, 0.0);
    }
    fill(std::move(options), terms.tolerance.cash, {out, dividend_delta, rows.size}, threads);
}

std::vector<LadderReading> readings_of_options(const std::vector<LadderOption>& options, double tolerance,
                                               int threads) {
    const std::size_t size = options.size();
    std::vector<double> columns(4 * size);
    GreekColumns out = {};
    constexpr Greek kRead[] = {Greek::price, Greek::delta, Greek::gamma, Greek::theta};
    for (std::size_t k = 0; k < 4; ++k)
        out.data[static_cast<std::size_t>(kRead[k])] = columns.data() + k * size;
    fill(options, tolerance, {out, nullptr, size}, threads);
    std::vector<LadderReading> readings(size);
    for (std::size_t i = 0; i < size; ++i) {
        readings[i] = {columns[i], columns[size + i], columns[2 * size + i], columns[3 * size + i]};
    }
    return readings;
}

}  // namespace atalanta
