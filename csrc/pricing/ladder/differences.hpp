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

// Of the second order, from prices on both sides, or where a parameter must not fall from those above.
enum class Side : std::uint8_t { both, above };

// Collects derivatives that are wanted, and finds them together.
class Differences {
  public:
    void add(const LadderOption& option, double LadderOption::* parameter, double step, Side side,
             double* derivative) {
        add(step, side, derivative, [&](double by) {
            LadderOption moved = option;
            moved.*parameter += by;
            return moved;
        });
    }
    void add_cash(const LadderOption& option, std::uint32_t d, double step, Side side, double* derivative) {
        add(step, side, derivative, [&](double by) {
            std::vector<double>& cash = cash_.emplace_back(option.cash, option.cash + option.dividends);
            cash[d] += by;
            LadderOption moved = option;
            moved.cash = cash.data();
            return moved;
        });
    }

    // Writes the derivatives; tolerance: of the prices.
    void find(double tolerance, const LadderKernels& kernels, int threads) {
        if (wanted_.empty()) return;
        const std::vector<double> prices = ladder_prices(std::move(moved_), tolerance, kernels, threads);
        const double* at = prices.data();
        for (const Wanted& wanted : wanted_) {
            const bool both = wanted.side == Side::both;
            const double rise = both ? 0.5 * (at[1] - at[0]) : 2.0 * at[1] - 0.5 * (3.0 * at[0] + at[2]);
            *wanted.derivative = rise / wanted.step;
            at += both ? 2 : 3;
        }
    }

  private:
    struct Wanted {
        double step;
        Side side;
        double* derivative;
    };

    template <class Moved>
    void add(double step, Side side, double* derivative, Moved&& moved) {
        if (side == Side::both) {
            moved_.insert(moved_.end(), {moved(-step), moved(step)});
        } else {
            moved_.insert(moved_.end(), {moved(0.0), moved(step), moved(2.0 * step)});
        }
        wanted_.push_back({step, side, derivative});
    }

    std::vector<LadderOption> moved_;
    std::vector<Wanted> wanted_;
    std::list<std::vector<double>> cash_;
};

}  // namespace atalanta
