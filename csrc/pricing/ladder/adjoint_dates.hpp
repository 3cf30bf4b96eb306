// The transposed crossing of an ex-date by one lane, down its column. Entry: transpose_cross_column.
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

// Of one lane.
struct LaneDateWeights {
    double shift, log_spot, cash;
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
inline void transpose_exercise(const DateRecord& record, const Normalised& n, std::size_t l,
                               const double* growth, std::size_t nodes, double* values,
                               PayoffWeight& weight) {
    const double middle = static_cast<double>(nodes / 2);
    const auto kink = static_cast<std::size_t>(record.kink_node);
    double by_gain_below = 0.0, by_gain = 0.0;
    if (kink != 0) {
        const double across = record.gain_below - record.gain, eta = record.gain_below / across;
        const HingeWeights w = hinge_weights(eta, n.inverse_spacing[l], 0.0, n.spacing[l]);  // over `across`
        const HingeDerivatives d = hinge_derivatives(eta, across * n.inverse_spacing[l], 0.0, n.spacing[l]);
        const double at_positive = values[kink - 1], at_zero = values[kink];
        const double by_across = at_positive * w.positive + at_zero * w.zero;
        const double by_eta = (at_positive * d.positive_by_eta + at_zero * d.zero_by_eta) / across;
        by_gain_below = by_across + by_eta * (1.0 - eta);
        by_gain = by_eta * eta - by_across;
    }
    for (std::size_t i = 0; i < nodes; ++i) {
        if (record.held[i] != 0) continue;
        weight.add(values[i], growth[i], static_cast<double>(i) - middle);
        values[i] = 0.0;
    }
    if (kink == 0) return;
    const double cells = record.kink_node - middle;
    weight.add(by_gain_below, growth[kink - 1], cells - 1.0);
    weight.add(by_gain, growth[kink], cells);
    values[kink - 1] -= by_gain_below;
    values[kink] -= by_gain;
}

// What a read of a grid depends on.
struct PlaceWeights {
    double value;       // the read
    double by_place;    // its derivative by the place, in cells
    double by_spacing;  // at a given place
};

// A read in terms of what it reads: its coefficients times `weight` are added to `into`.
inline PlaceWeights transpose_read_beyond(const Normalised& n, std::size_t l, const LanePayoff& payoff,
                                          const double* u, const double* growth, std::size_t nodes,
                                          double place, double weight, double* into, PayoffWeight& paid) {
    if (place > 0.0) return {0.0, 0.0, 0.0};
    const Beyond beyond = read_beyond(n, l, payoff, u, growth, 1, place);
    const double e0 = growth[0], e1 = growth[1], h = n.spacing[l];
    if (beyond.pay > beyond.held) {
        paid.add(weight, beyond.x, place - static_cast<double>(nodes / 2));
        return {beyond.pay, -payoff.slope * beyond.x * h, 0.0};  // the weights know the rest
    }
    into[0] = fma(weight, 1.0 - beyond.second, into[0]);
    into[1] = fma(weight, beyond.second, into[1]);
    // (e^(place h) - 1) / (e^h - 1) is the weight of node 1.
    const double rise = (u[1] - u[0]) / (e1 - e0);
    return {beyond.held, rise * beyond.x * h, rise * fma(place, beyond.x, -beyond.second * e1)};
}

inline PlaceWeights transpose_read(const double* u, double last, double place, double weight, double* into) {
    const double inner = stencil_centre(place, last);
    const double f = place - inner, f2 = f * f;
    // Lagrange's polynomials on -2 ... 2 and their derivatives.
    const double c[5] = {f * (f2 - 1.0) * (f - 2.0) / 24.0, -f * (f2 - 4.0) * (f - 1.0) / 6.0,
                         (f2 - 1.0) * (f2 - 4.0) / 4.0, -f * (f2 - 4.0) * (f + 1.0) / 6.0,
                         f * (f2 - 1.0) * (f + 2.0) / 24.0};
    const double d[5] = {(((4.0 * f - 6.0) * f - 2.0) * f + 2.0) / 24.0,
                         -(((4.0 * f - 3.0) * f - 8.0) * f + 4.0) / 6.0, (4.0 * f2 - 10.0) * f / 4.0,
                         -(((4.0 * f + 3.0) * f - 8.0) * f - 4.0) / 6.0,
                         (((4.0 * f + 6.0) * f - 2.0) * f - 2.0) / 24.0};
    const std::size_t first = static_cast<std::size_t>(inner) - 2;
    PlaceWeights w = {0.0, 0.0, 0.0};
    for (std::size_t j = 0; j < 5; ++j) {
        into[first + j] = fma(weight, c[j], into[first + j]);
        w.value = fma(c[j], u[first + j], w.value);
        w.by_place = fma(d[j], u[first + j], w.by_place);
    }
    return w;
}

// c.value: derivative by u before the date; c.u: by u after it, written. by_spacing is added to.
inline LaneDateWeights transpose_carry_column(const Normalised& n, std::size_t l, const LaneDate& date,
                                              const DateRecord& record, const double* growth,
                                              std::size_t nodes, const Columns& c, PayoffWeight& paid,
                                              double& by_spacing) {
    const double middle = static_cast<double>(nodes / 2), last = static_cast<double>(nodes - 1);
    const bool put = n.side[l] > 0.0;
    for (std::size_t i = 0; i < nodes; ++i) c.u[i] = 0.0;
    LaneDateWeights weights = {0.0, 0.0, 0.0};
    for (std::size_t i = 0; i < nodes; ++i) {
        const double a = c.value[i], rest = c.rest[i], place = c.place[i], weight = a * (put ? 1.0 : rest);
        const PlaceWeights read =
            place < 0.0 || place > last
                ? transpose_read_beyond(n, l, record.payoff_after, record.after, growth, nodes, place,
                                        weight, c.u, paid)
                : transpose_read(record.after, last, place, weight, c.u);
        const double by_place = weight * read.by_place * n.inverse_spacing[l];
        const double cells = static_cast<double>(i) - middle, moved = place - static_cast<double>(i);
        weights.shift -= by_place;
        by_spacing += fma(-by_place, moved, weight * read.by_spacing);
        if (!(rest > kLeastRest)) continue;
        // d ln(rest) = (d ln(spot) - d ln(cash)) cash / (spot rest)
        const double by_rest = put ? by_place / rest : a * read.value - by_place / rest;
        const double by_log_spot = by_rest * (1.0 - rest);
        weights.log_spot += by_log_spot;
        weights.cash -= by_rest * c.shrinks[i] / date.spot;
        by_spacing = fma(by_log_spot * n.side[l], cells, by_spacing);
    }
    return weights;
}

// values: derivative by u of lane l just before the date on entry, just after it on return. exercised and
// paid: by the payoffs before and after it.
[[gnu::noinline]] inline LaneDateWeights transpose_cross_column(
    const Normalised& n, std::size_t l, const LaneDate& date, const DateRecord& record, const double* growth,
    std::size_t nodes, double* values, const Columns& columns, PayoffWeight& exercised, PayoffWeight& paid,
    double& by_spacing) {
    land_column(n, l, date, growth, nodes, columns);
    copy_column(values + l, nodes, columns.value);
    transpose_exercise(record, n, l, growth, nodes, columns.value, exercised);
    const LaneDateWeights weights =
        transpose_carry_column(n, l, date, record, growth, nodes, columns, paid, by_spacing);
    for (std::size_t i = 0; i < nodes; ++i) values[i * kLadderOptions + l] = columns.u[i];
    return weights;
}

}  // namespace
}  // namespace atalanta
