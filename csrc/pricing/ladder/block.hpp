// Sixteen options side by side, one per lane, as the kernel sees them: every option is a put on X. A put has
// X = S / K and is counted in strikes; a call has X = K / S and is counted in shares (so that its rates
// change places). In y = ln X + drift tau its value is e^(-rate tau) u(y, tau) with u_tau = diffusion u_yy.
// Entry: Normalised::of. Lanes never meet: the result of an option does not depend on its neighbours.
#pragma once

#include "numerics/exponential.hpp"
#include "numerics/logarithm.hpp"
#include "pricing/ladder/problem.hpp"

namespace atalanta {
namespace {

struct alignas(64) PerLane {
    double at[kLadderOptions];

    ATALANTA_INLINE double& operator[](std::size_t lane) { return at[lane]; }
    ATALANTA_INLINE double operator[](std::size_t lane) const { return at[lane]; }
};

// A bit per lane.
using LaneSet = unsigned;
constexpr LaneSet kEveryOption = (1u << kLadderOptions) - 1;

ATALANTA_INLINE bool contains(LaneSet lanes, std::size_t lane) {
    return (lanes >> lane & 1) != 0;
}

// Calls body(lane) for every lane; vectorises when the body is branch-free.
template <class Body>
ATALANTA_INLINE void each_lane(Body&& body) {
    ATALANTA_VECTOR_LOOP
    for (std::size_t lane = 0; lane < kLadderOptions; ++lane) body(lane);
}

// Calls body(lane) for the lanes of a set, one after another.
template <class Body>
ATALANTA_INLINE void each_in(LaneSet lanes, Body&& body) {
    for (; lanes != 0; lanes &= lanes - 1) body(static_cast<std::size_t>(__builtin_ctz(lanes)));
}

// The same, at once where these are all of them.
template <class Body>
ATALANTA_INLINE void each_of(LaneSet lanes, Body&& body) {
    if (lanes == kEveryOption) {
        each_lane(body);
        return;
    }
    each_in(lanes, body);
}

// The least and the most of numbers that are not negative: their bits are in the same order.
struct Span {
    double least, most;
};
ATALANTA_INLINE Span span_of(const double* values, std::size_t count) {
    std::uint64_t least = bits_of(values[0]), most = least;
    for (std::size_t k = 0; k < count; ++k) {
        const std::uint64_t bits = bits_of(values[k]);
        least = bits < least ? bits : least;
        most = bits > most ? bits : most;
    }
    return {double_of(least), double_of(most)};
}

struct Normalised {
    PerLane side;  // +1 put, -1 call
    PerLane american;
    PerLane exercisable;  // 1 where exercise between ex-dates can be optimal
    PerLane bends;        // 1 where taken_bends.hpp has something to correct
    PerLane least_left;   // of the spot at the centre before a date, at the one after it
    PerLane spot, strike, years;
    PerLane rate, yield, vol;  // rate and yield of X
    PerLane diffusion, inverse_diffusion, drift;
    PerLane half_width;  // of the grid, in vol sqrt(years)
    PerLane spacing, inverse_spacing;

    // Lanes without an option look like the first one, and stay idle.
    ATALANTA_INLINE void fill(const LadderBlock& block) {
        for (std::size_t lane = 0; lane < kLadderOptions; ++lane) {
            const std::size_t from = lane < block.count ? lane : 0;
            const LadderOption& o = block.options[from];
            half_width[lane] = 0.1 * block.shapes[from].deviations;
            exercisable[lane] = block.shapes[from].exercisable ? 1.0 : 0.0;
            bends[lane] = block.shapes[from].bends ? 1.0 : 0.0;
            least_left[lane] = block.shapes[from].known_below ? kLeastLeftOfKnown : kLeastLeft;
            side[lane] = -o.right;
            american[lane] = o.american ? 1.0 : 0.0;
            spot[lane] = o.spot;
            strike[lane] = o.strike;
            years[lane] = o.years;
            rate[lane] = o.rate;
            yield[lane] = o.dividend_yield;
            vol[lane] = o.vol;
        }
        const double cells = 0.5 * (block.shapes[0].nodes - 1);
        each_lane([&](std::size_t l) {
            const double r = rate[l], q = yield[l];
            rate[l] = side[l] > 0.0 ? r : q;
            yield[l] = side[l] > 0.0 ? q : r;
            diffusion[l] = 0.5 * vol[l] * vol[l];
            inverse_diffusion[l] = 1.0 / diffusion[l];
            drift[l] = rate[l] - yield[l] - diffusion[l];
            spacing[l] = half_width[l] * vol[l] * square_root(years[l]) / cells;
            inverse_spacing[l] = 1.0 / spacing[l];
        });
    }
};

}  // namespace
}  // namespace atalanta
