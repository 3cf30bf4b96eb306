// Options that stand within a few cells of their boundary of exercise. A node that the boundary has just
// passed is freed late, which heals in three steps and is read if the present is there; such rows are solved
// again on a finer grid. Entry: finer_beside.
#pragma once

#include "pricing/ladder/problem.hpp"

namespace atalanta {

// Shares of the tolerance: elsewhere, beside a boundary, and beside one of two. Of these the lower one of X
// is not followed on the march back as the upper one is (adjoint_between.hpp).
constexpr double kAsItIs = 1.0, kFinerBeside = 0.42, kFinerBesideTwo = 0.1, kFinerAppearing = 0.02;

// At a free boundary value and slope are those of the payoff, and from one at rest the value leaves as a
// parabola: twice the time value times gamma is the square of 1 - |delta|. Where it is clearly less, gamma
// falls fast from a boundary that has just appeared, and more cells feel it. A function of the row's own
// numbers, as its grid is.
inline double finer_beside(const LadderOption& o, const LadderShape& shape, const LadderReading& reading) {
    constexpr double kMostHeld = 2.5, kMostFalling = 4.0, kMostExercised = 1.0, kMostOfTwo = 6.0,
                     kMostAppearing = 1.5;  // cells
    constexpr double kFalling = 0.75;
    if (!shape.exercisable || shape.known_below) return kAsItIs;
    const double time_value = reading.price - o.right * (o.spot - o.strike);
    const bool is_held = time_value > 0.0;
    // As march.hpp sweeps them.
    const double rate = o.right < 0.0 ? o.rate : o.dividend_yield;
    const double yield = o.right < 0.0 ? o.dividend_yield : o.rate;
    if (!(rate > 0.0) || yield < 0.0) {
        if (is_held && reading.boundary_cells < kMostAppearing) return kFinerAppearing;
        return reading.boundary_cells < (is_held ? kMostOfTwo : kMostExercised) ? kFinerBesideTwo : kAsItIs;
    }
    if (!is_held) return reading.boundary_cells < kMostExercised ? kFinerBeside : kAsItIs;
    const double gap = 1.0 - o.right * reading.delta;
    const bool falls = 2.0 * time_value * reading.gamma < kFalling * gap * gap;
    return reading.boundary_cells < (falls ? kMostFalling : kMostHeld) ? kFinerBeside : kAsItIs;
}

}  // namespace atalanta
