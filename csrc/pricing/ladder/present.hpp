// The solved grid of the present: where exercise is optimal now, with the solution continued smoothly beyond
// its free boundary, so that stencils next to it see no kink. Entry: find_exercise, continue_smoothly.
#pragma once

#include "pricing/ladder/boundary_fit.hpp"
#include "pricing/ladder/tape.hpp"

namespace atalanta {
namespace {

// Places on the grid, in nodes, between which exercise is optimal now; highest < lowest where it nowhere is.
struct ExerciseNow {
    PerLane lowest, highest;
    PerLane first_free;  // the node above
};

constexpr double kBelowEveryNode = -1e9;

inline ExerciseNow exercise_nowhere() {
    ExerciseNow now;
    each_lane([&](std::size_t l) {
        now.lowest[l] = 1e9;
        now.highest[l] = now.first_free[l] = kBelowEveryNode;
    });
    return now;
}

inline ExerciseNow find_exercise(const SweepRecord& sweep, const Normalised& n) {
    ExerciseNow now = exercise_nowhere();
    unsigned unknown = 0xFFFF;
    for (std::size_t i = sweep.end; i-- > 0 && unknown != 0;) {
        const unsigned exercised = unknown & ~static_cast<unsigned>(sweep.held[i]);
        unknown &= ~exercised;
        for (std::size_t l = 0; exercised != 0 && l < kLadderOptions; ++l) {
            if ((exercised >> l & 1) == 0) continue;
            const double above = static_cast<double>(i + 1);
            const bool resolved = sweep.boundary_node[l] == above;
            now.first_free[l] = above;
            now.highest[l] = resolved ? above - sweep.boundary_above[l] * n.inverse_spacing[l] : above - 1.0;
        }
    }
    unsigned pending = 0xFFFF & ~unknown;
    for (std::size_t i = 0; i < sweep.end && pending != 0; ++i) {
        const unsigned exercised = pending & ~static_cast<unsigned>(sweep.held[i]);
        pending &= ~exercised;
        each_in(exercised, [&](std::size_t l) {
            const double lowest = static_cast<double>(i);
            const bool two_sided = contains(sweep.two_sided, l);
            const double cells = sweep.lower_below[l] * n.inverse_spacing[l];
            const double within = sweep.lower_node[l] + (cells > 0.0 ? cells : 1.0);
            now.lowest[l] = two_sided ? within : i == 0 ? kBelowEveryNode : lowest;
        });
    }
    return now;
}

constexpr std::size_t kContinued = 3;  // nodes

// Away from its boundary u - payoff is d^2 (bend / 2 + a d + b d^2), d being the distance; a and b from two
// nodes. It goes on so into the exercised nodes, at most to the node `end`. Upward the numbers of nodes are
// counted from node 0, for the held nodes below a lower boundary downward from the last one.
template <bool kUpper>
inline void continue_lane(const Normalised& n, const PayoffRecord& payoff, const double* growth,
                          std::size_t nodes, double boundary, double end, std::size_t l, double* u) {
    const double h = n.spacing[l], whole = __builtin_floor(boundary), part = boundary - whole;
    const double first = whole + (part > 0.5 ? 2.0 : 1.0);
    if (!(boundary >= 0.0 && first + 1.0 < static_cast<double>(nodes))) return;
    const auto at = [&](std::size_t i) { return kUpper ? i : nodes - 1 - i; };
    const auto pay = [&](std::size_t i) {
        return fma(-payoff.slope[l], node(growth, at(i))[l], payoff.level[l]);
    };
    const auto excess = [&](std::size_t i) { return node(u, at(i))[l] - pay(i); };
    const auto i = static_cast<std::size_t>(first), last = static_cast<std::size_t>(boundary);
    const double d1 = (first - boundary) * h, d2 = d1 + h;
    const double e = node(growth, at(last))[l] * exponential((kUpper ? part : -part) * h);
    const double bend = fma(n.rate[l], payoff.level[l], -(n.yield[l] * payoff.slope[l]) * e) / n.diffusion[l];
    const double half = 0.5 * bend;
    const double c1 = (excess(i) / (d1 * d1) - half) / d1, c2 = (excess(i + 1) / (d2 * d2) - half) / d2;
    const double b = (c2 - c1) / h, a = fma(-b, d1, c1);
    for (std::size_t k = 0; k < kContinued && k <= last; ++k) {
        const double place = static_cast<double>(last - k), d = (place - boundary) * h;
        if (place < end) break;
        node(u, at(last - k))[l] = fma(d * d, fma(d, fma(d, b, a), half), pay(last - k));
    }
}

// Finds the boundary of a lane anew from the nodes beyond the first free one, and what lies about it.
inline bool fit_lane(const Normalised& n, const PayoffRecord& payoff, const double* growth, std::size_t nodes,
                     std::size_t l, ExerciseNow& now, double* u) {
    const auto first = static_cast<std::size_t>(now.first_free[l]);
    const BoundaryFit fit(n, l, lane_of(payoff, l), growth + l, u + l, kLadderOptions, nodes, first, 1.0,
                          0.0);
    if (!fit.found) return false;
    now.highest[l] = fma(fit.boundary, n.inverse_spacing[l], static_cast<double>(nodes / 2));
    for (std::size_t k = 0; k <= kContinued && k <= first; ++k) {
        const double e = node(growth, first - k)[l];
        const double pay = fma(-payoff.slope[l], e, payoff.level[l]);
        node(u, first - k)[l] = pay + fit.worth(fit.place(e) - fit.boundary);
    }
    return true;
}

// far, near: of the lanes with one boundary those whose place is wanted at any distance, and those of which
// only what lies about the present is read. Between two boundaries the one on the other side of the present
// spot comes first: they may be so close that the other overwrites it.
inline void continue_smoothly(const Normalised& n, const PayoffRecord& payoff, LaneSet far, LaneSet near,
                              const double* growth, std::size_t nodes, ExerciseNow& now, double* u) {
    constexpr double kSeen = 5.0;  // nodes
    const double last = static_cast<double>(nodes - 1), middle = 0.5 * last;
    for (std::size_t l = 0; l < kLadderOptions; ++l) {
        const double lowest = now.lowest[l], highest = now.highest[l];
        if (!(highest > kBelowEveryNode)) continue;
        const bool seen = __builtin_fabs(highest - middle) < kSeen;
        const bool fits = contains(far, l) || (contains(near, l) && seen);
        if (fits && fit_lane(n, payoff, growth, nodes, l, now, u)) continue;
        const auto upper = [&] { continue_lane<true>(n, payoff, growth, nodes, highest, lowest, l, u); };
        const auto lower = [&] {
            continue_lane<false>(n, payoff, growth, nodes, last - lowest, last - highest, l, u);
        };
        const bool is_above = middle > highest;
        if (is_above && lowest > kBelowEveryNode) lower();
        upper();
        if (!is_above && lowest > kBelowEveryNode) lower();
    }
}

}  // namespace
}  // namespace atalanta
