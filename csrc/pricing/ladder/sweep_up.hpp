// The up sweep of a stage, from the exercise end, which keeps u at or above the payoff and finds the free
// boundary inside its cell. Entry: sweep_up.
#pragma once

#include "pricing/ladder/sub_cell.hpp"

namespace atalanta {
namespace {

constexpr double kLeastRise = 0.05;  // from a first free node to the next, over bend h^2: 1/2 on a parabola
constexpr unsigned kEveryRowLane = (1u << kRowLanes) - 1;

// What an up sweep did, for the sweeps that take its derivative: which lanes of a node hold the option, and
// where the free boundary was found inside a cell.
struct SweepRecord {
    std::uint16_t* held;  // a bit per lane, nodes below `end`
    std::size_t end;
    PerLane boundary_node;   // the node above it, 0 where there is none
    PerLane boundary_above;  // how far that node lies above it
    LaneSet two_sided;       // lanes that are held below the exercised nodes as well, and of these:
    PerLane lower_node;      // the first held node below the lower free boundary
    PerLane lower_below;     // how far it lies below that, 0 where that was not found inside a cell
    LaneSet islands;         // of these, those that may be exercised below that once more
};

// An up sweep of options that are exercised below one free boundary each, if anywhere. Below it nothing hangs
// on the node before, so that all boundaries are found first.
class SweepUp {
  public:
    ATALANTA_INLINE SweepUp(const StepOperator& op, const Obstacle& obstacle, const PerLane& spacing,
                            const double* growth, std::size_t nodes, double* w)
        : op_(op),
          obstacle_(obstacle),
          spacing_(spacing),
          growth_(growth),
          nodes_(nodes),
          end_(obstacle.end),
          w_(w) {}

    template <bool kRecords>
    ATALANTA_INLINE void run(LaneSet ghosts, SweepRecord* record) {
        for (std::size_t at = 0; at < kLadderOptions; at += kRowLanes) find(at);
        resolve();
        for (std::size_t at = 0; at < kLadderOptions; at += kRowLanes) solve<kRecords>(at, record);
        if (kRecords) {
            each_lane([&](std::size_t l) {
                record->boundary_node[l] = above_[l] > 0.0 ? node_[l] : 0.0;
                record->boundary_above[l] = above_[l];
            });
        }
        store_ghosts(ghosts);
    }

  private:
    // For the lanes from `at` on: the highest node that is exercised, if the one below is. Of the free
    // solution there, less the payoff, both linear in e^y, only the down sweep is left to add.
    ATALANTA_INLINE void find(std::size_t at) {
        alignas(64) double constant[kRowLanes], slope[kRowLanes];
        for (std::size_t k = 0; k < kRowLanes; ++k) {
            const std::size_t l = at + k;
            const double alpha = op_.alpha[l], shrinks = obstacle_.shrinks[l];
            constant[k] = obstacle_.level[l] * (1.0 + alpha);
            slope[k] = obstacle_.slope[l] * fma(alpha, shrinks, 1.0);
        }
        const Lanes by_e = load(slope), least = load(constant);
        const Lanes one = repeat(1.0);
        Lanes highest = repeat(0.0), here = one;
        for (std::size_t i = 1; i < end_; ++i) {
            const Lanes held = fma(by_e, load(node(growth_, i) + at), load(node(w_, i) + at));
            highest = select(held > least, highest, here);
            here = here + one;
        }
        store(node_.at + at, highest);
    }

    // From the highest exercised nodes to the first free ones, and what the down sweep would have to be there
    // for the solution to come out of it.
    ATALANTA_INLINE void resolve() {
        PerLane above, second_above;
        for (std::size_t l = 0; l < kLadderOptions; ++l) {
            const auto i = static_cast<std::size_t>(node_[l]);
            e_[l] = node(growth_, i)[l];
            down_[l] = node(w_, i > 0 ? i : 1)[l];
            above[l] = node(w_, i + 1)[l];
            second_above[l] = node(w_, i + 2 < nodes_ ? i + 2 : nodes_ - 1)[l];
        }
        // The boundary may lie below the last node that looks exercised, or above it.
        each_lane([&](std::size_t l) {
            const double at = node_[l], e = e_[l], lower = e * obstacle_.shrinks[l];
            const double pay = payoff_at(obstacle_, l, e), below = payoff_at(obstacle_, l, lower);
            const double bend = bend_at(obstacle_, l, e), excess = fma(-op_.alpha[l], below, down_[l]) - pay;
            const double lies = fma(obstacle_.slack[l], bend > 0.0 ? bend : 0.0, excess);
            const double first = at > 0.0 ? lies : 0.0, free = at > 0.0 ? 0.0 : obstacle_.edge[l] - pay;
            e_[l] = first > 0.0 ? e : e * obstacle_.grows[l];
            e_below_[l] = first > 0.0 ? lower : e;
            down_[l] = first > 0.0 ? down_[l] : above[l];
            above_node_[l] = first > 0.0 || free > 0.0 ? above[l] : second_above[l];
            const double node = first > 0.0 ? at : at + 1.0;
            node_[l] = free > 0.0 ? 0.0 : node;
        });
        each_lane([&](std::size_t l) {
            const double alpha = op_.alpha[l], below = payoff_at(obstacle_, l, e_below_[l]);
            const SubCell at =
                resolve_sub_cell(l, fma(-alpha, below, down_[l]), op_, obstacle_, spacing_[l], e_[l]);
            above_[l] = node_[l] > 0.0 ? at.above : 0.0;
            down_[l] = fma(alpha, below, at.u);
        });
        reject();
    }

    // Where a step before has left the continuation of the option below its boundary, a node may look free
    // that is not: above it the solution would fall, or rise by less than a part of the bend.
    ATALANTA_INLINE void reject() {
        PerLane falls;
        each_lane([&](std::size_t l) {
            const double alpha = op_.alpha[l], e = e_[l], s = above_[l];
            const double pay = payoff_at(obstacle_, l, e),
                         pay_next = payoff_at(obstacle_, l, e * obstacle_.grows[l]);
            const double bend = bend_at(obstacle_, l, e), here = 0.5 * bend * s * s, h = spacing_[l];
            const double next = fma(-alpha, pay + here, above_node_[l]) - pay_next;
            falls[l] = next < fma(kLeastRise * bend, h * h, here) ? s : 0.0;
        });
        std::uint64_t any = 0;
        for (std::size_t l = 0; l < kLadderOptions; ++l) any |= bits_of(falls[l]);
        if (any == 0) [[likely]]
            return;
        each_lane([&](std::size_t l) {
            const double alpha = op_.alpha[l], below = payoff_at(obstacle_, l, e_[l]),
                         e = e_[l] * obstacle_.grows[l];
            const SubCell at =
                resolve_sub_cell(l, fma(-alpha, below, above_node_[l]), op_, obstacle_, spacing_[l], e);
            const bool moves = falls[l] > 0.0;
            e_below_[l] = moves ? e_[l] : e_below_[l];
            e_[l] = moves ? e : e_[l];
            above_[l] = moves ? at.above : above_[l];
            down_[l] = moves ? fma(alpha, below, at.u) : down_[l];
            node_[l] = moves ? node_[l] + 1.0 : node_[l];
        });
    }

    template <bool kRecords>
    ATALANTA_INLINE void solve(std::size_t at, SweepRecord* record) {
        const Lanes level = load(obstacle_.level.at + at), slope = load(obstacle_.slope.at + at);
        const Lanes alpha = load(op_.alpha.at + at), first_free = load(node_.at + at);
        const Lanes down = load(down_.at + at);
        const Span span = span_of(node_.at + at, kRowLanes);
        const auto all_paid = static_cast<std::size_t>(span.least),
                   all_free = static_cast<std::size_t>(span.most) + 1;
        const auto keep = [&](std::size_t i, unsigned held) {
            if constexpr (kRecords) {
                record->held[i] = static_cast<std::uint16_t>(at == 0 ? held : record->held[i] | held << at);
            }
        };
        const auto pay = [&](std::size_t i) { return fnma(slope, load(node(growth_, i) + at), level); };
        Lanes u = larger(load(obstacle_.edge.at + at), pay(0));
        store(w_ + at, u);
        keep(0, bits_of(repeat(0.5) > first_free));
        std::size_t i = 1;
        for (; i < all_paid; ++i) {
            u = pay(i);
            store(node(w_, i) + at, u);
            keep(i, 0);
        }
        Lanes below = repeat(static_cast<double>(i) - 1.0);
        for (; i < all_free && i < nodes_ - 1; ++i) {
            const Lanes here = below + repeat(1.0);
            const LaneMask paid = first_free > here, begins = without(first_free > below, paid);
            u = select(paid, pay(i), fnma(alpha, u, select(begins, down, load(node(w_, i) + at))));
            store(node(w_, i) + at, u);
            keep(i, kEveryRowLane & ~bits_of(paid));
            below = here;
        }
        for (std::size_t k = i; kRecords && k < end_; ++k) keep(k, kEveryRowLane);
        for (; i < nodes_ - 1; ++i) {
            u = fnma(alpha, u, load(node(w_, i) + at));
            store(node(w_, i) + at, u);
        }
    }

    ATALANTA_INLINE void store_ghosts(LaneSet ghosts) {
        PerLane ghost;
        each_lane([&](std::size_t l) {
            ghost[l] = ghost_of(l, obstacle_, spacing_[l], above_[l], e_[l], e_below_[l]);
        });
        const Lanes least = repeat(kLeastLean), zero = repeat(0.0);
        LaneSet stored = 0;
        for (std::size_t at = 0; at < kLadderOptions; at += kRowLanes) {
            const Lanes lean = zero - load(op_.alpha.at + at);
            const LaneMask leaves_out = least > lean;
            stored |= bits_of(without(load(above_.at + at) > zero, leaves_out)) << at;
        }
        each_in(stored & ghosts,
                [&](std::size_t l) { node(w_, static_cast<std::size_t>(node_[l]) - 1)[l] = ghost[l]; });
    }

    const StepOperator& op_;
    const Obstacle& obstacle_;
    const PerLane& spacing_;
    const double* growth_;
    const std::size_t nodes_, end_;
    double* w_;
    PerLane node_, e_, e_below_;  // the first free node of each lane, e^distance there and below
    PerLane above_node_;          // the down sweep at the node above the first free one
    PerLane above_;               // how far it lies above the free boundary, 0 where that is not in the cell
    PerLane down_;                // the down sweep there from which the solution comes out
};

// Solves for u over its down sweep. ghosts: the lanes that store the smooth continuation below the free
// boundary, which the next explicit stencil wants; not before an ex-date or a reading. record may be null.
[[gnu::noinline]] inline void sweep_up(const StepOperator& op, const Obstacle& obstacle,
                                       const PerLane& spacing, const double* growth, std::size_t nodes,
                                       LaneSet ghosts, double* w, SweepRecord* record) {
    SweepUp sweep(op, obstacle, spacing, growth, nodes, w);
    if (record == nullptr) {
        sweep.run<false>(ghosts, nullptr);
    } else {
        sweep.run<true>(ghosts, record);
    }
}

}  // namespace
}  // namespace atalanta
