// Black-Scholes-Merton for one row in the steps that the block loop takes one after the other: horizon_of,
// moneyness_of, tails_of, mills_of, then out_of_the_money_value or sensitivities_of. Branch-free.
// A row for which is_ordinary fails gets garbage here and its answer in european_limits.hpp.
#pragma once

#include "numerics/logarithm.hpp"
#include "numerics/mills_ratio.hpp"

namespace atalanta {
namespace {

// Inside these bounds no intermediate overflows, is denormal or divides by zero.
constexpr double kLeastAmount = 1e-140, kLargestAmount = 1e140;  // spot and strike
constexpr double kLeastHorizon = 1e-60, kLargestHorizon = 1e60;  // sqrt(T) and vol sqrt(T)
constexpr double kLargestCarry = 340.0;                          // |rT| + |(r - q) T|
constexpr double kLeastExponent = -708.0;                        // a density below e^this is 0
constexpr double kInverseRootTwoPi = .39894228040143268;

struct Option {
    double right;  // +1 call, -1 put
    double spot, strike, years, rate, dividend_yield, vol;
};

struct Horizon {
    double root_years;                    // sqrt(T)
    double total_vol, inverse_total_vol;  // s = vol sqrt(T)
    double discount;                      // e^(-rT)
};

ATALANTA_INLINE Horizon horizon_of(const Option& o) {
    const double root_years = square_root(o.years);
    const double total_vol = o.vol * root_years;
    return {root_years, total_vol, 1.0 / total_vol, exponential_in_range(-o.rate * o.years)};
}

// Sums instead of maxima, because they keep NaN, which then fails the comparison.
ATALANTA_INLINE bool is_ordinary(const Option& o, const Horizon& t) {
    const double least_amount = o.spot < o.strike ? o.spot : o.strike;
    const double least_horizon = t.root_years < t.total_vol ? t.root_years : t.total_vol;
    const double carry = magnitude(o.rate * o.years) + magnitude((o.rate - o.dividend_yield) * o.years);
    return (least_amount >= kLeastAmount) & (o.spot + o.strike <= kLargestAmount) &
           (least_horizon >= kLeastHorizon) & (t.root_years + t.total_vol <= kLargestHorizon) &
           (carry <= kLargestCarry) & (o.right * o.right == 1.0);
}

struct Moneyness {
    double distance;  // h = |ln(F/K)| / s
    double gain;      // F - K, exact near the money when r = q
    double forward;
};

ATALANTA_INLINE Moneyness moneyness_of(const Option& o, double inverse_total_vol) {
    const double net_rate = o.rate - o.dividend_yield;
    const double log_moneyness = fma(net_rate, o.years, log_ratio(o.spot, o.strike));
    const double growth = exponential_minus_one_in_range(net_rate * o.years);
    return {magnitude(log_moneyness) * inverse_total_vol, fma(o.spot, growth, o.spot - o.strike),
            fma(o.spot, growth, o.spot)};
}

// The one rule for ties: at F = K the put counts as out of the money, here and for every Greek.
ATALANTA_INLINE bool call_is_out_of_the_money(double gain) {
    return gain < 0.0;
}

// Where the two normal tails begin. A wide total vol puts the near one below zero; it is then reflected.
struct Tails {
    double z1, z2;  // h - s/2, h + s/2
    bool wide;
};

ATALANTA_INLINE Tails tails_of(double distance, double total_vol) {
    const double half = 0.5 * total_vol;
    const double z1 = distance - half;
    return {z1, distance + half, z1 < kMillsLowest};
}

ATALANTA_INLINE MillsPlaces mills_places_of(const Tails& tails) {
    const double reflected = -tails.z1;
    return mills_places(tails.wide ? reflected : tails.z1, tails.z2);
}

ATALANTA_INLINE MillsPair mills_of(const Tails& tails, MillsPlaces places, double distance,
                                   double total_vol) {
    const double sum = distance + distance;
    return mills_pair(places, tails.wide ? sum : total_vol);
}

// Discounted min(F, K), the bound of the out-of-the-money option.
ATALANTA_INLINE double bound_of(double strike, const Moneyness& m, double discount) {
    const double lesser = call_is_out_of_the_money(m.gain) ? m.forward : strike;
    return lesser * discount;
}

// S e^(-qT) phi(d1) = K e^(-rT) phi(d2).
ATALANTA_INLINE double density_of(double bound, double z1) {
    const double exponent = (-0.5 * z1) * z1;
    const double density = bound * kInverseRootTwoPi * exponential_in_range(exponent);
    return exponent < kLeastExponent ? 0.0 : density;
}

ATALANTA_INLINE double out_of_the_money_value(const Tails& tails, const MillsPair& mills, double bound,
                                              double density, double total_vol) {
    const double wide_value = fma(-density, mills.first + mills.second, bound);
    const double value = density * total_vol * mills.slope;
    return tails.wide ? wide_value : value;
}

ATALANTA_INLINE double price_of(double right, double gain, double discount, double out_of_the_money) {
    const double exercised = right * gain;
    const double intrinsic = exercised > 0.0 ? exercised : 0.0;
    return fma(intrinsic, discount, out_of_the_money);
}

// The two legs of the option: price = right (spot_leg - strike_leg).
struct Legs {
    double spot_leg;    // S e^(-qT) N(right d1)
    double strike_leg;  // K e^(-rT) N(right d2)
};

// No probability is ever formed as one minus a tail that could be most of it.
ATALANTA_INLINE Legs legs_of(double right, double strike, const Moneyness& m, double discount,
                             const Tails& tails, const MillsPair& mills, double density) {
    const bool call_is_out = call_is_out_of_the_money(m.gain);
    const double lesser = call_is_out ? m.forward : strike;
    const double greater = call_is_out ? strike : m.forward;
    const double bound = lesser * discount, other_bound = greater * discount;
    const double near_tail = density * mills.first, far_tail = density * mills.second;
    const double near_rest = bound - near_tail, far_rest = other_bound - far_tail;
    const double near_out = tails.wide ? near_rest : near_tail;
    const double near_in = tails.wide ? near_tail : near_rest;
    const double opposite = -right;
    const double in_sign = call_is_out ? opposite : right;
    const bool in_the_money = in_sign > 0.0;
    const double near_leg = in_the_money ? near_in : near_out;
    const double far_leg = in_the_money ? far_rest : far_tail;
    return {call_is_out ? near_leg : far_leg, call_is_out ? far_leg : near_leg};
}

// Everything the kernels return for a row, in the order of enum Greek.
struct Sensitivities {
    double price, delta, gamma, vega, theta, rho, phi;
    double vanna, charm, vomma;
    double speed, zomma, color;
};

struct Standardised {
    double d1, d2, product;  // product = d1 d2
};

ATALANTA_INLINE Standardised standardise(const Tails& tails, double gain) {
    const bool call_is_out = call_is_out_of_the_money(gain);
    const double minus_z1 = -tails.z1, minus_z2 = -tails.z2;
    return {call_is_out ? minus_z1 : tails.z2, call_is_out ? minus_z2 : tails.z1, tails.z1 * tails.z2};
}

// theta, charm and color are derivatives in calendar time. What the caller does not store costs nothing.
ATALANTA_INLINE Sensitivities sensitivities_of(const Option& o, const Horizon& t, const Legs& legs,
                                               const Standardised& d, double density, double price) {
    const double inverse_spot = 1.0 / o.spot;
    const double inverse_root_years = o.vol * t.inverse_total_vol;
    const double inverse_vol = t.root_years * t.inverse_total_vol;
    const double half_inverse_years = 0.5 * inverse_root_years * inverse_root_years;
    const double spot_leg = o.right * legs.spot_leg, strike_leg = o.right * legs.strike_leg;
    const double carry = fma(o.dividend_yield, spot_leg, -(o.rate * strike_leg));
    const double density_per_spot = density * inverse_spot;
    const double drift = (o.rate - o.dividend_yield) * o.years;
    const double d1_per_year =
        fma(2.0, drift, -(d.d2 * t.total_vol)) * half_inverse_years * t.inverse_total_vol;
    Sensitivities g;
    g.price = price;
    g.delta = spot_leg * inverse_spot;
    g.gamma = density_per_spot * inverse_spot * t.inverse_total_vol;
    g.vega = density * t.root_years;
    g.theta = fma(-0.5 * density * o.vol, inverse_root_years, carry);
    g.rho = o.years * strike_leg;
    g.phi = -(o.years * spot_leg);
    g.vanna = -(density_per_spot * d.d2 * inverse_vol);
    g.charm = fma(o.dividend_yield, g.delta, -(density_per_spot * d1_per_year));
    g.vomma = g.vega * d.product * inverse_vol;
    g.speed = -(g.gamma * inverse_spot * fma(d.d1, t.inverse_total_vol, 1.0));
    g.zomma = g.gamma * (d.product - 1.0) * inverse_vol;
    g.color = g.gamma * (fma(d.d1, d1_per_year, o.dividend_yield) + half_inverse_years);
    return g;
}

// All steps for one row. `priced` holds the spot, strike and rates of its value, `o` those of its Greeks.
ATALANTA_INLINE Sensitivities evaluate(const Option& o, const Option& priced, const Horizon& t) {
    const Moneyness m = moneyness_of(priced, t.inverse_total_vol);
    const Tails tails = tails_of(m.distance, t.total_vol);
    const MillsPair mills = mills_of(tails, mills_places_of(tails), m.distance, t.total_vol);
    const double bound = bound_of(priced.strike, m, t.discount);
    const double density = density_of(bound, tails.z1);
    const double otm = out_of_the_money_value(tails, mills, bound, density, t.total_vol);
    const double price = price_of(o.right, m.gain, t.discount, otm);
    const Legs legs = legs_of(o.right, priced.strike, m, t.discount, tails, mills, density);
    return sensitivities_of(o, t, legs, standardise(tails, m.gain), density, price);
}

}  // namespace
}  // namespace atalanta
