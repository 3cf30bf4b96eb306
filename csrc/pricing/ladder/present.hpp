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
        for (std::size_t l = 0; exercised != 0 && l < kLadderOptions; ++l) {
            if ((exercised >> l & 1) != 0) now.lowest[l] = i == 0 ? kBelowEveryNode : static_cast<double>(i);
        }
    }
    return now;
}

constexpr std::size_t kContinued = 3;  // nodes

// Above its boundary u - payoff is d^2 (bend / 2 + a d + b d^2), d being the distance; a and b from two
// nodes.
inline void continue_lane(const Normalised& n, const PayoffRecord& payoff, const double* growth,
                          std::size_t nodes, double boundary, std::size_t l, double* u) {
    const double h = n.spacing[l];
    const double first = __builtin_floor(boundary) + (boundary - __builtin_floor(boundary) > 0.5 ? 2.0 : 1.0);
    if (!(boundary >= 0.0 && first + 1.0 < static_cast<double>(nodes))) return;
    const auto excess = [&](std::size_t i) {
        return node(u, i)[l] - fma(-payoff.slope[l], node(growth, i)[l], payoff.level[l]);
    };
    const auto i = static_cast<std::size_t>(first);
    const double d1 = (first - boundary) * h, d2 = d1 + h;
    const double e = node(growth, static_cast<std::size_t>(boundary))[l] *
                     exponential((boundary - __builtin_floor(boundary)) * h);
    const double bend = fma(n.rate[l], payoff.level[l], -(n.yield[l] * payoff.slope[l]) * e) / n.diffusion[l];
    const double half = 0.5 * bend;
    const double c1 = (excess(i) / (d1 * d1) - half) / d1, c2 = (excess(i + 1) / (d2 * d2) - half) / d2;
    const double b = (c2 - c1) / h, a = fma(-b, d1, c1);
    const auto last = static_cast<std::size_t>(boundary);
    for (std::size_t k = 0; k < kContinued && k <= last; ++k) {
        const double d = (static_cast<double>(last - k) - boundary) * h;
        const double pay = fma(-payoff.slope[l], node(growth, last - k)[l], payoff.level[l]);
        node(u, last - k)[l] = fma(d * d, fma(d, fma(d, b, a), half), pay);
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

// single: the lanes with one free boundary whose place is wanted at any distance, and those of which only
// what lies about the present is read.
inline void continue_smoothly(const Normalised& n, const PayoffRecord& payoff, LaneSet far, LaneSet near,
                              const double* growth, std::size_t nodes, ExerciseNow& now, double* u) {
    constexpr double kSeen = 5.0;  // nodes
    const double middle = static_cast<double>(nodes / 2);
    for (std::size_t l = 0; l < kLadderOptions; ++l) {
        if (!(now.highest[l] > kBelowEveryNode)) continue;
        const bool seen = __builtin_fabs(now.highest[l] - middle) < kSeen;
        const bool fits = contains(far, l) || (contains(near, l) && seen);
        if (fits && fit_lane(n, payoff, growth, nodes, l, now, u)) continue;
        continue_lane(n, payoff, growth, nodes, now.highest[l], l, u);
    }
}

}  // namespace
}  // namespace atalanta
