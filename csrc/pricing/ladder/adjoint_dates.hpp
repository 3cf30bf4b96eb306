// The transposed crossing of an ex-date, by all lanes before the same step or by one lane alone, whose
// numbers are the same. Entries: transpose_exercise, transpose_carry_over, transpose_carry_column.
#pragma once

#include "pricing/ladder/adjoint_sweeps.hpp"

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

struct HingeDerivatives {
    double positive_by_eta, zero_by_eta;
};
// Of hinge_weights, by eta.
ATALANTA_INLINE HingeDerivatives hinge_derivatives(double eta, double slope, double bend, double h) {
    const double b2 = fma(eta, eta - 1.0, 1.0 / 6.0), b3 = eta * fma(eta, eta - 1.5, 0.5);
    const double by_b2 = fma(2.0, eta, -1.0), by_b3 = fma(3.0 * eta, eta - 1.0, 0.5);
    const double total = h * fma(slope * 0.5, b2, bend * h * (1.0 / 6.0) * b3);
    const double by_total = h * fma(slope * 0.5, by_b2, bend * h * (1.0 / 6.0) * by_b3);
    const double zero = total + fma(eta, by_total, -(slope * h * (1.0 / 3.0)) * by_b3);
    return {by_total - zero, zero};
}

// values: derivative by u with the right to exercise on entry, without it on return.
[[gnu::noinline]] inline void transpose_exercise(const DateRecord& record, const Normalised& n, LaneSet lanes,
                                                 const double* growth, std::size_t nodes, double* values,
                                                 PayoffWeights& weights) {
    const double middle = static_cast<double>(nodes / 2);
    PerLane by_gain_below, by_gain;
    const auto each_kink = [&](auto&& body) {
        for (std::size_t l = 0; l < kLadderOptions; ++l) {
            if (contains(lanes, l) && record.kink.node[l] != 0.0) {
                body(l, static_cast<std::size_t>(record.kink.node[l]));
            }
        }
    };
    each_kink([&](std::size_t l, std::size_t i) {
        const double across = record.kink.gain_below[l] - record.kink.gain[l];
        const double eta = record.kink.gain_below[l] / across;
        const HingeWeights w = hinge_weights(eta, n.inverse_spacing[l], 0.0, n.spacing[l]);  // over `across`
        const HingeDerivatives d = hinge_derivatives(eta, across * n.inverse_spacing[l], 0.0, n.spacing[l]);
        const double at_positive = node(values, i - 1)[l], at_zero = node(values, i)[l];
        const double by_across = at_positive * w.positive + at_zero * w.zero;
        const double by_eta = (at_positive * d.positive_by_eta + at_zero * d.zero_by_eta) / across;
        by_gain_below[l] = by_across + by_eta * (1.0 - eta);
        by_gain[l] = by_eta * eta - by_across;
    });
    for (std::size_t i = 0; i < nodes; ++i) {
        double* at = node(values, i);
        for (LaneSet paid = lanes & ~LaneSet{record.held[i]}; paid != 0; paid &= paid - 1) {
            const auto l = static_cast<std::size_t>(__builtin_ctz(paid));
            weights.add(l, at[l], node(growth, i)[l], static_cast<double>(i) - middle);
            at[l] = 0.0;
        }
    }
    each_kink([&](std::size_t l, std::size_t i) {
        const double cells = record.kink.node[l] - middle;
        weights.add(l, by_gain_below[l], node(growth, i - 1)[l], cells - 1.0);
        weights.add(l, by_gain[l], node(growth, i)[l], cells);
        node(values, i - 1)[l] -= by_gain_below[l];
        node(values, i)[l] -= by_gain[l];
    });
}

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

// The reads of one row of nodes.
struct RowReads {
    PerLane weight;  // derivative of the price by the read
    PerLane value, by_place, by_spacing;

    ATALANTA_INLINE void set(std::size_t l, const PlaceWeights& read) {
        value[l] = read.value;
        by_place[l] = read.by_place;
        by_spacing[l] = read.by_spacing;
    }
};

ATALANTA_INLINE void transpose_reads(const Normalised& n, const PayoffRecord& payoff, const double* u,
                                     const double* growth, std::size_t nodes, const PerLane& place,
                                     double* into, RowReads& reads, PayoffWeights& paid) {
    PerLane centre, outside;
    choose_centres(place, nodes, centre, outside);
    std::uint64_t special = 0;  // lanes beyond the grid, or with another centre than the first
    for (std::size_t l = 0; l < kLadderOptions; ++l) {
        special |= bits_of(outside[l]) | (bits_of(centre[l]) ^ bits_of(centre[0]));
    }
    if (special == 0) {
        const std::size_t first = static_cast<std::size_t>(centre[0]) - 2;
        each_lane([&](std::size_t l) {
            const std::size_t from = first * kLadderOptions + l;
            reads.set(l, transpose_read<kLadderOptions>(u + from, place[l] - centre[l], reads.weight[l],
                                                        into + from));
        });
        return;
    }
    for (std::size_t l = 0; l < kLadderOptions; ++l) {
        const std::size_t from = (static_cast<std::size_t>(centre[l]) - 2) * kLadderOptions + l;
        reads.set(l, outside[l] != 0.0
                         ? transpose_read_beyond(n, l, lane_of(payoff, l), u + l, growth + l, kLadderOptions,
                                                 nodes, place[l], reads.weight[l], into + l, paid)
                         : transpose_read<kLadderOptions>(u + from, place[l] - centre[l], reads.weight[l],
                                                          into + from));
    }
}

// What the value of a node before the date adds to the derivatives, through what it reads.
struct NodeTerms {
    double shift, log_spot, cash, spacing;
};

// by_value: derivative by that value; weight: by the read.
ATALANTA_INLINE NodeTerms node_terms(double side, double inverse_spacing, double spot, double shrinks,
                                     double rest, double moved, double cells, double by_value, double weight,
                                     const PlaceWeights& read) {
    const double by_place = weight * read.by_place * inverse_spacing;
    const bool put = side > 0.0, remains = rest > kLeastRest;
    // d ln(rest) = (d ln(spot) - d ln(cash)) cash / (spot rest); a call is counted in what rests.
    const double by_log_rest = side * by_place / (remains ? rest : 1.0);
    const double by_unit = by_value * read.value;
    const double by_rest = remains ? by_log_rest + (put ? 0.0 : by_unit) : 0.0;
    const double by_log_spot = by_rest * (1.0 - rest);
    const double by_moved = fma(-by_place, moved, weight * read.by_spacing);
    return {by_place, by_log_spot, by_rest * shrinks / spot, fma(by_log_spot * side, cells, by_moved)};
}

// before: derivative by u before the date; after: by u after it, written. by_spacing is added to.
[[gnu::noinline]] inline void transpose_carry_over(const Normalised& n, const ExDate& date,
                                                   const PayoffRecord& payoff, const double* growth,
                                                   std::size_t nodes, const double* u, const double* before,
                                                   double* after, DateWeights& weights, PayoffWeights& paid,
                                                   PerLane& by_spacing) {
    const double middle = static_cast<double>(nodes / 2);
    __builtin_memset(after, 0, nodes * kLadderOptions * sizeof(double));
    weights.clear();
    Landing to;
    RowReads reads;
    for (std::size_t i = 0; i < nodes; ++i) {
        land(n, date, growth, nodes, i, to);
        const double *by_value = node(before, i), *up = node(growth, i), *down = node(growth, nodes - 1 - i);
        const double cells = static_cast<double>(i) - middle, here = static_cast<double>(i);
        each_lane([&](std::size_t l) {
            const double rest = to.rest[l], unit = n.side[l] > 0.0 ? 1.0 : rest;
            reads.weight[l] = by_value[l] * unit;
        });
        transpose_reads(n, payoff, u, growth, nodes, to.place, after, reads, paid);
        each_lane([&](std::size_t l) {
            const double put_shrinks = down[l], call_shrinks = up[l];
            const NodeTerms terms = node_terms(n.side[l], n.inverse_spacing[l], date.spot[l],
                                               n.side[l] > 0.0 ? put_shrinks : call_shrinks, to.rest[l],
                                               to.place[l] - here, cells, by_value[l], reads.weight[l],
                                               {reads.value[l], reads.by_place[l], reads.by_spacing[l]});
            weights.shift[l] -= terms.shift;
            weights.log_spot[l] += terms.log_spot;
            weights.cash[l] -= terms.cash;
            by_spacing[l] += terms.spacing;
        });
    }
}

// Of lane l alone, whose columns have landed. before and u: derivative by u before the date, stride apart,
// and u after it; into: the derivative by that, written. growth: the lane's column.
[[gnu::noinline]] inline void transpose_read_column(const Normalised& n, std::size_t l, const LaneDate& date,
                                                    const LanePayoff& payoff, const double* growth,
                                                    std::size_t nodes, const double* before,
                                                    std::size_t stride, const double* u, const Columns& c,
                                                    double* into, DateWeights& weights, PayoffWeights& paid,
                                                    double& by_spacing) {
    const double middle = static_cast<double>(nodes / 2), last = static_cast<double>(nodes - 1);
    for (std::size_t i = 0; i < nodes; ++i) into[i] = 0.0;
    weights.shift[l] = weights.log_spot[l] = weights.cash[l] = 0.0;
    for (std::size_t i = 0; i < nodes; ++i) {
        const double by_value = before[i * stride], rest = c.rest[i], place = c.place[i];
        const double weight = by_value * (n.side[l] > 0.0 ? 1.0 : rest), here = static_cast<double>(i);
        const auto from = static_cast<std::size_t>(c.centre[i]) - 2;
        const PlaceWeights read =
            place < 0.0 || place > last
                ? transpose_read_beyond(n, l, payoff, u, growth, 1, nodes, place, weight, into, paid)
                : transpose_read<1>(u + from, place - c.centre[i], weight, into + from);
        const NodeTerms terms = node_terms(n.side[l], n.inverse_spacing[l], date.spot, c.shrinks[i], rest,
                                           place - here, here - middle, by_value, weight, read);
        weights.shift[l] -= terms.shift;
        weights.log_spot[l] += terms.log_spot;
        weights.cash[l] -= terms.cash;
        by_spacing += terms.spacing;
    }
}

// values: its derivative by u before the date on entry, after it on return.
inline void transpose_carry_column(const Normalised& n, std::size_t l, const LaneDate& date,
                                   const DateRecord& record, const double* growth, std::size_t nodes,
                                   double* values, const Columns& c, DateWeights& weights,
                                   PayoffWeights& paid, double& by_spacing) {
    land_column(n, l, date, growth, nodes, c);
    copy_column(record.after + l, nodes, c.u);
    transpose_read_column(n, l, date, lane_of(record.payoff_after, l), growth, nodes, values + l,
                          kLadderOptions, c.u, c, c.value, weights, paid, by_spacing);
    for (std::size_t i = 0; i < nodes; ++i) node(values, i)[l] = c.value[i];
}

}  // namespace
}  // namespace atalanta
