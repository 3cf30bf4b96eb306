// A quoted price turned into what the solvers work on: the forward value of the out-of-the-money option,
// its room below the upper bound, and |ln(F/K)| without cancellation. In a valid row all of these are finite,
// positive and normal. Why a row is not valid is told by a function of its own, because few callers ask.
#pragma once

#include "numerics/cheap_logarithm.hpp"
#include "pricing/columns.hpp"

namespace atalanta {
namespace {

// |rate * years| + |(rate - yield) * years| beyond this leaves the range of exp in double precision.
constexpr double kLargestExponent = 700.0;
// Below it the forward is formed as a product alone.
constexpr double kCancellingDrift = -0.69;
// An option value below this, itself or in units of min(F, K), has lost digits to underflow.
constexpr double kSmallestValue = 1e-307;
// Forward and strike further apart than this factor are taken for a broken row.
constexpr double kSmallestRatio = 1e-300;
// Smallest |F - K| in units of the option value: removes 0/0 at the money and changes no digit.
constexpr double kSmallestGap = 1e-20;
constexpr double kInfinity = __builtin_inf();
constexpr double kNaN = __builtin_nan("");

struct Quote {
    double price, right, spot, strike, years, rate, dividend_yield;
};

struct Carry {
    double growth;    // e^drift - base, drift = (rate - yield) years
    double base;      // 1, or 0 where the forward is so much smaller that spot + spot * growth would cancel
    double compound;  // e^(rate years)
    double exponent;  // |rate years| + |drift|
    double root;      // sqrt(years)
};

ATALANTA_INLINE Carry carry_over(double years, double rate, double dividend_yield) {
    const double drift = (rate - dividend_yield) * years;
    const double interest = rate * years;
    const double base = drift < kCancellingDrift ? 0.0 : 1.0;
    const ReducedExponential e = reduce_exponential(drift);
    return {fma(e.scale, e.fraction, e.scale - base), base, exponential_in_range(interest),
            magnitude(drift) + magnitude(interest), square_root(years)};
}

struct OtmQuote {
    double value;  // forward value of the out-of-the-money option
    double room;   // upper bound of that value minus it
    double lower;  // min(F, K), which is that bound
    double upper;  // max(F, K)
    double gap;    // |F - K|, at least kSmallestGap * value
    double valid;  // 1 or 0: whether there is an implied volatility
};

// |ln(F/K)| = ln(upper/lower), where `gap` is their difference before F was rounded.
ATALANTA_INLINE double log_moneyness(double upper, double lower, double gap) {
    const std::uint64_t shift = bits_of(upper) - bits_of(lower) + 0x0008000000000000ULL;
    const std::uint64_t exponent = shift & kExponentMask;
    const double k = exponent_as_double(exponent);
    const double scaled = double_of(bits_of(lower) + exponent);
    const double difference = upper - scaled;
    return assemble_logarithm(k, (k == 0.0 ? gap : difference) / (upper + scaled));
}

ATALANTA_INLINE bool is_sane(const Quote& quote, double exponent, double lower, double gap) {
    return (quote.right * quote.right == 1.0) & (quote.years > 0.0) & (exponent <= kLargestExponent) &
           (gap * kSmallestRatio < lower);
}

ATALANTA_INLINE OtmQuote out_of_the_money(const Quote& quote, const Carry& carry) {
    const double anchor = quote.spot * carry.base;
    const double difference = fma(quote.spot, carry.growth, anchor - quote.strike);
    const double forward = fma(quote.spot, carry.growth, anchor);
    const double lower = forward < quote.strike ? forward : quote.strike;
    const double upper = forward < quote.strike ? quote.strike : forward;
    const double forward_price = quote.price * carry.compound;
    const double intrinsic = quote.right * difference;
    const bool in_the_money = intrinsic > 0.0;
    const double room = (in_the_money ? upper : lower) - forward_price;
    // Far from the money `spot - strike` is rounded; the distance to the bound is then the exact way.
    const double over_intrinsic = forward_price - intrinsic, under_bound = lower - room;
    const double time_value = lower + lower >= upper ? over_intrinsic : under_bound;
    const double value = in_the_money ? time_value : forward_price;
    const double distance = magnitude(difference), smallest = value * kSmallestGap;
    const double gap = smallest > distance ? smallest : distance;  // NaN when the distance is
    const bool valid = is_sane(quote, carry.exponent, lower, gap) & (room > 0.0) & (value >= kSmallestValue) &
                       (value >= lower * kSmallestValue);
    return {value, room, lower, upper, gap, valid ? 1.0 : 0.0};
}

// As a number, so that the loops around this stay in vectors of doubles.
ATALANTA_INLINE double status_code(const Quote& quote, double exponent, const OtmQuote& otm) {
    constexpr double ok = static_cast<double>(ImpliedVolStatus::ok);
    constexpr double below_intrinsic = static_cast<double>(ImpliedVolStatus::below_intrinsic);
    constexpr double above_bound = static_cast<double>(ImpliedVolStatus::above_bound);
    constexpr double bad_input = static_cast<double>(ImpliedVolStatus::bad_input);
    const bool sane =
        is_sane(quote, exponent, otm.lower, otm.gap) & (quote.price >= 0.0) & (quote.price < kInfinity);
    const double bounded = otm.room > 0.0 ? below_intrinsic : above_bound;
    const double reason = sane ? bounded : bad_input;
    return otm.valid == 1.0 ? ok : reason;
}

}  // namespace
}  // namespace atalanta
