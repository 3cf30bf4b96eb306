// Options that stand within a few cells of their boundary of exercise. A node that the boundary has just
// passed is freed late, which heals in three steps and is read if the present is there; such rows are solved
// again on a finer grid. Entries: is_beside_boundary, kFinerBeside.
#pragma once

#include <cmath>

#include "pricing/ladder/problem.hpp"

namespace atalanta {

constexpr double kFinerBeside = 0.42;  // of the tolerance

// At a free boundary value and slope are those of the payoff: (1 - |delta|) / gamma is how far away it is.
// A function of the row's own numbers, as its grid is.
inline bool is_beside_boundary(const LadderOption& o, const LadderShape& shape,
                               const LadderReading& reading) {
    constexpr double kMostCells = 2.5, kLeastSlope = 0.8, kLeastGap = 1e-4;
    if (!shape.exercisable || reading.price <= o.right * (o.spot - o.strike)) return false;  // or exercised
    const double gap = 1.0 - o.right * reading.delta;
    const double cell =
        0.2 * shape.deviations / (shape.nodes - 1) * shape.narrowing * o.vol * std::sqrt(o.years) * o.spot;
    return gap > kLeastGap && gap < 1.0 - kLeastSlope && gap < kMostCells * cell * reading.gamma;
}

}  // namespace atalanta
