// Reads of a ladder's close-up. Between two nodes the value is the quintic with the value, slope and bend of
// both, in the place on which the nodes lie evenly. Entries: is_close, read_close_up.
#pragma once

#include "numerics/logarithm.hpp"
#include "pricing/ladder/quintic.hpp"

namespace atalanta {
namespace {

ATALANTA_INLINE bool is_close(const LadderProfile& p, double spot) {
    return spot >= p.close_up.low && spot <= p.close_up.high;
}

// u and its derivatives by y, at a spot that is close. values: all of the ladder's; those of the close-up
// come last.
inline LocalSolution read_close_up(const LadderProfile& p, const double* values, double spot) {
    const LadderCloseUp& c = p.close_up;
    const double y = p.side * log_ratio(spot, c.centre), s = y / c.scale, root = square_root(fma(s, s, 1.0));
    const double away = logarithm(__builtin_fabs(s) + root);
    const double place = ((s < 0.0 ? -away : away) - c.first) / c.step;
    const double most = c.nodes - 2.0, below = __builtin_floor(place);
    const double cell = below > 0.0 ? (below < most ? below : most) : 0.0;
    const double* from = values + 2 * static_cast<std::size_t>(p.middle) + 1 +
                         kCloseUpNumbers * static_cast<std::size_t>(cell);
    const LocalSolution at = quintic(place - cell, {from[0], from[1], from[2]}, {from[3], from[4], from[5]});
    // y = scale sinh(place).
    const double by_place = c.scale * root * c.step, bend = y * c.step * c.step;
    const double uy = at.uy / by_place;
    return {at.u, uy, (at.uyy - uy * bend) / (by_place * by_place)};
}

}  // namespace
}  // namespace atalanta
