// The up sweep of a stage where some lanes may be exercised between two free boundaries. Above the upper one
// the down sweep is right. Below the lower one it is not, for it has come through nodes that are exercised:
// there the right side is eliminated from node 0 upward, and solved for downward. Lane by lane, such rows
// being rare. Entry: sweep_up_mixed.
#pragma once

#include "pricing/ladder/sweep_islands.hpp"

namespace atalanta {
namespace {

class SweepBetween : SweepLane {
  public:
    // growth, down and up are columns of lane l: E, the down sweep, and room for the one from node 0. w: the
    // solution by SweepUp.
    SweepBetween(std::size_t l, const StepOperator& op, const Obstacle& obstacle, double spacing,
                 const double* growth, std::size_t nodes, const double* down, double* up, double* w)
        : SweepLane(l, op, obstacle, spacing, growth, nodes, down, w), up_(up) {}

    // Solves for u. ghosts and record.two_sided are left to say what the lane does.
    void solve(LaneSet& ghosts, SweepRecord& record) {
        if (!(obstacle_.edge[l_] > pay(0))) return;  // exercised from node 0 on, as others are
        eliminate_up();
        const std::size_t top = highest_exercised(), bottom = lowest_exercised();
        if (bottom > top) {
            ghosts &= ~(1u << l_);
            hold(record);
            return;
        }
        Side lower = resolve(up_, bottom, -1), upper = resolve(down_, top, 1);
        if (upper.first < lower.first + 2) {
            lower = leave(up_, bottom, -1);
            upper = leave(down_, top, 1);
        }
        write(lower, upper, record);
        if (is_near(lower, upper)) ghosts &= ~(1u << l_);
        if (!stores_ghost(op_, ghosts, l_)) return;
        store_ghost(lower, -1);
        store_ghost(upper, 1);
    }

  private:
    void eliminate_up() {
        up_[0] = fma(alpha_, obstacle_.after_edge[l_], obstacle_.edge[l_]);
        for (std::size_t i = 1; i < nodes_ - 1; ++i) up_[i] = fma(-alpha_, up_[i - 1], right_side(i));
    }
    std::size_t lowest_exercised() const {
        std::size_t i = 1;
        while (i < obstacle_.end && free(up_, i, pay(i + 1)) > pay(i)) ++i;
        return i;
    }

    // No two nodes are exercised: one is, where the option would else be worth least.
    void hold(SweepRecord& record) {
        const std::size_t none = nodes_ - 1;
        write({none, obstacle_.far[l_], 0.0}, {0, obstacle_.edge[l_], 0.0}, record);
        std::size_t least = none;
        double dip = 0.0;
        for (std::size_t i = 1; i < obstacle_.end; ++i) {
            const double below = pay(i) - u(i);
            if (!(below > dip)) continue;
            dip = below;
            least = i;
        }
        if (least != none) write(leave(up_, least, -1), leave(down_, least, 1), record);
    }

    void write(const Side& lower, const Side& upper, SweepRecord& record) {
        for (std::size_t i = lower.first + 1; i < upper.first; ++i) u(i) = pay(i);
        u(upper.first) = upper.u;
        for (std::size_t i = upper.first + 1; i < nodes_ - 1; ++i) u(i) = free(down_, i, u(i - 1));
        if (lower.first < upper.first) {
            u(lower.first) = lower.u;
            for (std::size_t i = lower.first; i-- > 1;) u(i) = free(up_, i, u(i + 1));
        }
        u(0) = obstacle_.edge[l_];
        record.two_sided |= lower.first < upper.first ? 1u << l_ : 0;
        for (std::size_t i = 0; i < record.end; ++i)
            set_held(record, i, !(i > lower.first && i < upper.first));
        record_upper(record, l_, upper);
        record_lower(record, l_, lower);
    }

    double* up_;
};

// Lanes that may be exercised between two free boundaries; of these those with stretches that are held below.
struct BetweenLanes {
    LaneSet all = 0, islands = 0;
};

// As sweep_up, where some lanes may be exercised between free boundaries; ghosts loses those whose boundaries
// are too close. growth_column: of a lane; spare: room for another grid.
template <class GrowthColumn>
[[gnu::noinline]] inline void sweep_up_mixed(const StepOperator& op, const Obstacle& obstacle,
                                             const PerLane& spacing, const double* growth, std::size_t nodes,
                                             const BetweenLanes& between, LaneSet& ghosts,
                                             GrowthColumn&& growth_column, const Columns& columns, double* w,
                                             double* spare, SweepRecord& record) {
    __builtin_memcpy(spare, w, nodes * kLadderOptions * sizeof(double));
    SweepUp(op, obstacle, spacing, growth, nodes, w).run<true>(ghosts, &record);
    each_in(between.all, [&](std::size_t l) {
        for (std::size_t i = 0; i < nodes - 1; ++i) columns.u[i] = node(spare, i)[l];
        columns.u[nodes - 1] = fma(op.alpha[l], obstacle.before_far[l], obstacle.far[l]);
        const double *column = growth_column(l), h = spacing[l];
        if (contains(between.islands, l)) {
            SweepIslands(l, op, obstacle, h, column, nodes, columns, w).solve(ghosts, record);
        } else {
            SweepBetween(l, op, obstacle, h, column, nodes, columns.u, columns.value, w)
                .solve(ghosts, record);
        }
    });
}

}  // namespace
}  // namespace atalanta
