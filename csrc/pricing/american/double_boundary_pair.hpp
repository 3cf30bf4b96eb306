// Both edges together: how long exercise pays at all, and the value of the right to exercise.
// Entries: EdgePair::solve, exercise_value.
#pragma once

#include "pricing/american/double_boundary_march.hpp"

namespace atalanta {
namespace {

// Beyond this time left the edges rest at those of the perpetual option, to all digits that matter; infinite
// where the perpetual option is never exercised.
inline double longest_reach(const Market<double>& m) {
    constexpr double kDecades = 36.0;
    const double variance = m.vol * m.vol, drift = m.rate - m.yield - 0.5 * variance;
    const double discriminant = drift * drift + 2.0 * m.rate * variance;
    if (!(discriminant > 0.0)) return __builtin_inf();
    return m.vol * square_root(2.0 * kDecades / discriminant);
}

template <class Grid>
class EdgePair {
  public:
    EdgePair(const Grid& grid, const Market<double>& market)
        : grid_(&grid),
          market_(market),
          lower_(Side::lower, grid, market),
          upper_(Side::upper, grid, market) {}

    // False where the edges could not be found. horizon: the square root of the years left.
    bool solve(double horizon) {
        const double rest = longest_reach(market_),
                     vol_bound = log_ratio(-market_.yield, -market_.rate) / market_.vol;
        const double longest = horizon < rest ? horizon : rest;
        double reach = longest < vol_bound ? longest : vol_bound;
        for (int tries = 0; tries < 40; ++tries) {
            const MarchedEdges start = march_edges(market_, reach);
            if (!start.is_complete) return false;
            if (!solve_from(start)) {
                reach = 0.9 * start.reach;
                continue;
            }
            reach = start.reach;
            if (apart(reach) < 0.0) return find_end(reach);
            if (reach >= longest) {
                end_ = horizon;
                reach_ = reach;
                return true;
            }
            reach = 1.1 * reach < longest ? 1.1 * reach : longest;
        }
        return false;
    }

    void differentiate() {
        lower_.differentiate();
        upper_.differentiate();
    }

    // Square roots of times left: up to `end` exercise pays somewhere, from `reach` on the edges rest.
    double end() const { return end_; }
    double reach() const { return reach_; }
    template <class Real>
    Real log_lower(double x) const {
        return lower_.template log_edge<Real>(x);
    }
    template <class Real>
    Real log_upper(double x) const {
        return upper_.template log_edge<Real>(x);
    }

  private:
    double apart(double x) const { return log_upper<double>(x) - log_lower<double>(x); }

    bool solve_from(const MarchedEdges& start) {
        const Passages<Grid> passages(*grid_, market_, start.reach);
        double lower[Grid::kNodes], upper[Grid::kNodes];
        for (std::size_t i = 0; i < Grid::kNodes; ++i) {
            lower[i] = start.lower.at(start.reach * grid_->node[i]);
            upper[i] = start.upper.at(start.reach * grid_->node[i]);
        }
        return lower_.solve(start.reach, passages, lower) && upper_.solve(start.reach, passages, upper);
    }

    bool find_end(double reach) {
        double least = 0.0, most = reach;
        for (int halving = 0; halving < 60; ++halving) {
            const double middle = 0.5 * (least + most);
            (apart(middle) < 0.0 ? most : least) = middle;
        }
        end_ = reach_ = least;
        return true;
    }

    const Grid* grid_;
    Market<double> market_;
    Edge<Grid> lower_, upper_;
    double end_ = 0.0, reach_ = 0.0;
};

}  // namespace
}  // namespace atalanta
