// Where Newton's method on the exercise boundary begins: the quadratic approximation of Barone-Adesi and Whaley
// (1987), three steps at every node by itself, and what it is known to be off by: ln(X / B) within about 2 %.
#pragma once

#include "numerics/logarithm.hpp"
#include "pricing/american/collocation_lanes.hpp"

namespace atalanta {
namespace {

using StartDigits = SixDigits;

// What the lanes of a block are, and what follows from them alone.
struct PutLanes {
    alignas(64) Lanes years, rate, dividend_yield, vol;
    alignas(64) Lanes root_years;
    alignas(64) Lanes log_limit, limit;  // X = min(1, r/q): the boundary at expiry, and ln X
    alignas(64) Lanes perpetual, perpetual_h;  // the boundary without an expiry, and its ln(X / B)
    alignas(64) Lanes limit_by_rate, limit_by_yield;  // derivatives of ln X
};

// The negative root of lambda^2 - slope lambda - growth = 0, slope = 1 - 2 (r - q) / vol^2.
ATALANTA_INLINE double rate_exponent(double rate, double dividend_yield, double variance, double growth) {
    const double slope = 1.0 - 2.0 * (rate - dividend_yield) / variance;
    const double root = square_root(fma(slope, slope, 4.0 * growth));
    const double difference = 0.5 * (slope - root), quotient = -2.0 * growth / (slope + root);
    return slope > 0.0 ? quotient : difference;
}

inline void load_lanes(const UnitPuts& puts, std::size_t first, PutLanes& at) {
    ATALANTA_VECTOR_LOOP
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
        const double rate = puts.rate[first + lane], yield = puts.dividend_yield[first + lane];
        const double vol = puts.vol[first + lane], years = puts.years[first + lane];
        const double ratio = rate / yield;
        const double limit = yield > rate ? ratio : 1.0;
        const double variance = vol * vol;
        const double exponent = rate_exponent(rate, yield, variance, 2.0 * rate / variance);
        at.years[lane] = years;
        at.rate[lane] = rate;
        at.dividend_yield[lane] = yield;
        at.vol[lane] = vol;
        at.root_years[lane] = square_root(years);
        at.limit[lane] = limit;
        at.log_limit[lane] = logarithm(limit);
        const double perpetual = exponent / (exponent - 1.0);
        at.perpetual[lane] = perpetual;
        at.perpetual_h[lane] = at.log_limit[lane] - logarithm(greater(perpetual, 1e-300));
        const double inverse_rate = 1.0 / rate, inverse_yield = -1.0 / yield;
        at.limit_by_rate[lane] = yield > rate ? inverse_rate : 0.0;
        at.limit_by_yield[lane] = yield > rate ? inverse_yield : 0.0;
    }
}

// Between the perpetual boundary and X, closer to it the shorter the time.
ATALANTA_INLINE double first_guess(double tau, double carry, double vol, double perpetual, double limit) {
    const double room = 1.0 - perpetual;
    const double exponent = fma(carry, tau, -2.0 * vol * square_root(tau)) / greater(room, 1e-300);
    const double guess = fma(room, graded_exponential<StartDigits>(lesser(exponent, 0.0)), perpetual);
    return lesser(guess, limit * (1.0 - 1e-6));
}

// One step of Newton's method on 1 - b - p(b) + (1 - e^(-q tau) N(-d1)) b / lambda = 0.
ATALANTA_INLINE double improve_guess(double b, double tau, double rate, double yield, double vol,
                                     double perpetual, double limit) {
    const double total_vol = vol * square_root(tau), inverse = 1.0 / total_vol;
    const double interest = rate * tau, variance = vol * vol;
    const double earned = -exponential_minus_one(-interest);
    const double growth = interest / earned;
    const double lambda = rate_exponent(rate, yield, variance,
                                        2.0 * (interest == 0.0 ? 1.0 : growth) / (variance * tau));
    const double d2 = fma(fma(-0.5, variance, rate - yield), tau, logarithm(b)) * inverse;
    const double d1 = d2 + total_vol;
    const double discount = 1.0 - earned;
    const double yield_discount = graded_exponential<StartDigits>(-yield * tau);
    const double bell2 = discount * graded_exponential<StartDigits>(-0.5 * d2 * d2);
    const double bell1 = yield_discount * graded_exponential<StartDigits>(-0.5 * d1 * d1);
    const double a1 = magnitude(d1) + StartDigits::kShift, a2 = magnitude(d2) + StartDigits::kShift;
    const double both = 1.0 / (a1 * a2);
    const double tail1 = bell1 * graded_mills<StartDigits>(a2 * both);
    const double tail2 = bell2 * graded_mills<StartDigits>(a1 * both);
    const double n1 = below(-d1, yield_discount, tail1) * (1.0 / kRootTwoPi);
    const double n2 = below(-d2, discount, tail2) * (1.0 / kRootTwoPi);
    const double premium_slope = (1.0 - n1) / lambda;
    const double value = 1.0 - b - fma(-b, n1, n2) + premium_slope * b;
    const double slope = n1 - 1.0 + premium_slope + bell1 * inverse / (kRootTwoPi * lambda);
    const double next = b - value / slope;
    return lesser(greater(next, greater(0.5 * perpetual, 0.1 * b)), limit * (1.0 - 1e-9));
}

// The true h over the approximate one, by how far the boundary has come on its way from X to the perpetual
// one, and by the distance from the strike to X in deviations, which is 0 where X is the strike: fitted to 3 000
// random options, rates of 0.2 to 12 %, yields up to twice the rate, total vol up to 2.6.
ATALANTA_INLINE double start_correction(double share, double distance) {
    const double near = fma(-0.08, share * share, 1.067), far = fma(-0.2, share, 0.905);
    const double turn = fma(2.2, share, distance - 1.9);
    const double weight = lesser(greater(turn, 0.0), 1.0);
    return fma(weight, far - near, near);
}

// h = ln(X / B) at every node.
template <class Class>
void start_boundary(const CollocationTables& tables, const PutLanes& at, Lanes* h) {
    alignas(64) Lanes guess[Class::kNodes], tau[Class::kNodes];
    for (std::size_t i = 0; i < Class::kNodes; ++i) {
        const double share = tables.root_time[i] * tables.root_time[i];
        ATALANTA_VECTOR_LOOP
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            tau[i][lane] = at.years[lane] * share;
            guess[i][lane] = first_guess(tau[i][lane], at.rate[lane] - at.dividend_yield[lane], at.vol[lane],
                                         at.perpetual[lane], at.limit[lane]);
        }
    }
    for (int step = 0; step < 3; ++step) {
        for (std::size_t i = 0; i < Class::kNodes; ++i) {
            ATALANTA_VECTOR_LOOP
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                guess[i][lane] =
                    improve_guess(guess[i][lane], tau[i][lane], at.rate[lane], at.dividend_yield[lane],
                                  at.vol[lane], at.perpetual[lane], at.limit[lane]);
            }
        }
    }
    for (std::size_t i = 0; i < Class::kNodes; ++i) {
        ATALANTA_VECTOR_LOOP
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            const double approximate = at.log_limit[lane] - logarithm(guess[i][lane]);
            const double deviation = at.vol[lane] * square_root(tau[i][lane]);
            const double share = lesser(approximate / at.perpetual_h[lane], 1.0);
            h[i][lane] = approximate * start_correction(share, -at.log_limit[lane] / deviation);
        }
    }
}

}  // namespace
}  // namespace atalanta
