// A quoted price turned into what the solvers work on: the forward value of the out-of-the-money option,
// its room below the upper bound, and |ln(F/K)| without cancellation; and the status of the row.
// A row is ok if and only if its status code is 0; everything else is then finite, positive and normal.
#pragma once

#include "numerics/logarithm.hpp"
#include "pricing/columns.hpp"

namespace atalanta {
namespace {

// |rate * years| + |(rate - yield) * years| beyond this leaves the range of exp in double precision.
constexpr double kLargestExponent = 700.0;
// An option value below this, itself or in units of min(F, K), has lost digits to underflow.
constexpr double kSmallestValue = 1e-307;
// Forward and strike further apart than this factor are taken for a broken row.
constexpr double kSmallestRatio = 1e-300;
// Smallest |F - K| in units of the option value: removes 0/0 at the money and changes no digit.
constexpr double kSmallestGap = 1e-20;
constexpr double kInfinity = __builtin_inf();
constexpr double kNaN = __builtin_nan("");

constexpr double code(ImpliedVolStatus status) {
    return static_cast<double>(static_cast<std::uint8_t>(status));
}

struct Quote {
    double price, right, spot, strike, years, rate, dividend_yield;
};

struct Carry {
    double growth;    // e^((rate - yield) years) - 1
    double compound;  // e^(rate years)
    double exponent;  // |rate years| + |(rate - yield) years|
};

ATALANTA_INLINE Carry carry_over(double years, double rate, double dividend_yield) {
    const double drift = (rate - dividend_yield) * years;
    const double interest = rate * years;
    return {exponential_minus_one(drift), exponential(interest), magnitude(drift) + magnitude(interest)};
}

struct OtmQuote {
    double value;          // forward value of the out-of-the-money option
    double room;           // upper bound of that value minus it
    double lower;          // min(F, K), which is that bound
    double gap;            // |F - K|, at least kSmallestGap * value
    double log_moneyness;  // |ln(F/K)|
    double status;         // ImpliedVolStatus as a number
};

// ln(upper/lower), where `gap` is their difference before upper was rounded.
ATALANTA_INLINE double log_of_forward_ratio(double upper, double lower, double gap) {
    const std::uint64_t shift = bits_of(upper) - bits_of(lower) + 0x0008000000000000ULL;
    const std::uint64_t exponent = shift & kExponentMask;
    const double k = exponent_as_double(exponent);
    const double scaled = double_of(bits_of(lower) + exponent);
    const double difference = upper - scaled;
    return assemble_logarithm(k, (k == 0.0 ? gap : difference) / (upper + scaled));
}

ATALANTA_INLINE double status_of(const Quote& quote, const Carry& carry, const OtmQuote& otm,
                                 double distance) {
    const bool sane = (quote.price >= 0.0) & (quote.price < kInfinity) & (quote.right * quote.right == 1.0) &
                      (quote.years > 0.0) & (carry.exponent <= kLargestExponent) &
                      (distance * kSmallestRatio < otm.lower);
    const bool visible = (otm.value >= kSmallestValue) & (otm.value >= otm.lower * kSmallestValue);
    const double domain = visible ? code(ImpliedVolStatus::ok) : code(ImpliedVolStatus::below_intrinsic);
    const double bounded = otm.room > 0.0 ? domain : code(ImpliedVolStatus::above_bound);
    return sane ? bounded : code(ImpliedVolStatus::bad_input);
}

ATALANTA_INLINE OtmQuote out_of_the_money(const Quote& quote, const Carry& carry) {
    const double difference = fma(quote.spot, carry.growth, quote.spot - quote.strike);
    const double forward = fma(quote.spot, carry.growth, quote.spot);
    const double lower = forward < quote.strike ? forward : quote.strike;
    const double upper = forward < quote.strike ? quote.strike : forward;
    const double value = quote.price * carry.compound;
    const double intrinsic = quote.right * difference;
    const bool in_the_money = intrinsic > 0.0;
    const double bound = in_the_money ? upper : lower;
    const double room = bound - value;
    // Far from the money `spot - strike` is rounded; the distance to the bound is then the exact way.
    const double over_intrinsic = value - intrinsic, under_bound = lower - room;
    const double time_value = lower + lower >= upper ? over_intrinsic : under_bound;
    OtmQuote otm;
    otm.value = in_the_money ? time_value : value;
    otm.room = room;
    otm.lower = lower;
    const double distance = magnitude(difference), smallest = otm.value * kSmallestGap;
    otm.gap = distance > smallest ? distance : smallest;
    otm.log_moneyness = log_of_forward_ratio(upper, lower, otm.gap);
    otm.status = status_of(quote, carry, otm, distance);
    return otm;
}

}  // namespace
}  // namespace atalanta
