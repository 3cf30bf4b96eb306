// The free boundary inside its cell: where it lies, what the node above it is worth, and how the option goes
// on smoothly to the node below. Entries: resolve_sub_cell, ghost_of.
#pragma once

#include "pricing/ladder/sweeps.hpp"

namespace atalanta {
namespace {

// Of the sweep on its neighbour, from which on the continuation below a free boundary helps the next step.
constexpr double kLeastLean = 0.03;

// Where the free boundary lies in the cell below a node: u - payoff starts there as bend s^2 / 2, and the
// node has the value for which that parabola, continued to the node below, satisfies the equation.
struct SubCell {
    double above;  // s, 0 where the boundary is not in that cell
    double u;
};

ATALANTA_INLINE double bend_at(const Obstacle& obstacle, std::size_t l, double e) {
    return fma(-obstacle.bend_slope[l], e, obstacle.bend[l]);
}
ATALANTA_INLINE double payoff_at(const Obstacle& obstacle, std::size_t l, double e) {
    return fma(-obstacle.slope[l], e, obstacle.level[l]);
}

// free: u of the node with the payoff at the one below.
ATALANTA_INLINE SubCell resolve_sub_cell(std::size_t l, double free, const StepOperator& op,
                                         const Obstacle& obstacle, double h, double e) {
    const double c = -op.alpha[l], bend = bend_at(obstacle, l, e), pay = payoff_at(obstacle, l, e);
    const double excess = free - pay, h2 = h * h, square = (excess + excess) / bend;
    const bool bends = bend > 0.0, leans = c > 0.0, near = square < h2;
    const bool lies = fma(obstacle.slack[l], bend, excess) > 0.0, solves = bends & leans & near & lies;
    const double under = fma(1.0 - c, square, c * h2);
    const double s = (square_root(under > 0.0 ? under : 0.0) - c * h) * op.inverse[l];
    const double solved = fma(0.5 * bend * s, s, pay);
    return {solves ? s : 0.0, solves ? solved : free > pay ? free : pay};
}

// The value of the parabola at the node below.
ATALANTA_INLINE double ghost_of(std::size_t l, const Obstacle& obstacle, double h, double s, double e,
                                double e_below) {
    const double rest = h - s;
    return fma(0.5 * bend_at(obstacle, l, e) * rest, rest, payoff_at(obstacle, l, e_below));
}

// Whether a lane among `ghosts` stores it.
ATALANTA_INLINE bool stores_ghost(const StepOperator& op, LaneSet ghosts, std::size_t l) {
    return contains(ghosts, l) && -op.alpha[l] >= kLeastLean;
}

}  // namespace
}  // namespace atalanta
