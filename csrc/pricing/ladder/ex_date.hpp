// An ex-date: u before it from u after it, at the spot less the dividend, on a grid about another centre.
// Entry: cross_ex_date.
#pragma once

#include "pricing/ladder/hinge.hpp"
#include "pricing/ladder/sweeps.hpp"

namespace atalanta {
namespace {

// One dividend of every lane.
struct ExDate {
    PerLane spot;  // at the centre of the grid before the date
    PerLane cash;
    PerLane shift;  // what the logarithm of X at the centre gains over the date
};

// The least share of the spot that counts as left over; a spot below it is as good as zero.
constexpr double kLeastRest = 1e-300;

// Fourth-order interpolation between -1/2 and 1/2 of five nodes about 0.
ATALANTA_INLINE double interpolate(double f, double a, double b, double c, double d, double e) {
    const double outer = a + e, inner = b + d, odd_outer = e - a, odd_inner = d - b;
    const double second = fma(16.0, inner, fma(-30.0, c, -outer)) * (1.0 / 24.0);
    const double first = fma(8.0, odd_inner, -odd_outer) * (1.0 / 12.0);
    const double third = fma(-2.0, odd_inner, odd_outer) * (1.0 / 12.0);
    const double fourth = fma(-4.0, inner, fma(6.0, c, outer)) * (1.0 / 24.0);
    return fma(f, fma(f, fma(f, fma(f, fourth, third), second), first), c);
}

// Where a node of the grid before the date lies on the grid after it.
struct Landing {
    PerLane place;  // in cells from node 0
    PerLane rest;   // share of the spot that is left
};

ATALANTA_INLINE void land(const Normalised& n, const ExDate& date, const double* growth, std::size_t nodes,
                          std::size_t i, Landing& to) {
    const double* up = node(growth, i);
    const double* down = node(growth, nodes - 1 - i);
    each_lane([&](std::size_t l) {
        const double put_growth = up[l], call_growth = down[l];
        const double spot = date.spot[l] * (n.side[l] > 0.0 ? put_growth : call_growth);
        const double left = 1.0 - date.cash[l] / spot;
        const double rest = left > kLeastRest ? left : kLeastRest;
        to.rest[l] = left > 0.0 ? left : 0.0;
        const double moved = fma(n.side[l], logarithm(rest), -date.shift[l]);
        to.place[l] = fma(moved, n.inverse_spacing[l], static_cast<double>(i));
    });
}

ATALANTA_INLINE double read_grid(const double* u, const double* growth, std::size_t nodes, std::size_t lane,
                                 double place, double spacing) {
    const double last = static_cast<double>(nodes - 1);
    if (place > last) return 0.0;
    const double* at = u + lane;
    if (place < 0.0) {
        const double x = exponential(place * spacing);  // over X at node 0
        const double step = growth[kLadderOptions + lane] / growth[lane] - 1.0;
        return fma((at[kLadderOptions] - at[0]) / step, x - 1.0, at[0]);
    }
    const double nearest = __builtin_floor(place + 0.5);
    const double inner = nearest < 2.0 ? 2.0 : nearest > last - 2.0 ? last - 2.0 : nearest;
    const double* c = at + static_cast<std::size_t>(inner) * kLadderOptions;
    constexpr std::ptrdiff_t kOne = kLadderOptions;
    return interpolate(place - inner, c[-2 * kOne], c[-kOne], c[0], c[kOne], c[2 * kOne]);
}

// after: u just after the date, read; before: u just before it, written, still without the right to exercise.
[[gnu::noinline]] inline void carry_over(const Normalised& n, const ExDate& date, const double* growth,
                                         std::size_t nodes, const double* after, double* before) {
    Landing to;
    for (std::size_t i = 0; i < nodes; ++i) {
        land(n, date, growth, nodes, i, to);
        for (std::size_t l = 0; l < kLadderOptions; ++l) {
            const double u = read_grid(after, growth, nodes, l, to.place[l], n.spacing[l]);
            node(before, i)[l] = n.side[l] > 0.0 ? u : to.rest[l] * u;
        }
    }
}

// The right to exercise just before the date: u = max(u, payoff), with the kink where the two cross.
[[gnu::noinline]] inline void exercise_before(const Normalised& n, const PerLane& level, const PerLane& slope,
                                              const double* growth, std::size_t nodes, double* u) {
    for (std::size_t l = 0; l < kLadderOptions; ++l) {
        if (n.american[l] == 0.0) continue;
        double gain_below = 0.0;
        for (std::size_t i = 0; i < nodes; ++i) {
            double* here = node(u, i) + l;
            const double pay = fma(-slope[l], node(growth, i)[l], level[l]);
            const double gain = pay - *here;
            *here = gain > 0.0 ? pay : *here;
            if (i > 0 && gain_below > 0.0 && !(gain > 0.0)) {
                const double eta = gain_below / (gain_below - gain);
                const HingeWeights w = hinge_weights(eta, (gain_below - gain) * n.inverse_spacing[l], 0.0, n.spacing[l]);
                node(u, i - 1)[l] += w.positive;
                *here += w.zero;
            }
            gain_below = gain;
        }
    }
}

}  // namespace
}  // namespace atalanta
