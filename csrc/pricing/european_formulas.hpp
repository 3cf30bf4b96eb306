// Black-Scholes-Merton for one row in the steps that the block loop takes one after the other: carry_of,
// horizon_of, moneyness_of, tails_of, then price_of or sensitivities_of. Branch-free.
// A row for which is_ordinary fails gets garbage here and its answer in european_limits.hpp.
#pragma once

#include "numerics/logarithm.hpp"
#include "numerics/mills_ratio.hpp"

namespace atalanta {
namespace {

constexpr double kInverseRootTwoPi = .39894228040143268;
constexpr double kLeastExponent = -708.0;      // e^x is 0 below it
constexpr double kLargestBellSquare = 1412.0;  // e^(-q/2) / sqrt(2 pi) is 0 above it

struct Option {
    double right;  // +1 call, -1 put
    double spot, strike, years, rate, dividend_yield, vol;
};

// What the expiry alone decides; a chain of one expiry has it once.
struct ExpiryCarry {
    double root_years;  // sqrt(T)
    double discount;    // e^(-rT)
    Growth growth;      // of e^((r - q)T)
    double reach;       // |rT| + |(r - q)T| + kReachOfNothing
};

// Lifts the largest exponents that small_carry_of takes to 2, from where on doubles have one bit set.
constexpr double kReachOfNothing = 2.0 - kSmallGrowth;

ATALANTA_INLINE double reach_of(double years, double rate, double net_rate) {
    return fma(magnitude(rate) + magnitude(net_rate), years, kReachOfNothing);
}

ATALANTA_INLINE ExpiryCarry carry_of(double years, double rate, double dividend_yield) {
    const double net_rate = rate - dividend_yield;
    return {square_root(years), exponential_in_range(-(rate * years)), growth_of(net_rate * years),
            reach_of(years, rate, net_rate)};
}

// The same bits where both exponents are at most kSmallGrowth.
ATALANTA_INLINE ExpiryCarry small_carry_of(double years, double rate, double dividend_yield) {
    const double net_rate = rate - dividend_yield;
    return {square_root(years),
            1.0 + small_growth(-(rate * years)),
            {small_growth(net_rate * years), ~std::uint64_t{0}},
            reach_of(years, rate, net_rate)};
}

// ExpiryCarry::reach has this bit set where small_carry_of does not hold.
constexpr std::uint64_t kBeyondSmallCarry = 1ULL << 62;

struct Horizon {
    double total_vol;          // s = vol sqrt(T)
    double half_vol;           // s / 2
    double inverse_total_vol;  // 1 / s
};

ATALANTA_INLINE Horizon horizon_of(double vol, double root_years) {
    const double total_vol = vol * root_years;
    return {total_vol, 0.5 * total_vol, 1.0 / total_vol};
}

constexpr double kLargestExponents = 240.0;  // for |rT| + |(r - q)T| + s
constexpr std::uint64_t kLeastAmountBits = 511ULL << 52;
constexpr std::uint64_t kLeastTotalVolBits = 612ULL << 52;
constexpr std::uint64_t kBeyondTopBits = 3ULL << 62;

// 0 for rows where nothing overflows, is denormal or divides by zero: spot and strike within 2^-512 ...
// 2^512, s above 2^-411, the exponents + s at most 240. In integers, where it costs least: a double of that
// range has two leading zero bits once the exponent of the lower bound is taken off; NaN, infinity and signs
// do not. Likewise a double from 1 to an upper bound, taken off that bound.
ATALANTA_INLINE std::uint64_t amount_exception(double spot, double strike) {
    return ((bits_of(spot) - kLeastAmountBits) | (bits_of(strike) - kLeastAmountBits)) & kBeyondTopBits;
}

ATALANTA_INLINE std::uint64_t exponent_exception(double total_vol, double reach) {
    return ((bits_of(total_vol) - kLeastTotalVolBits) |
            (bits_of(kLargestExponents + kReachOfNothing) - bits_of(reach + total_vol))) &
           kBeyondTopBits;
}

struct Moneyness {
    double distance;  // h = |ln(F/K)| / s
    double gain;      // F - K, exact near the money when r = q
    double forward;
};

struct Forward {
    double gain, value;  // F - K, F
};

ATALANTA_INLINE Forward forward_of(double spot, double strike, Growth growth) {
    const double anchor = masked(spot, growth.base);
    return {fma(spot, growth.growth, anchor - strike), fma(spot, growth.growth, anchor)};
}

// h from spot / strike.
ATALANTA_INLINE double distance_of(const Option& o, Ratio ratio, double inverse_total_vol) {
    const double log_moneyness = fma(o.rate - o.dividend_yield, o.years, logarithm_of(ratio));
    return magnitude(log_moneyness) * inverse_total_vol;
}

// The one rule for ties: at F = K the put counts as out of the money, here and for every Greek.
ATALANTA_INLINE bool call_is_out_of_the_money(double gain) {
    return gain < 0.0;
}

constexpr std::uint64_t kSignBit = 1ULL << 63;

// x times the sign of `sign`, without a multiplier.
ATALANTA_INLINE double signed_by(double sign, double x) {
    return double_of(bits_of(x) ^ (bits_of(sign) & kSignBit));
}

// Where the two normal tails begin. A wide total vol puts the near one below zero; it is then reflected.
struct Tails {
    double z1, z2;       // h - s/2, h + s/2
    std::uint64_t wide;  // all bits or none
};

ATALANTA_INLINE Tails tails_of(double distance, double half_vol) {
    const double z1 = distance - half_vol;
    return {z1, distance + half_vol, sign_mask(z1 - kLowestTail)};
}

ATALANTA_INLINE TailRatios ratios_of(const Tails& tails, double distance, double half_vol) {
    const double reflected = double_of(bits_of(tails.z1) ^ (tails.wide & kSignBit));
    const double half_apart = chosen(tails.wide, distance, half_vol);
    return tail_ratios(reflected, tails.z2, half_apart + half_apart);
}

// Discounted min(F, K), which the out-of-the-money option can at most be worth.
ATALANTA_INLINE double bound_of(double strike, double forward, double discount) {
    return (forward < strike ? forward : strike) * discount;
}

// S e^(-qT) phi(d1) = K e^(-rT) phi(d2), phi being the normal density.
struct Bell {
    double value;        // garbage where it is not seen
    std::uint64_t seen;  // none where it underflows to 0, else all bits
};

ATALANTA_INLINE Bell bell_of(double bound, double z1) {
    const double square = z1 * z1;
    const std::uint64_t seen = sign_mask(square - kLargestBellSquare);
    return {bound * bell_exponential(kInverseRootTwoPi, square), seen};
}

// Bell, and bell times the numerators of: the value of the out-of-the-money option (less the bound if wide)
// and the ratios where its tails begin. Narrow: the difference of two tails. Wide: the bound less two tails;
// their sum is written by means of the difference, which the price has anyway. Where the bell is 0 the ratios
// may be too far out to be numbers.
struct TailTerms {
    double value, near, far, denominator, bell;
};

ATALANTA_INLINE TailTerms tail_terms(const Tails& tails, double distance, double half_vol, double bound) {
    const TailRatios ratios = ratios_of(tails, distance, half_vol);
    const Bell bell = bell_of(bound, tails.z1);
    const double value = ratios.difference - masked(ratios.first + ratios.first, tails.wide);
    const auto times_bell = [&](double x) { return masked(bell.value * x, bell.seen); };
    return {times_bell(value), times_bell(ratios.first), times_bell(ratios.second), ratios.denominator,
            masked(bell.value, bell.seen)};
}

// The value of the out-of-the-money option, and bell times the ratios where its tails begin.
struct TailValues {
    double out_of_the_money, near_tail, far_tail;
};

ATALANTA_INLINE TailValues tail_values(const TailTerms& terms, std::uint64_t wide, double bound) {
    const double inverse = 1.0 / terms.denominator;
    return {fma(terms.value, inverse, masked(bound, wide)), terms.near * inverse, terms.far * inverse};
}

// What exercise at expiry is worth at the forward; the price is that, discounted, and the out-of-the-money
// option.
ATALANTA_INLINE double exercised_of(double right, double gain) {
    const double exercised = signed_by(right, gain);
    return masked(exercised, ~sign_mask(exercised));
}

// The two legs of the option: price = spot_leg - strike_leg, both with the sign of right.
struct Legs {
    double spot_leg;    // right S e^(-qT) N(right d1)
    double strike_leg;  // right K e^(-rT) N(right d2)
};

// No probability is ever formed as one minus a tail that could be most of it. The conditions are combined as
// signs: given nested selections, compilers thread them into masks of masks or stop vectorising.
ATALANTA_INLINE Legs legs_of(double right, double strike, const Moneyness& m, double discount,
                             const Tails& tails, double near_tail, double far_tail) {
    const bool call_is_out = call_is_out_of_the_money(m.gain);
    const double lesser = m.forward < strike ? m.forward : strike;
    const double greater = m.forward < strike ? strike : m.forward;
    const double near_rest = fma(lesser, discount, -near_tail);
    const double far_rest = fma(greater, discount, -far_tail);
    const double in_the_money = signed_by(right, signed_by(m.gain, 1.0));
    const double takes_rest = signed_by(double_of(tails.wide), in_the_money);
    const double near_leg = takes_rest > 0.0 ? near_rest : near_tail;
    const double far_leg = in_the_money > 0.0 ? far_rest : far_tail;
    const double spot_leg = call_is_out ? near_leg : far_leg;
    const double strike_leg = call_is_out ? far_leg : near_leg;
    return {signed_by(right, spot_leg), signed_by(right, strike_leg)};
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
ATALANTA_INLINE Sensitivities sensitivities_of(const Option& o, double root_years, double inverse_total_vol,
                                               const Legs& legs, const Standardised& d, double bell,
                                               double price) {
    const double inverse_spot = 1.0 / o.spot;
    const double inverse_root_years = o.vol * inverse_total_vol;
    const double half_inverse_root_years = 0.5 * inverse_root_years;
    const double half_inverse_years = half_inverse_root_years * inverse_root_years;
    const double inverse_vol = root_years * inverse_total_vol;
    const double density_per_spot = bell * inverse_spot;
    const double carry = fma(o.dividend_yield, legs.spot_leg, -(o.rate * legs.strike_leg));
    const double d1_per_year =
        fma(o.rate - o.dividend_yield, inverse_total_vol, -(d.d2 * half_inverse_years));
    Sensitivities g;
    g.price = price;
    g.delta = legs.spot_leg * inverse_spot;
    g.gamma = density_per_spot * inverse_spot * inverse_total_vol;
    g.vega = bell * root_years;
    g.theta = fma(-(bell * o.vol), half_inverse_root_years, carry);
    g.rho = o.years * legs.strike_leg;
    g.phi = -(o.years * legs.spot_leg);
    g.vanna = -(density_per_spot * d.d2 * inverse_vol);
    g.charm = fma(o.dividend_yield, g.delta, -(density_per_spot * d1_per_year));
    const double product_per_vol = d.product * inverse_vol;
    g.vomma = g.vega * product_per_vol;
    g.speed = -(g.gamma * inverse_spot * fma(d.d1, inverse_total_vol, 1.0));
    g.zomma = g.gamma * (product_per_vol - inverse_vol);
    g.color = g.gamma * (fma(d.d1, d1_per_year, o.dividend_yield) + half_inverse_years);
    return g;
}

// All steps of one row after its expiry. `priced` holds the spot, strike and rates of its value, `o` those
// of its Greeks.
ATALANTA_INLINE Sensitivities evaluate(const Option& o, const Option& priced, const ExpiryCarry& carry,
                                       const Horizon& t) {
    const Forward forward = forward_of(priced.spot, priced.strike, carry.growth);
    const Moneyness m = {distance_of(priced, split_ratio(priced.spot, priced.strike), t.inverse_total_vol),
                         forward.gain, forward.value};
    const Tails tails = tails_of(m.distance, t.half_vol);
    const double bound = bound_of(priced.strike, m.forward, carry.discount);
    const TailTerms terms = tail_terms(tails, m.distance, t.half_vol, bound);
    const TailValues values = tail_values(terms, tails.wide, bound);
    const double price = fma(exercised_of(o.right, m.gain), carry.discount, values.out_of_the_money);
    const Legs legs =
        legs_of(o.right, priced.strike, m, carry.discount, tails, values.near_tail, values.far_tail);
    return sensitivities_of(o, carry.root_years, t.inverse_total_vol, legs, standardise(tails, m.gain),
                            terms.bell, price);
}

}  // namespace
}  // namespace atalanta
