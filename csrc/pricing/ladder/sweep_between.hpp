// The up sweep of a stage where some lanes may be exercised between two free boundaries, at rates below zero.
// Above the upper one the down sweep is right. Below the lower one it is not, for it has come through nodes
// that are exercised: there the right side is eliminated from node 0 upward, and solved for downward. Lane by
// lane, such rows being rare. Entry: sweep_up_mixed.
#pragma once

#include "pricing/ladder/ex_date_column.hpp"
#include "pricing/ladder/sweep_up.hpp"

namespace atalanta {
namespace {

class SweepBetween {
  public:
    // growth, down and up are columns of lane l: E, the down sweep, and room for the one from node 0. w: the
    // solution by SweepUp.
    SweepBetween(std::size_t l, const StepOperator& op, const Obstacle& obstacle, double spacing,
                 const double* growth, std::size_t nodes, const double* down, double* up, double* w)
        : l_(l),
          op_(op),
          obstacle_(obstacle),
          alpha_(op.alpha[l]),
          spacing_(spacing),
          growth_(growth),
          nodes_(nodes),
          down_(down),
          up_(up),
          w_(w + l) {}

    // Solves for u. ghosts and record.two_sided are left to say what the lane does.
    void solve(LaneSet& ghosts, SweepRecord& record) {
        if (!(obstacle_.edge[l_] > pay(0))) return;  // exercised from node 0 on, as others are
        eliminate_up();
        const std::size_t bottom = lowest_exercised(), top = highest_exercised();
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
        // Two continuations into fewer than two nodes would meet.
        if (upper.first < lower.first + 3) ghosts &= ~(1u << l_);
        if (!stores_ghost(op_, ghosts, l_)) return;
        store_ghost(lower, -1);
        store_ghost(upper, 1);
    }

  private:
    // Beside the exercised nodes: the first free one, what it is worth, and how far from the free boundary it
    // lies, 0 where that is not in the cell.
    struct Side {
        std::size_t first;
        double u, away;
    };

    double pay(std::size_t i) const { return payoff_at(obstacle_, l_, growth_[i]); }
    double& u(std::size_t i) const { return w_[i * kLadderOptions]; }
    static std::size_t moved(std::size_t i, std::ptrdiff_t by) {
        return static_cast<std::size_t>(static_cast<std::ptrdiff_t>(i) + by);
    }
    bool is_inside(std::size_t i) const { return i > 0 && i < nodes_ - 1; }

    // The right side is (1 + alpha E+) times the down sweep, and (1 + alpha E-) times this one.
    void eliminate_up() {
        up_[0] = fma(alpha_, obstacle_.after_edge[l_], obstacle_.edge[l_]);
        for (std::size_t i = 1; i < nodes_ - 1; ++i) {
            up_[i] = fma(-alpha_, up_[i - 1], fma(alpha_, down_[i + 1], down_[i]));
        }
    }

    // What a node is worth by a sweep that comes on to it where the node before is worth `from`.
    double free(const double* sweep, std::size_t i, double from) const {
        return fma(-alpha_, from, sweep[i]);
    }
    std::size_t highest_exercised() const {
        std::size_t i = obstacle_.end - 1;
        while (i > 0 && free(down_, i, pay(i - 1)) > pay(i)) --i;
        return i;
    }
    std::size_t lowest_exercised() const {
        std::size_t i = 1;
        while (i < obstacle_.end && free(up_, i, pay(i + 1)) > pay(i)) ++i;
        return i;
    }

    // The boundary beyond which nodes are free, of the exercised nodes that end with `last`, on the side
    // `away`. It may lie before that node, or after it.
    Side resolve(const double* sweep, std::size_t last, std::ptrdiff_t away) const {
        const double bend = bend_at(obstacle_, l_, growth_[last]), slack = obstacle_.slack[l_];
        const double excess = free(sweep, last, pay(moved(last, -away))) - pay(last);
        const bool lies = fma(slack, bend > 0.0 ? bend : 0.0, excess) > 0.0;
        const std::size_t first = lies ? last : moved(last, away);
        const Side side = resolve_first(sweep, first, away);
        return falls(sweep, side, away) ? resolve_first(sweep, moved(first, away), away) : side;
    }
    Side resolve_first(const double* sweep, std::size_t first, std::ptrdiff_t away) const {
        if (!is_inside(first)) return leave(sweep, moved(first, -away), away);
        const SubCell at = resolve_sub_cell(l_, free(sweep, first, pay(moved(first, -away))), op_, obstacle_,
                                            spacing_, growth_[first]);
        return {first, at.u, at.above};
    }
    // As SweepUp::reject.
    bool falls(const double* sweep, const Side& side, std::ptrdiff_t away) const {
        const std::size_t next = moved(side.first, away);
        if (side.away == 0.0 || !is_inside(next)) return false;
        const double bend = bend_at(obstacle_, l_, growth_[side.first]), h = spacing_;
        const double here = 0.5 * bend * side.away * side.away;
        return free(sweep, next, pay(side.first) + here) - pay(next) < fma(kLeastRise * bend, h * h, here);
    }
    // The boundary at the node `last`.
    Side leave(const double* sweep, std::size_t last, std::ptrdiff_t away) const {
        const std::size_t first = moved(last, away);
        if (first == 0) return {first, obstacle_.edge[l_], 0.0};
        if (first == nodes_ - 1) return {first, obstacle_.far[l_], 0.0};
        return {first, free(sweep, first, pay(last)), 0.0};
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
        for (std::size_t i = 0; i < record.end; ++i) {
            const bool exercised = i > lower.first && i < upper.first;
            const unsigned others = record.held[i] & ~(1u << l_), held = exercised ? 0 : 1u << l_;
            record.held[i] = static_cast<std::uint16_t>(others | held);
        }
        record.boundary_node[l_] = upper.away > 0.0 ? static_cast<double>(upper.first) : 0.0;
        record.boundary_above[l_] = upper.away;
        record.lower_node[l_] = static_cast<double>(lower.first);
        record.lower_below[l_] = lower.away;
    }

    void store_ghost(const Side& side, std::ptrdiff_t away) {
        if (!(side.away > 0.0)) return;
        const std::size_t last = moved(side.first, -away);
        u(last) = ghost_of(l_, obstacle_, spacing_, side.away, growth_[side.first], growth_[last]);
    }

    const std::size_t l_;
    const StepOperator& op_;
    const Obstacle& obstacle_;
    const double alpha_, spacing_;
    const double* growth_;
    const std::size_t nodes_;
    const double* down_;
    double *up_, *w_;
};

// As sweep_up, where the lanes `between` may be exercised between two free boundaries; ghosts loses those
// whose boundaries are too close. growth_column: of a lane; spare: room for another grid.
template <class GrowthColumn>
[[gnu::noinline]] inline void sweep_up_mixed(const StepOperator& op, const Obstacle& obstacle,
                                             const PerLane& spacing, const double* growth, std::size_t nodes,
                                             LaneSet between, LaneSet& ghosts, GrowthColumn&& growth_column,
                                             const Columns& columns, double* w, double* spare,
                                             SweepRecord& record) {
    __builtin_memcpy(spare, w, nodes * kLadderOptions * sizeof(double));
    SweepUp(op, obstacle, spacing, growth, nodes, w).run<true>(ghosts, &record);
    each_in(between, [&](std::size_t l) {
        for (std::size_t i = 0; i < nodes - 1; ++i) columns.u[i] = node(spare, i)[l];
        columns.u[nodes - 1] = fma(op.alpha[l], obstacle.before_far[l], obstacle.far[l]);
        SweepBetween lane(l, op, obstacle, spacing[l], growth_column(l), nodes, columns.u, columns.value, w);
        lane.solve(ghosts, record);
    });
}

}  // namespace
}  // namespace atalanta
