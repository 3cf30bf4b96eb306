// The up sweep of a stage where some lanes may be exercised between two free boundaries, at rates below zero.
// Above the upper one the down sweep is right. Below the lower one it is not, for it has come through nodes
// that are exercised: there the right side is eliminated from node 0 upward, and solved for downward; or from
// where the option is exercised once more, at spots so low that the next dividend takes more than there is
// and waiting gains less than it costs. Lane by lane, such rows being rare. Entry: sweep_up_mixed.
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
        const std::size_t top = highest_exercised();
        base_ = obstacle_.edge[l_] > pay(0) ? kHeld : find_base(1, top);
        if (base_ == kNone) return;  // exercised from node 0 on, as others are
        eliminate_up();
        std::size_t bottom = lowest_exercised();
        const bool is_held = base_ == kHeld && bottom < top && bottom <= nodes_ / 2;
        if (const std::size_t above = is_held ? find_base(bottom + kBeside, top) : kNone; above != kNone) {
            base_ = above;
            eliminate_up();
            bottom = lowest_exercised();
        }
        if (bottom > top) {
            ghosts &= ~(1u << l_);
            base_ == kHeld ? hold(record) : hold_above(record);
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

    // The exercised node below those that would be worth more held, though others above them are exercised: a
    // few in a row between `first` and `top`, and not beside a boundary, where the last step has left its
    // continuation. Of several such stretches the one that the present lies in or above, else the highest.
    std::size_t find_base(std::size_t first, std::size_t top) const {
        constexpr std::size_t kInARow = 2;
        std::size_t wanted = 0, found = kNone;
        for (std::size_t i = top > kBeside ? top - kBeside : 0; i-- >= first;) {
            const bool wants = i >= first && wants_holding(i);
            if (!wants && wanted >= kInARow && (found == kNone || i < nodes_ / 2)) found = i;
            if (found < nodes_ / 2) break;
            wanted = wants ? wanted + 1 : 0;
        }
        return found;
    }
    // Of an exercised node between exercised ones.
    bool wants_holding(std::size_t i) const {
        constexpr double kLeast = 1e-10;
        const double paid = fma(alpha_, pay(i - 1) + pay(i + 1), fma(alpha_ * alpha_, pay(i), pay(i)));
        return right_side(i) > paid + kLeast;
    }

    // It is (1 + alpha E+) times the down sweep, and (1 + alpha E-) times the one upward.
    double right_side(std::size_t i) const { return fma(alpha_, down_[i + 1], down_[i]); }
    std::size_t start() const { return base_ == kHeld ? 0 : base_; }
    void eliminate_up() {
        const std::size_t from = start();
        // Beyond an exercised node the value is not known yet: what that errs dies out within nodes.
        up_[from] = base_ == kHeld ? fma(alpha_, obstacle_.after_edge[l_], obstacle_.edge[l_])
                                   : fma(alpha_, pay(from + 1), pay(from));
        for (std::size_t i = from + 1; i < nodes_ - 1; ++i) up_[i] = fma(-alpha_, up_[i - 1], right_side(i));
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
        const auto is_held = [&](std::size_t i) { return free(up_, i, pay(i + 1)) > pay(i); };
        std::size_t i = start() + 1;
        // Beside a base the value rises so fast from node to node that the next one's payoff would not do.
        if (base_ != kHeld)
            while (i < obstacle_.end && !is_held(i)) ++i;
        while (i < obstacle_.end && is_held(i)) ++i;
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

    // Exercised up to the base alone.
    void hold_above(SweepRecord& record) {
        for (std::size_t i = 0; i <= base_; ++i) u(i) = pay(i);
        for (std::size_t i = base_ + 1; i < nodes_ - 1; ++i) u(i) = free(down_, i, u(i - 1));
        for (std::size_t i = 0; i < record.end; ++i) set_held(record, i, i > base_);
        record.boundary_node[l_] = record.boundary_above[l_] = 0.0;
    }

    void set_held(SweepRecord& record, std::size_t i, bool held) const {
        const unsigned others = record.held[i] & ~(1u << l_);
        record.held[i] = static_cast<std::uint16_t>(others | (held ? 1u << l_ : 0));
    }

    void write(const Side& lower, const Side& upper, SweepRecord& record) {
        for (std::size_t i = lower.first + 1; i < upper.first; ++i) u(i) = pay(i);
        u(upper.first) = upper.u;
        for (std::size_t i = upper.first + 1; i < nodes_ - 1; ++i) u(i) = free(down_, i, u(i - 1));
        if (lower.first < upper.first) {
            u(lower.first) = lower.u;
            for (std::size_t i = lower.first; i-- > start() + 1;) u(i) = free(up_, i, u(i + 1));
        }
        if (base_ == kHeld) u(0) = obstacle_.edge[l_];
        const bool is_based = base_ != kHeld;
        for (std::size_t i = 0; is_based && i <= base_; ++i) u(i) = pay(i);
        record.two_sided |= lower.first < upper.first ? 1u << l_ : 0;
        for (std::size_t i = 0; i < record.end; ++i) {
            const bool between = i > lower.first && i < upper.first, below = is_based && i <= base_;
            set_held(record, i, !(between || below));
        }
        record.base[l_] = is_based ? static_cast<double>(base_) : kNotBased;
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

    static constexpr std::size_t kNone = ~std::size_t{0}, kHeld = kNone - 1;
    static constexpr std::size_t kBeside = 4;  // nodes

    const std::size_t l_;
    const StepOperator& op_;
    const Obstacle& obstacle_;
    const double alpha_, spacing_;
    const double* growth_;
    const std::size_t nodes_;
    const double* down_;
    double *up_, *w_;
    std::size_t base_ = kNone;  // the highest of the lowest exercised nodes; held: node 0 is
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
