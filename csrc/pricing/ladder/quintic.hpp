// Between two nodes whose values, slopes and bends are known. Entries: quintic, quintic_value.
#pragma once

#include "pricing/ladder/present_kink.hpp"

namespace atalanta {
namespace {

// The quintic between two nodes, with derivatives by the place; everything in units of a cell.
ATALANTA_INLINE LocalSolution quintic(double f, LocalSolution a, LocalSolution b) {
    // In f from the first node: value, slope, half bend, and three terms that meet the second node.
    const double half = 0.5 * a.uyy;
    const double rise = b.u - a.u - a.uy - half, turn = b.uy - a.uy - a.uyy, bend = b.uyy - a.uyy;
    const double c3 = fma(10.0, rise, fma(-4.0, turn, 0.5 * bend));
    const double c4 = fma(-15.0, rise, fma(7.0, turn, -bend));
    const double c5 = fma(6.0, rise, fma(-3.0, turn, 0.5 * bend));
    LocalSolution at;
    at.u = fma(f, fma(f, fma(f, fma(f, fma(f, c5, c4), c3), half), a.uy), a.u);
    at.uy = fma(f, fma(f, fma(f, fma(f, 5.0 * c5, 4.0 * c4), 3.0 * c3), a.uyy), a.uy);
    at.uyy = fma(f, fma(f, fma(f, 20.0 * c5, 12.0 * c4), 6.0 * c3), a.uyy);
    return at;
}

// Its value alone.
ATALANTA_INLINE double quintic_value(double f, LocalSolution a, LocalSolution b) {
    const double half = 0.5 * a.uyy;
    const double rise = b.u - a.u - a.uy - half, turn = b.uy - a.uy - a.uyy, bend = b.uyy - a.uyy;
    const double c3 = fma(10.0, rise, fma(-4.0, turn, 0.5 * bend));
    const double c4 = fma(-15.0, rise, fma(7.0, turn, -bend));
    const double c5 = fma(6.0, rise, fma(-3.0, turn, 0.5 * bend));
    return fma(f, fma(f, fma(f, fma(f, fma(f, c5, c4), c3), half), a.uy), a.u);
}

}  // namespace
}  // namespace atalanta
