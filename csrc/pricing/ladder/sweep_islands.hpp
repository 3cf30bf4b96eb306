// The up sweep of a lane whose rate is above zero and whose yield is below: waiting for a dividend may pay
// deep in the money where it does not nearer to the strike, in any number of stretches of spots between
// exercised ones. Which nodes are held is found by policy iteration (Howard), a stretch being solved for
// between the payoffs beside it. Entry: SweepIslands::solve.
#pragma once

#include "pricing/ladder/pivots.hpp"
#include "pricing/ladder/sweep_lane.hpp"

namespace atalanta {
namespace {

class SweepIslands : SweepLane {
  public:
    // columns.u: the down sweep. w: the solution by SweepUp.
    SweepIslands(std::size_t l, const StepOperator& op, const Obstacle& obstacle, double spacing,
                 const double* growth, std::size_t nodes, const Columns& columns, double* w)
        : SweepLane(l, op, obstacle, spacing, growth, nodes, columns.u, w),
          up_(columns.value),
          sweep_(columns.place),
          value_(columns.rest),
          held_(columns.centre) {}

    // Solves for u. ghosts and record.two_sided are left to say what the lane does.
    void solve(LaneSet& ghosts, SweepRecord& record) {
        highest_ = top_ = highest_exercised();
        if (!find_stretches()) return;  // exercised from node 0 on, as others are
        pivots_ = Pivots(alpha_);
        settle();
        write(ghosts, record);
    }

  private:
    // Nodes first ... last - 1 that are held, below the exercised ones up to top_.
    struct Stretch {
        std::size_t first, last;

        std::size_t nodes() const { return last - first; }
    };

    bool is_held(std::size_t i) const { return i > highest_ || held_[i] > 0.0; }

    // The nodes that would be worth more held, though they and their neighbours are exercised: a few in a
    // row, and not beside a boundary, where the last step has left its continuation.
    bool find_stretches() {
        constexpr std::size_t kInARow = 2, kBeside = 4;
        const bool from_edge = obstacle_.edge[l_] > pay(0);
        const std::size_t end = highest_ > kBeside ? highest_ - kBeside : 0;
        bool any = from_edge;
        for (std::size_t i = 1, row = 0; i < end && !any; ++i) {
            row = wants_holding(i, pay(i - 1), pay(i + 1)) ? row + 1 : 0;
            any = row >= kInARow;
        }
        if (!any) return false;
        for (std::size_t i = 0; i <= highest_; ++i) {
            value_[i] = pay(i);
            held_[i] = 0.0;
        }
        value_[highest_ + 1] = obstacle_.far[l_];
        value_[0] = from_edge ? obstacle_.edge[l_] : value_[0];
        held_[0] = from_edge ? 1.0 : 0.0;
        for (std::size_t i = 1, row = 0; i < end; ++i) {
            row = wants_holding(i, value_[i - 1], value_[i + 1]) ? row + 1 : 0;
            for (std::size_t k = row == kInARow ? kInARow : row > kInARow ? 1 : 0; k > 0; --k)
                held_[i + 1 - k] = 1.0;
        }
        if (from_edge && highest_ > 0) held_[1] = 1.0;
        return true;
    }
    // Of an exercised node between ones that are worth `before` and `after`.
    bool wants_holding(std::size_t i, double before, double after) const {
        constexpr double kLeast = 1e-10;
        const double paid = fma(alpha_, before + after, fma(alpha_ * alpha_, pay(i), pay(i)));
        return right_side(i) > paid + kLeast;
    }

    // The nodes that are held no longer change.
    void settle() {
        // Steps from a kink are so short that neighbours pull the wrong way, and rounds may go in circles:
        // after some, nodes are only taken from those that are held.
        constexpr int kRounds = 40, kGrowing = 20;
        for (int round = 0; round < kRounds; ++round) {
            each_stretch([&](const Stretch& s) {
                eliminate(s);
                substitute(s);
            });
            solve_above();
            if (!revise(round < kGrowing)) return;
        }
    }
    bool revise(bool grows) {
        bool changed = false;
        for (std::size_t i = 1; i <= highest_; ++i) {
            const bool holds = is_held(i);
            const bool beside = is_held(i - 1) || is_held(i + 1);
            const bool wants = holds ? !(value_[i] < pay(i))
                                     : grows && beside && wants_holding(i, value_[i - 1], value_[i + 1]);
            if (wants == holds) continue;
            held_[i] = wants ? 1.0 : 0.0;
            if (!wants) value_[i] = pay(i);
            changed = true;
        }
        return changed;
    }

    // Downward, the highest first.
    template <class Body>
    void each_stretch(Body&& body) {
        top_ = highest_;
        while (top_ > 0 && is_held(top_)) --top_;
        for (std::size_t i = top_; i > 0;) {
            while (i > 0 && !is_held(i)) --i;
            const std::size_t last = i + 1;
            while (i > 0 && is_held(i)) --i;
            if (i + 1 < last) body(Stretch{i + 1, last});
        }
    }
    // A node further: the boundary may lie beyond it.
    void eliminate(const Stretch& s) {
        up_[s.first] = fma(-alpha_, value_[s.first - 1], right_side(s.first));
        for (std::size_t i = s.first + 1; i < s.last + 1; ++i)
            up_[i] = fma(-alpha_ * pivots_.inverse(i - 1 - s.first), up_[i - 1], right_side(i));
    }
    void substitute(const Stretch& s) {
        double after = pay(s.last);
        for (std::size_t i = s.last; i-- > s.first;)
            value_[i] = after = fma(-alpha_, after, up_[i]) * pivots_.inverse(i - s.first);
    }
    // Beyond the exercised nodes, as far as one of them may be exercised after all.
    void solve_above() {
        for (std::size_t i = top_ + 1; i <= highest_ + 1 && i < nodes_ - 1; ++i)
            value_[i] = free(down_, i, value_[i - 1]);
    }

    void write(LaneSet& ghosts, SweepRecord& record) {
        Stretch top = {0, 0};
        each_stretch([&](const Stretch& s) { top = top.last == 0 ? s : top; });
        const bool is_alone = top.last == 0, resolves = top_ == highest_ && top_ > 0;
        const Side left = {is_alone ? 0 : top.last - 1, value_[is_alone ? 0 : top.last - 1], 0.0};
        Side upper = resolves ? resolve(down_, top_, 1) : after_top();
        Side lower = resolves && is_long(top) ? resolve_end(top) : left;
        if (!is_alone && upper.first < lower.first + 2) {
            upper = after_top();
            lower = left;
        }
        for (std::size_t i = 0; i <= top_; ++i) u(i) = value_[i];
        for (std::size_t i = 0; i < record.end; ++i) set_held(record, i, is_held(i));
        if (!is_alone) write_end(top, lower, record);
        for (std::size_t i = (is_alone ? top_ : lower.first) + 1; i < upper.first; ++i) {
            u(i) = pay(i);
            if (i < record.end) set_held(record, i, false);
        }
        u(upper.first) = upper.u;
        if (upper.first < record.end) set_held(record, upper.first, true);
        for (std::size_t i = upper.first + 1; i < nodes_ - 1; ++i) u(i) = free(down_, i, u(i - 1));
        record_upper(record, l_, upper);
        if (!resolves || (!is_alone && is_near(lower, upper))) ghosts &= ~(1u << l_);
        if (!stores_ghost(op_, ghosts, l_)) return;
        store_ghost(lower, -1);
        store_ghost(upper, 1);
    }
    // The boundary at the node top_, which is the held node 0 where none is exercised.
    Side after_top() const {
        const std::size_t first = top_ + 1;
        return {first, first < nodes_ - 1 ? free(down_, first, value_[top_]) : obstacle_.far[l_], 0.0};
    }
    // So that its lower end is not felt at its upper one, which then is found inside its cell.
    bool is_long(const Stretch& s) const {
        constexpr double kFelt = 1e-3;
        return s.nodes() > 1 && pivots_.inverse(s.nodes()) > 1.0 - kFelt;
    }
    // By a sweep that gives its nodes and the one after them what they are worth, and beside that is the one
    // of a stretch without a lower end.
    Side resolve_end(const Stretch& s) const {
        const double paid = pay(s.last), after = pay(s.last + 1);
        const double next = fma(-alpha_, after, up_[s.last]) * pivots_.inverse(s.nodes());
        sweep_[s.last] = fma(alpha_, after, next);
        sweep_[s.last - 1] = fma(alpha_, paid, value_[s.last - 1]);
        sweep_[s.last - 2] = fma(alpha_, value_[s.last - 1], value_[s.last - 2]);
        return resolve(sweep_, s.last, -1);
    }
    // The highest stretch, up to where it ends.
    void write_end(const Stretch& top, const Side& lower, SweepRecord& record) {
        record.two_sided |= 1u << l_;
        record.islands |= 1u << l_;
        record_lower(record, l_, lower);
        u(lower.first) = lower.u;
        set_held(record, lower.first, true);
        for (std::size_t i = lower.first; i-- > top.first;)
            u(i) = fma(-alpha_, u(i + 1), up_[i]) * pivots_.inverse(i - top.first);
    }

    double *up_, *sweep_, *value_, *held_;
    Pivots pivots_;
    // The highest exercised nodes: as it looked from above, and as it is.
    std::size_t highest_ = 0, top_ = 0;
};

}  // namespace
}  // namespace atalanta
