#include <algorithm>
#include <limits>

#include "pricing/dispatch.hpp"
#include "pricing/ladder/batch.hpp"
#include "pricing/ladder/ladder.hpp"
#include "pricing/ladder/ladders.hpp"

namespace atalanta {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Near which spot a boundary is to be looked for: just before expiry it is there.
double boundary_at_expiry(const LadderOption& o) {
    if (!(o.rate > 0.0 && o.dividend_yield > 0.0)) return o.strike;
    const double factor = o.rate / o.dividend_yield;
    return o.strike * (o.right < 0.0 ? std::min(factor, 1.0) : std::max(factor, 1.0));
}

void find_boundaries(const OptionRows& rows, const Terms& terms, double* boundary, int threads) {
    std::vector<double> spots(rows.size);
    for (std::size_t row = 0; row < rows.size; ++row) {
        spots[row] = boundary_at_expiry(ladder_option(rows, terms, row));
    }
    OptionRows near = rows;
    near.spot = {spots.data(), false};
    const Ladders ladders(near, terms, threads);
    for (std::size_t row = 0; row < rows.size; ++row) {
        const Ladders::Range exercise = ladders.exercise(row);
        const bool put = rows.right[row]<0, never = exercise.lowest> exercise.highest;
        const double unknown = ladders.range(row).lowest;  // NaN where there is no ladder
        const double found = put ? (never ? 0.0 : exercise.highest) : (never ? kInfinity : exercise.lowest);
        boundary[row] = unknown == unknown ? found : unknown;
    }
}

void find_probabilities(const OptionRows& rows, const Terms& terms, double* probability, int threads) {
    const LadderKernels& kernels = *active_kernels().ladder;
    std::vector<LadderOption> options(rows.size);
    std::uint32_t most = 0;
    for (std::size_t row = 0; row < rows.size; ++row) {
        options[row] = ladder_option(rows, terms, row);
        options[row].vol = rows.vol[row];
        most = std::max(most, options[row].dividends);
    }
    const LadderBatch batch(std::move(options), {}, terms.tolerance.cash, kernels);
    std::vector<double> unused(most);
    for (const std::size_t row : batch.others()) {
        LadderSensitivities sensitivities;
        kernels.limit(batch.option(row), &sensitivities, unused.data());
        probability[row] = sensitivities.exercised;
    }
    batch.for_each_piece(threads, kernels.differentiate_doubles,
                         [&](const LadderPiece& piece, double* memory, double* by_cash) {
                             LadderBlock block;
                             LadderReading readings[kLadderOptions];
                             LadderSensitivities sensitivities[kLadderOptions];
                             batch.fill(piece, block);
                             kernels.differentiate(block, memory, readings, sensitivities, by_cash);
                             for (std::size_t i = 0; i < piece.count; ++i) {
                                 probability[piece.options[i]] =
                                     std::clamp(sensitivities[i].exercised, 0.0, 1.0);
                             }
                         });
}

}  // namespace

void ladder_early_exercise(const OptionRows& rows, const Terms& terms, double* boundary, double* probability,
                           int threads) {
    if (boundary != nullptr) find_boundaries(rows, terms, boundary, threads);
    if (probability != nullptr) find_probabilities(rows, terms, probability, threads);
}

}  // namespace atalanta
