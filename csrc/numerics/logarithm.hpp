// Logarithms in double precision, branch-free: ln x, and ln(a / b) without ever rounding the ratio.
// Arguments are positive, normal and finite; the exponent is read from the bits, NaN and infinity are not
// kept.
#pragma once

#include "numerics/exponential.hpp"

namespace atalanta {
namespace {

// (ln((1+f)/(1-f)) - 2f) / f^3 as a polynomial in f^2 on f^2 <= 0.04002, Chebyshev fit, 5.5e-17 relative to
// f.
constexpr double kLogarithm[] = {.66666666666666937, .39999999999339179, .28571428834652474,
                                 .22222182961073496, .18184599632279965, .15283977836067261,
                                 .15115885350110387};

constexpr std::uint64_t kExponentMask = 0xFFF0000000000000ULL;

// The signed exponent held in the top 12 bits, as a double, without an int64 conversion instruction: one
// exclusive or takes the sign to 0 ... 4095 and sets the bits of kRoundToInteger, which are clear there.
ATALANTA_INLINE double exponent_as_double(std::uint64_t top_bits) {
    return double_of((top_bits >> 52) ^ 0x4338000000000800ULL) - (kRoundToInteger + 2048.0);
}

// k ln2 + ln((1+f)/(1-f)).
ATALANTA_INLINE double assemble_logarithm(double k, double f) {
    const double w = f * f;
    const double tail = fma(f * w, even_odd(w, kLogarithm), k * kLn2Low);
    return fma(k, kLn2High, (f + f) + tail);
}

// a / b = 2^k (1+f) / (1-f) for positive normal a, b: b is scaled by a power of two to within [2/3, 3/2] of
// a, so that the difference a - b is exact and nothing is lost near a = b.
struct Ratio {
    std::uint64_t exponent;  // k in the exponent bits
    double fraction;         // f
};

ATALANTA_INLINE Ratio split_ratio(double a, double b) {
    const std::uint64_t shift = bits_of(a) - bits_of(b) + 0x0008000000000000ULL;
    const std::uint64_t exponent = shift & kExponentMask;
    const double scaled = double_of(bits_of(b) + exponent);
    return {exponent, (a - scaled) / (a + scaled)};
}

ATALANTA_INLINE double logarithm_of(Ratio ratio) {
    return assemble_logarithm(exponent_as_double(ratio.exponent), ratio.fraction);
}

ATALANTA_INLINE double log_ratio(double a, double b) {
    return logarithm_of(split_ratio(a, b));
}

ATALANTA_INLINE double logarithm(double x) {
    return log_ratio(x, 1.0);
}

}  // namespace
}  // namespace atalanta
