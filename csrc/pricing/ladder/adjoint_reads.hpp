// What a node before an ex-date reads from the grid after it, transposed: inside, beyond the grid, and at the
// spot that the dividend takes whole. Entries: transpose_read, transpose_read_beyond, transpose_taken_spot.
#pragma once

#include "pricing/ladder/adjoint_sweeps.hpp"
#include "pricing/ladder/taken_bends.hpp"

namespace atalanta {
namespace {

// Derivatives of a price by where the grids lie: by the logarithm of X at the centre before a date (of what
// it gains over the date), by the logarithm of the spot there, and by the dividend.
struct DateWeights {
    PerLane shift, log_spot, cash;

    ATALANTA_INLINE void clear() {
        each_lane([&](std::size_t l) { shift[l] = log_spot[l] = cash[l] = 0.0; });
    }
};

// What a read of a grid depends on.
struct PlaceWeights {
    double value;       // the read
    double by_place;    // its derivative by the place, in cells
    double by_spacing;  // at a given place
};

// A read of a lane in terms of what it reads: its coefficients times `weight` are added to `into`. stride:
// between the nodes of the lane, here and below.
inline PlaceWeights transpose_read_beyond(const Normalised& n, std::size_t l, const LanePayoff& payoff,
                                          const double* u, const double* growth, std::size_t stride,
                                          std::size_t nodes, double place, double weight, double* into,
                                          PayoffWeights& weights) {
    const Beyond beyond = read_beyond(n, l, payoff, u, growth, stride, nodes, place);
    const std::size_t first = beyond.node * stride, next = first + stride;
    const double e0 = growth[first], e1 = growth[next], h = n.spacing[l];
    if (beyond.pay > beyond.held && beyond.pay > 0.0) {
        weights.add(l, weight, beyond.x, place - static_cast<double>(nodes / 2));
        return {beyond.pay, -payoff.slope * beyond.x * h, 0.0};  // the weights know the rest
    }
    if (beyond.is_level(payoff.level)) weights.add(l, weight, 0.0, 0.0);
    if (!beyond.is_held()) return {beyond.value(), 0.0, 0.0};
    into[first] = fma(weight, 1.0 - beyond.second, into[first]);
    into[next] = fma(weight, beyond.second, into[next]);
    // (e^(f h) - 1) / (e^h - 1) is the weight of the second node, f being the distance from the first.
    const double rise = (u[next] - u[first]) / (e1 - e0), f = place - static_cast<double>(beyond.node);
    return {beyond.held, rise * beyond.x * h, rise * fma(f, beyond.x, -beyond.second * e1)};
}

// A read from five nodes, f from the middle one; u and into begin at the lowest.
template <std::size_t kStride>
ATALANTA_INLINE PlaceWeights transpose_read(const double* u, double f, double weight, double* into) {
    const double f2 = f * f;
    // Lagrange's polynomials on -2 ... 2 and their derivatives.
    const double c[5] = {f * (f2 - 1.0) * (f - 2.0) / 24.0, -f * (f2 - 4.0) * (f - 1.0) / 6.0,
                         (f2 - 1.0) * (f2 - 4.0) / 4.0, -f * (f2 - 4.0) * (f + 1.0) / 6.0,
                         f * (f2 - 1.0) * (f + 2.0) / 24.0};
    const double d[5] = {(((4.0 * f - 6.0) * f - 2.0) * f + 2.0) / 24.0,
                         -(((4.0 * f - 3.0) * f - 8.0) * f + 4.0) / 6.0, (4.0 * f2 - 10.0) * f / 4.0,
                         -(((4.0 * f + 3.0) * f - 8.0) * f - 4.0) / 6.0,
                         (((4.0 * f + 6.0) * f - 2.0) * f - 2.0) / 24.0};
    PlaceWeights w = {0.0, 0.0, 0.0};
    for (std::size_t j = 0; j < 5; ++j) {
        const std::size_t at = j * kStride;
        into[at] = fma(weight, c[j], into[at]);
        w.value = fma(c[j], u[at], w.value);
        w.by_place = fma(d[j], u[at], w.by_place);
    }
    return w;
}

// Of correct_taken_spot. before: derivative by u just before the date; into: by u just after it, added to.
inline void transpose_taken_spot(const Normalised& n, std::size_t l, const LaneDate& date,
                                 const LanePayoff& payoff, const double* growth, std::size_t nodes,
                                 const double* before, std::size_t before_stride, const double* after,
                                 double* into, std::size_t stride, DateWeights& weights, PayoffWeights& paid,
                                 double& by_spacing) {
    if (!takes_a_spot(n, l, date.share, growth, stride, nodes)) return;
    const LostAtZero lost = lost_at_zero(n, l, payoff, after, growth, stride);
    const double moved = exponential(-date.shift);
    const TakenSpot taken(date.share, lost.slope * moved, n.spacing[l], nodes);
    const TakenSpot::Derivatives d = taken.transpose(before, before_stride);
    weights.shift[l] -= d.by_log_loses;
    weights.log_spot[l] -= d.by_log_share;
    weights.cash[l] += d.by_log_share / date.cash;
    by_spacing += d.by_spacing;
    double by_lost = 0.0;
    if (n.bends[l] > 0.0) {
        const TakenBends bends(n, l, date.share, date.shift, payoff, after, growth, stride, nodes);
        const TakenBends::Derivatives b = bends.transpose(before, before_stride, into);
        weights.shift[l] += b.by_shift;
        weights.log_spot[l] -= b.by_log_share;
        weights.cash[l] += b.by_log_share / date.cash;
        by_spacing += b.by_spacing;
        paid.plain[l] += b.by_level;
        paid.grown[l] -= b.by_slope;
        by_lost = b.by_lost;
    }
    if (!(lost.slope > 0.0)) return;
    const double by_slope = d.by_log_loses / lost.slope + by_lost;
    if (lost.exercised) {
        paid.grown[l] -= by_slope;
        return;
    }
    const double middle = static_cast<double>(nodes / 2), e0 = growth[0], e1 = growth[stride];
    const double by_fall = by_slope / (e1 - e0);
    into[0] += by_fall;
    into[stride] -= by_fall;
    by_spacing -= by_fall * lost.slope * ((1.0 - middle) * e1 + middle * e0);
}

}  // namespace
}  // namespace atalanta
