// Derivatives of prices by central differences, where the adjoint march does not know them. Entry:
// Differences.
#pragma once

#include <algorithm>
#include <cstdint>
#include <list>
#include <vector>

#include "pricing/ladder/batch.hpp"

namespace atalanta {

// Prices alone, on the grids that the options ask for by themselves.
inline std::vector<double> ladder_prices(std::vector<LadderOption> options, double tolerance,
                                         const LadderKernels& kernels, int threads) {
    std::vector<double> prices(options.size());
    const LadderBatch batch(std::move(options), {}, tolerance, kernels);
    std::vector<double> by_cash;
    for (const std::size_t i : batch.others()) {
        LadderSensitivities sensitivities;
        by_cash.resize(std::max<std::size_t>(by_cash.size(), batch.option(i).dividends));
        prices[i] = kernels.limit(batch.option(i), &sensitivities, by_cash.data()).price;
    }
    batch.for_each_piece(threads, kernels.solve_doubles,
                         [&](const LadderPiece& piece, double* memory, double*) {
                             LadderBlock block;
                             batch.fill(piece, block);
                             LadderReading readings[kLadderOptions];
                             kernels.solve(block, memory, readings);
                             for (std::size_t i = 0; i < piece.count; ++i)
                                 prices[piece.options[i]] = readings[i].price;
                         });
    return prices;
}

// Collects derivatives that are wanted, and finds them together.
class Differences {
  public:
    void add(const LadderOption& option, double LadderOption::* parameter, double step, double* derivative) {
        LadderOption higher = option, lower = option;
        higher.*parameter += step;
        lower.*parameter -= step;
        add(higher, lower, step, derivative);
    }
    void add_cash(const LadderOption& option, std::uint32_t d, double step, double* derivative) {
        add(with_cash(option, d, step), with_cash(option, d, -step), step, derivative);
    }

    // Writes the derivatives; tolerance: of the prices.
    void find(double tolerance, const LadderKernels& kernels, int threads) {
        if (derivatives_.empty()) return;
        const std::vector<double> prices = ladder_prices(std::move(moved_), tolerance, kernels, threads);
        for (std::size_t i = 0; i < derivatives_.size(); ++i) {
            *derivatives_[i] = (prices[2 * i] - prices[2 * i + 1]) / (2.0 * steps_[i]);
        }
    }

  private:
    void add(const LadderOption& higher, const LadderOption& lower, double step, double* derivative) {
        moved_.push_back(higher);
        moved_.push_back(lower);
        steps_.push_back(step);
        derivatives_.push_back(derivative);
    }
    LadderOption with_cash(const LadderOption& option, std::uint32_t d, double more) {
        std::vector<double>& cash = cash_.emplace_back(option.cash, option.cash + option.dividends);
        cash[d] += more;
        LadderOption moved = option;
        moved.cash = cash.data();
        return moved;
    }

    std::vector<LadderOption> moved_;  // up and down
    std::vector<double> steps_;
    std::vector<double*> derivatives_;
    std::list<std::vector<double>> cash_;
};

}  // namespace atalanta
