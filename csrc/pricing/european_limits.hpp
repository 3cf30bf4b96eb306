// The rows that the vectorised formulas cannot take: out of the domain, degenerate, or of extreme size.
// Entry: limit_of(option), all thirteen outputs. Scalar, one row at a time.
//
//   row                                    outputs
//   -------------------------------------  -------------------------------------------------------------
//   right not +1 or -1                     NaN
//   any input NaN or infinite              NaN (years and vol too: vega would be 0 beside a NaN price)
//   spot, strike, years or vol negative    NaN (-0 counts as 0)
//   S e^-qT or K e^-rT overflows           NaN
//   years, vol, spot or strike 0, or       price max(e (S e^-qT - K e^-rT), 0), e being right;
//   vol sqrt(T) < 1e-120, or a discounted  in the money: delta e e^-qT, rho e T K e^-rT, phi -e T S e^-qT,
//   amount underflows                      theta e (q S e^-qT - r K e^-rT), charm q delta, the others 0;
//                                          out of the money: all 0
//   ... of these, those at the money,      price 0, and half of the in-the-money values above, with theta
//   F = K, or spot and strike both 0       less S e^-qT phi(0) vol / (2 sqrt(T)), vega sqrt(T) S e^-qT
//                                          phi(0), vanna sqrt(T) e^-qT phi(0) / 2, vomma 0, gamma +inf,
//                                          speed and zomma -inf, charm and color infinite as they diverge
//   vol sqrt(T) > 1e10                     N(d1) = 1, N(d2) = 0: call S e^-qT, put K e^-rT
//   any other size                         the ordinary formulas on S e^-qT and K e^-rT; an output beyond
//                                          the range of double becomes 0, infinite or NaN
#pragma once

#include "pricing/columns.hpp"
#include "pricing/european_formulas.hpp"

namespace atalanta {
namespace {

constexpr double kUndefined = __builtin_nan("");
constexpr double kUnbounded = __builtin_inf();
constexpr double kLargestDouble = 1.7976931348623157e308;
constexpr double kLeastNormal = 2.2250738585072014e-308;
constexpr double kLeastTotalVol = 1e-120, kLargestTotalVol = 1e10;

inline Sensitivities undefined_row() {
    return {kUndefined, kUndefined, kUndefined, kUndefined, kUndefined, kUndefined, kUndefined,
            kUndefined, kUndefined, kUndefined, kUndefined, kUndefined, kUndefined};
}

inline bool is_finite(double x) {
    return magnitude(x) <= kLargestDouble;
}

inline bool is_finite_and_not_negative(double x) {
    return x >= 0.0 && x <= kLargestDouble;
}

inline bool in_domain(const Option& o) {
    return o.right * o.right == 1.0 && is_finite_and_not_negative(o.spot) &&
           is_finite_and_not_negative(o.strike) && is_finite_and_not_negative(o.years) &&
           is_finite_and_not_negative(o.vol) && is_finite(o.rate) && is_finite(o.dividend_yield);
}

// e^x with 0 and infinity beyond the range.
inline double saturating_exponential(double x) {
    if (x < kLeastExponent) return 0.0;
    if (x > -kLeastExponent) return kUnbounded;
    return exponential_in_range(x);
}

struct DiscountedAmounts {
    double yield_discount;  // e^(-qT)
    double spot, strike;    // S e^(-qT), K e^(-rT)
    double gain;            // spot - strike
};

// The gain is formed as in the ordinary formulas, so that both agree on which side of the money a row is.
inline DiscountedAmounts discount_amounts(const Option& o) {
    const double yield_discount = saturating_exponential(-o.dividend_yield * o.years);
    const double discount = saturating_exponential(-o.rate * o.years);
    const double spot = o.spot * yield_discount, strike = o.strike * discount;
    const double drift = (o.rate - o.dividend_yield) * o.years;
    if (magnitude(o.rate * o.years) + magnitude(drift) > kLargestExponents) {
        return {yield_discount, spot, strike, spot - strike};
    }
    return {yield_discount, spot, strike, forward_of(o.spot, o.strike, growth_of(drift)).gain * discount};
}

// Both legs exercised in the share `exercised`: 1 in the money, 1/2 at it, 0 out of it.
inline Sensitivities certain_exercise(const Option& o, const DiscountedAmounts& a, double exercised) {
    const double sign = o.right * exercised;
    Sensitivities g{};
    if (exercised == 0.0) return g;
    g.price = o.right * a.gain;
    g.delta = sign * a.yield_discount;
    g.theta = sign * (o.dividend_yield * a.spot - o.rate * a.strike);
    g.rho = sign * o.years * a.strike;
    g.phi = -sign * o.years * a.spot;
    g.charm = o.dividend_yield * g.delta;
    return g;
}

inline double diverging(double sign) {
    return sign > 0.0 ? kUnbounded : sign < 0.0 ? -kUnbounded : 0.0;
}

// The limit vol sqrt(T) -> 0 at F = K: an average of both sides and the traces of the kink.
inline Sensitivities at_the_money_limit(const Option& o, const DiscountedAmounts& a) {
    Sensitivities g = certain_exercise(o, a, 0.5);
    const double root_years = square_root(o.years);
    const double quarter_variance = 0.25 * o.vol * o.vol, net_rate = o.rate - o.dividend_yield;
    const double density = kInverseRootTwoPi * a.spot;
    g.price = 0.0;
    g.gamma = kUnbounded;
    g.vega = density * root_years;
    if (o.vol > 0.0 && density > 0.0) g.theta -= 0.5 * density * (o.vol / root_years);
    g.vanna = 0.5 * kInverseRootTwoPi * a.yield_discount * root_years;
    g.charm -= diverging(net_rate + quarter_variance);
    g.speed = -kUnbounded;
    g.zomma = -kUnbounded;
    g.color = diverging(o.dividend_yield + 0.5 * (net_rate + quarter_variance) + 0.5 / o.years);
    return g;
}

inline Sensitivities without_vol(const Option& o, const DiscountedAmounts& a) {
    const double exercised = o.right * a.gain;
    if (exercised == 0.0) return at_the_money_limit(o, a);
    return certain_exercise(o, a, exercised > 0.0 ? 1.0 : 0.0);
}

inline Sensitivities with_unbounded_vol(const Option& o, const DiscountedAmounts& a) {
    DiscountedAmounts leg = a;
    (o.right > 0.0 ? leg.strike : leg.spot) = 0.0;
    leg.gain = leg.spot - leg.strike;
    if (o.right < 0.0) leg.yield_discount = 0.0;
    return certain_exercise(o, leg, 1.0);
}

// The ordinary formulas with r = q = 0 on the discounted amounts; only the Greeks see the real rates.
inline Sensitivities with_extreme_size(const Option& o, const DiscountedAmounts& a) {
    const ExpiryCarry carry = {square_root(o.years), 1.0, {0.0, ~std::uint64_t{0}}, kReachOfNothing};
    const Option driftless = {o.right, a.spot, a.strike, o.years, 0.0, 0.0, o.vol};
    return evaluate(o, driftless, carry, horizon_of(o.vol, carry.root_years));
}

// A power of two that lifts tails of tiny amounts out of the denormals, and makes room for the sum of huge
// ones and for their product with a bell and a power of z.
inline double scale_of(const Option& o, const DiscountedAmounts& a) {
    const double least = o.spot < o.strike ? o.spot : o.strike;
    const double largest = o.spot < o.strike ? o.strike : o.spot;
    if (least < 0x1p-512 && largest < 1.0) return 0x1p500;
    if (least > 0x1p-200 && a.spot > 0x1p700 && a.strike > 0x1p700) return 0x1p-400;
    if (largest > 0x1p1020 && least > 1.0) return 0x1p-8;
    return 1.0;
}

// Outputs are homogeneous in spot and strike, each of its own degree.
inline Sensitivities undo_scale(const Sensitivities& g, double scale) {
    const double inverse = 1.0 / scale;
    return {g.price * inverse,       g.delta,         g.gamma * scale, g.vega * inverse, g.theta * inverse,
            g.rho * inverse,         g.phi * inverse, g.vanna,         g.charm,          g.vomma * inverse,
            g.speed * scale * scale, g.zomma * scale, g.color * scale};
}

[[gnu::noinline]] inline Sensitivities limit_of(const Option& option) {
    if (!in_domain(option)) return undefined_row();
    const DiscountedAmounts whole = discount_amounts(option);
    if (!is_finite_and_not_negative(whole.spot) || !is_finite_and_not_negative(whole.strike)) {
        return undefined_row();
    }
    const double scale = scale_of(option, whole);
    Option o = option;
    o.spot *= scale;
    o.strike *= scale;
    const DiscountedAmounts a = discount_amounts(o);
    const double root_years = square_root(o.years), total_vol = o.vol * root_years;
    if (total_vol < kLeastTotalVol || a.spot < kLeastNormal || a.strike < kLeastNormal) {
        return undo_scale(without_vol(o, a), scale);
    }
    if (total_vol > kLargestTotalVol) return undo_scale(with_unbounded_vol(o, a), scale);
    return undo_scale(with_extreme_size(o, a), scale);
}

// One row with a real branch: quicker than a padded block for one or two.
ATALANTA_INLINE Sensitivities single_row(const Option& o) {
    const ExpiryCarry carry = carry_of(o.years, o.rate, o.dividend_yield);
    const Horizon t = horizon_of(o.vol, carry.root_years);
    const std::uint64_t exception =
        amount_exception(o.spot, o.strike) | exponent_exception(t.total_vol, carry.reach);
    return exception == 0 && magnitude(o.right) == 1.0 ? evaluate(o, o, carry, t) : limit_of(o);
}

}  // namespace
}  // namespace atalanta
