// The values on which a march begins: the payoff at expiry, or, where ex-dates lie so close to expiry that
// the grid cannot resolve what happens in between, what the option is worth just before the first of these.
// Entries: StartRecord::set, fill_start, transpose_start.
#pragma once

#include "pricing/ladder/adjoint_dates.hpp"

namespace atalanta {
namespace {

// Between the first date that is left out and expiry: whether exercise at that date is worth more than
// waiting.
ATALANTA_INLINE bool exercises_at_start(const Normalised& n, std::size_t l) {
    const bool american = n.american[l] > 0.0, call = n.side[l] < 0.0;
    const bool early = n.exercisable[l] > 0.0, earns = n.rate[l] > n.yield[l];
    return (american & call) | (early & earns);
}

// A dividend of a date that is left out, as what it adds to the strike.
ATALANTA_INLINE double cash_in_strike(const Normalised& n, std::size_t l, double cash, double time) {
    const double waits = exercises_at_start(n, l) ? 0.0 : time;
    return cash * exponential(n.side[l] * (n.rate[l] - n.yield[l]) * waits);
}

// u = level - slope E where that is positive. To expiry the strike grows by the dividends that are not yet
// paid, unless a call is exercised before them; the kink is rounded as the time to expiry would do.
struct StartRecord {
    PayoffRecord payoff;         // its time: the one for which rates count
    PerLane elapsed;             // time to expiry
    PerLane grown;               // strike with the dividends, over the strike
    PerLane in_level, in_slope;  // 1 where level or slope carries that factor
    PerLane rounding;            // of the kink: over level diffusion elapsed / h

    ATALANTA_INLINE void set(const Normalised& n, LaneSet lanes, const PerLane& time, const PerLane& cash,
                             const PerLane& centre) {
        each_of(lanes, [&](std::size_t l) {
            elapsed[l] = time[l];
            const bool put = n.side[l] > 0.0, american = n.american[l] > 0.0, before = american & !put;
            const double t = time[l];
            payoff.time[l] = exercises_at_start(n, l) ? t : 0.0;
            grown[l] = 1.0 + cash[l] / n.strike[l];
            in_level[l] = put ? 1.0 : 0.0;
            const bool pays_later = put | before;
            in_slope[l] = pays_later ? 0.0 : 1.0;
            const double level_factor = put ? grown[l] : 1.0,
                         slope_factor = in_slope[l] > 0.0 ? grown[l] : 1.0;
            payoff.level[l] = level_factor * exponential(n.rate[l] * payoff.time[l]);
            const double exponent = fma(n.yield[l], payoff.time[l], fma(n.diffusion[l], t, centre[l]));
            payoff.slope[l] = slope_factor * exponential(exponent);
            // A call exercised before the dividend d deviations away loses most of its time value: a fit of
            // the integral of max(E max(x + z - d, 0), max(x, 0)) - max(x, 0).
            const double deviation = square_root(2.0 * n.diffusion[l] * t);
            const double d = (grown[l] - 1.0) / (deviation > 1e-12 ? deviation : 1e-12);
            const double lost = fma(d, fma(0.25, d, 2.0), 0.25 * d / (d + 0.13));
            rounding[l] = before ? exponential(-lost) : 1.0 / (grown[l] * grown[l]);
        });
    }
};

// What rounding the kink of lane l adds to u, in units of a node.
ATALANTA_INLINE double rounded_area(const Normalised& n, const StartRecord& start, std::size_t l) {
    return start.rounding[l] * start.payoff.level[l] * n.diffusion[l] * start.elapsed[l] *
           n.inverse_spacing[l];
}

inline void fill_start(const StartRecord& start, LaneSet lanes, const double* growth, std::size_t nodes,
                       double* u) {
    for (std::size_t i = 0; i < nodes; ++i) {
        const double* e = node(growth, i);
        double* to = node(u, i);
        each_of(lanes, [&](std::size_t l) {
            const double pay = fma(-start.payoff.slope[l], e[l], start.payoff.level[l]);
            to[l] = pay > 0.0 ? pay : 0.0;
        });
    }
}

inline void correct_start(const Normalised& n, const StartRecord& start, LaneSet lanes, std::size_t nodes,
                          double* u) {
    for (std::size_t l = 0; l < kLadderOptions; ++l) {
        if (!contains(lanes, l)) continue;
        const double level = start.payoff.level[l];
        const double place = payoff_kink(n, start.payoff, nodes, l);
        if (!(place >= 0.0 && place < static_cast<double>(nodes - 1))) continue;
        const double below = __builtin_floor(place), eta = place - below;
        const HingeWeights w = hinge_weights(eta, level, -level, n.spacing[l]);
        const double area = rounded_area(n, start, l);
        double* at = node(u, static_cast<std::size_t>(below)) + l;
        at[0] += fma(1.0 - eta, area, w.positive);
        at[kLadderOptions] += fma(eta, area, w.zero);
    }
}

// values: derivative by u at the start of lane l. Adds to the weights of the payoff and to the derivative by
// diffusion.
[[gnu::noinline]] inline void transpose_start(const Normalised& n, const StartRecord& start, std::size_t l,
                                              const double* growth, std::size_t nodes, const double* values,
                                              PayoffWeights& weights, PerLane& by_diffusion) {
    const double middle = static_cast<double>(nodes / 2);
    const double level = start.payoff.level[l], slope = start.payoff.slope[l], h = n.spacing[l];
    for (std::size_t i = 0; i < nodes && slope * node(growth, i)[l] < level; ++i) {
        weights.add(l, node(values, i)[l], node(growth, i)[l], static_cast<double>(i) - middle);
    }
    const double place = payoff_kink(n, start.payoff, nodes, l);
    if (!(place >= 0.0 && place < static_cast<double>(nodes - 1))) return;
    const double below = __builtin_floor(place), eta = place - below;
    const double* at = node(values, static_cast<std::size_t>(below)) + l;
    const double first = at[0], second = at[kLadderOptions];
    const HingeWeights w = hinge_weights(eta, level, -level, h), bent = hinge_weights(eta, 0.0, -level, h);
    const HingeDerivatives d = hinge_derivatives(eta, level, -level, h);
    const double area = rounded_area(n, start, l), by_area = fma(eta, second - first, first);
    const double by_eta = first * d.positive_by_eta + second * d.zero_by_eta + area * (second - first);
    const double by_kink = by_eta * n.inverse_spacing[l];
    const double scaled = first * w.positive + second * w.zero;
    const double scaled_twice = first * bent.positive + second * bent.zero;
    weights.plain[l] += (scaled + by_area * area + by_kink) / level;
    weights.grown[l] += by_kink / slope;  // slope times it is what the weight by the slope means
    weights.spacing[l] +=
        n.inverse_spacing[l] * (scaled + scaled_twice - by_area * area - by_eta * (place - middle));
    by_diffusion[l] += by_area * area / n.diffusion[l];
}

}  // namespace
}  // namespace atalanta
