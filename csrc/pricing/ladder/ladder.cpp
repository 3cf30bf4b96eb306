#include "pricing/ladder/ladder.hpp"

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

}  // namespace

void ladder_greeks(const OptionRows& rows, const Terms& terms, const GreekColumns& out, double* dividend_delta,
                   int threads) {
    const LadderKernels& kernels = *active_kernels().ladder;
    const LadderBatch batch(rows, terms, kernels);
    for (const std::size_t row : batch.others()) set_reading(out, row, kernels.limit(batch.option(row)));
    batch.for_each_block(threads, [&](const LadderBlock& block, double* memory) {
        LadderReading readings[kLadderOptions];
        kernels.solve(block.options, block.shape, memory, readings);
        for (std::size_t i = 0; i < block.count; ++i) set_reading(out, block.rows[i], readings[i]);
    });
    static_cast<void>(dividend_delta);
}

}  // namespace atalanta
