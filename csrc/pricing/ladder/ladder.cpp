#include "pricing/ladder/ladder.hpp"

#include <algorithm>

#include "pricing/dispatch.hpp"
#include "pricing/ladder/batch.hpp"

namespace atalanta {
namespace {

void set(double* column, std::size_t row, double value) {
    if (column != nullptr) column[row] = value;
}

void set_reading(const GreekColumns& out, std::size_t row, const LadderReading& reading) {
    set(out[Greek::price], row, reading.price);
    set(out[Greek::delta], row, reading.delta);
    set(out[Greek::gamma], row, reading.gamma);
    set(out[Greek::theta], row, reading.theta);
}

void set_sensitivities(const GreekColumns& out, std::size_t row, const LadderSensitivities& sensitivities) {
    set(out[Greek::vega], row, sensitivities.vega);
    set(out[Greek::rho], row, sensitivities.rho);
    set(out[Greek::phi], row, sensitivities.phi);
}

bool wants_sensitivities(const GreekColumns& out, const double* dividend_delta) {
    return out[Greek::vega] != nullptr || out[Greek::rho] != nullptr || out[Greek::phi] != nullptr ||
           dividend_delta != nullptr;
}

std::size_t longest_schedule(const DividendSchedules& schedules) {
    std::size_t longest = 0;
    for (std::size_t k = 0; k < schedules.count; ++k) {
        longest = std::max(longest, schedules.offsets[k + 1] - schedules.offsets[k]);
    }
    return longest;
}

// One call's outputs.
struct GreekOutput {
    const GreekColumns& out;
    double* dividend_delta;
    std::size_t rows;

    void set_cash(std::size_t row, std::size_t dividends, const double* by_cash, std::size_t stride) const {
        if (dividend_delta == nullptr) return;
        for (std::size_t d = 0; d < dividends; ++d) dividend_delta[d * rows + row] = by_cash[d * stride];
    }
};

void solve_with_sensitivities(const LadderKernels& kernels, const LadderBatch& batch, const GreekOutput& to,
                              int threads) {
    const auto doubles = kernels.differentiate_doubles;
    batch.for_each_block(threads, doubles, [&](const LadderBlock& block, double* memory, double* by_cash) {
        LadderReading readings[kLadderOptions];
        LadderSensitivities sensitivities[kLadderOptions];
        kernels.differentiate(block.options, block.shape, memory, readings, sensitivities, by_cash);
        for (std::size_t i = 0; i < block.count; ++i) {
            set_reading(to.out, block.rows[i], readings[i]);
            set_sensitivities(to.out, block.rows[i], sensitivities[i]);
            to.set_cash(block.rows[i], block.shape.dividends, by_cash + i, kLadderOptions);
        }
    });
}

void solve_readings(const LadderKernels& kernels, const LadderBatch& batch, const GreekColumns& out,
                    int threads) {
    batch.for_each_block(threads, kernels.solve_doubles, [&](const LadderBlock& block, double* memory, double*) {
        LadderReading readings[kLadderOptions];
        kernels.solve(block.options, block.shape, memory, readings);
        for (std::size_t i = 0; i < block.count; ++i) set_reading(out, block.rows[i], readings[i]);
    });
}

}  // namespace

void ladder_greeks(const OptionRows& rows, const Terms& terms, const GreekColumns& out, double* dividend_delta,
                   int threads) {
    const LadderKernels& kernels = *active_kernels().ladder;
    const LadderBatch batch(rows, terms, kernels);
    const GreekOutput to = {out, dividend_delta, rows.size};
    if (dividend_delta != nullptr) {
        std::fill_n(dividend_delta, longest_schedule(terms.dividends) * rows.size, 0.0);
    }
    std::vector<double> by_cash(longest_schedule(terms.dividends));
    for (const std::size_t row : batch.others()) {
        LadderSensitivities sensitivities;
        const LadderOption& option = batch.option(row);
        set_reading(out, row, kernels.limit(option, &sensitivities, by_cash.data()));
        set_sensitivities(out, row, sensitivities);
        to.set_cash(row, option.dividends, by_cash.data(), 1);
    }
    if (wants_sensitivities(out, dividend_delta)) {
        solve_with_sensitivities(kernels, batch, to, threads);
    } else {
        solve_readings(kernels, batch, out, threads);
    }
}

}  // namespace atalanta
