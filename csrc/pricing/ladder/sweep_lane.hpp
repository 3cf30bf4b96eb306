// What the up sweeps of one lane share whose option may be held on both sides of exercised nodes: its payoff,
// its right side, and the free boundary beside exercised nodes on either side. Entry: SweepLane.
#pragma once

#include "pricing/ladder/ex_date_column.hpp"
#include "pricing/ladder/sweep_up.hpp"

namespace atalanta {
namespace {

class SweepLane {
  protected:
    // growth and down are columns of lane l: E and the down sweep. w: the solution by SweepUp.
    SweepLane(std::size_t l, const StepOperator& op, const Obstacle& obstacle, double spacing,
              const double* growth, std::size_t nodes, const double* down, double* w)
        : l_(l),
          op_(op),
          obstacle_(obstacle),
          alpha_(op.alpha[l]),
          spacing_(spacing),
          growth_(growth),
          nodes_(nodes),
          down_(down),
          w_(w + l) {}

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

    // It is (1 + alpha E+) times the down sweep, and (1 + alpha E-) times the one upward.
    double right_side(std::size_t i) const { return fma(alpha_, down_[i + 1], down_[i]); }
    // What a node is worth by a sweep that comes on to it where the node before is worth `from`.
    double free(const double* sweep, std::size_t i, double from) const {
        return fma(-alpha_, from, sweep[i]);
    }
    std::size_t highest_exercised() const {
        std::size_t i = obstacle_.end - 1;
        while (i > 0 && free(down_, i, pay(i - 1)) > pay(i)) --i;
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
    // The boundary at the node `last`.
    Side leave(const double* sweep, std::size_t last, std::ptrdiff_t away) const {
        const std::size_t first = moved(last, away);
        if (first == 0) return {first, obstacle_.edge[l_], 0.0};
        if (first == nodes_ - 1) return {first, obstacle_.far[l_], 0.0};
        return {first, free(sweep, first, pay(last)), 0.0};
    }

    void set_held(SweepRecord& record, std::size_t i, bool held) const {
        const unsigned others = record.held[i] & ~(1u << l_);
        record.held[i] = static_cast<std::uint16_t>(others | (held ? 1u << l_ : 0));
    }
    static void record_upper(SweepRecord& record, std::size_t l, const Side& upper) {
        record.boundary_node[l] = upper.away > 0.0 ? static_cast<double>(upper.first) : 0.0;
        record.boundary_above[l] = upper.away;
    }
    static void record_lower(SweepRecord& record, std::size_t l, const Side& lower) {
        record.lower_node[l] = static_cast<double>(lower.first);
        record.lower_below[l] = lower.away;
    }

    void store_ghost(const Side& side, std::ptrdiff_t away) {
        if (!(side.away > 0.0)) return;
        const std::size_t last = moved(side.first, -away);
        u(last) = ghost_of(l_, obstacle_, spacing_, side.away, growth_[side.first], growth_[last]);
    }
    // Two continuations into fewer than two nodes would meet.
    static bool is_near(const Side& lower, const Side& upper) { return upper.first < lower.first + 3; }

    const std::size_t l_;
    const StepOperator& op_;
    const Obstacle& obstacle_;
    const double alpha_, spacing_;
    const double* growth_;
    const std::size_t nodes_;
    const double* down_;
    double* w_;

  private:
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
};

}  // namespace
}  // namespace atalanta
