// exp and expm1 in double precision, branch-free, about 1 ulp on [-708, 709]; arguments outside are clamped,
// or give garbage where the name says in_range: for callers that know, or that discard the result.
// Reduction x = k ln2 + r by the 1.5 * 2^52 trick; polynomial of degree 9 for (e^r - 1 - r) / r^2.
#pragma once

#include "numerics/polynomial.hpp"

namespace atalanta {
namespace {

constexpr double kRoundToInteger =
    6755399441055744.0;  // 1.5 * 2^52: adding it leaves the integer in the low bits
constexpr double kLog2E = 1.4426950408889634;
constexpr double kLn2High = 0.6931471803691238;  // 33 bits, so that k * high is exact
constexpr double kLn2Low = 1.9082149292705877e-10;

// (e^r - 1 - r) / r^2 on |r| <= ln2 / 2, Chebyshev fit, error 1.2e-17.
constexpr double kExponential[] = {.50000000000000010,    .16666666666666671,    .041666666666624157,
                                   .0083333333333261403,  .0013888888917198588,  1.9841269874802173e-4,
                                   2.4801521319879673e-5, 2.7557255423879842e-6, 2.7620076916113330e-7,
                                   2.5105207064644238e-8};

struct ReducedExponential {
    double fraction;  // e^r - 1
    double scale;     // 2^k
};

ATALANTA_INLINE ReducedExponential reduce_exponential(double x) {
    const double shifted = fma(x, kLog2E, kRoundToInteger);
    const double k = shifted - kRoundToInteger;
    const double r = fma(-k, kLn2Low, fma(-k, kLn2High, x));
    const double scale = double_of((bits_of(shifted) << 52) + bits_of(1.0));
    return {fma(r * r, even_odd(r, kExponential), r), scale};
}

// The comparisons are written so that NaN passes through.
ATALANTA_INLINE double clamp_to_exponential_range(double x) {
    const double low = x < -708.0 ? -708.0 : x;
    return low > 709.0 ? 709.0 : low;
}

ATALANTA_INLINE double exponential_in_range(double x) {
    const ReducedExponential e = reduce_exponential(x);
    return fma(e.scale, e.fraction, e.scale);
}

// The same fit for e^(-q/2) - 1 = -(q - q^2/2 ...)/2, q reduced by multiples of 2 ln2: powers of two, no
// rounding.
struct HalfExponential {
    double coefficients[10];
};
constexpr HalfExponential half_exponential() {
    HalfExponential half{};
    double factor = -0.5;
    for (std::size_t i = 0; i < 10; ++i, factor *= -0.5) half.coefficients[i] = factor * kExponential[i];
    return half;
}
constexpr HalfExponential kHalfExponential = half_exponential();

// factor e^(-q/2) without multiplications by the factor and the half; factor 2^k / 2 must be normal.
ATALANTA_INLINE double bell_exponential(double factor, double q) {
    const double shifted = fma(q, -0.5 * kLog2E, kRoundToInteger);
    const double k = shifted - kRoundToInteger;
    const double r = fma(k, 2.0 * kLn2Low, fma(k, 2.0 * kLn2High, q));
    const double fraction = fma(r * r, even_odd(r, kHalfExponential.coefficients), r);
    const std::uint64_t exponent = bits_of(shifted) << 52;
    return fma(double_of(exponent + bits_of(-0.5 * factor)), fraction, double_of(exponent + bits_of(factor)));
}

ATALANTA_INLINE double exponential(double x) {
    return exponential_in_range(clamp_to_exponential_range(x));
}

// e^x - 1; exactly 0 at 0 and fully accurate near it.
ATALANTA_INLINE double exponential_minus_one(double x) {
    const ReducedExponential e = reduce_exponential(clamp_to_exponential_range(x));
    return fma(e.scale, e.fraction, e.scale - 1.0);
}

// e^x as base + growth, so that a e^x and a e^x - b keep their digits: base is 1, or 0 where e^x is so
// much smaller that adding it to -1 would lose them.
struct Growth {
    double growth;
    std::uint64_t base;  // all bits for 1, none for 0: masked(a, base) is a times base
};

ATALANTA_INLINE Growth growth_of(double x) {
    constexpr double kCancelling = -0.69;
    const ReducedExponential e = reduce_exponential(x);
    const std::uint64_t base = ~sign_mask(x - kCancelling);
    return {fma(e.scale, e.fraction, e.scale - masked(1.0, base)), base};
}

// e^x - 1 for |x| <= kSmallGrowth, where reducing changes nothing: the same bits as growth_of.
constexpr double kSmallGrowth = 0.34;
ATALANTA_INLINE double small_growth(double x) {
    return fma(x * x, even_odd(x, kExponential), x);
}

}  // namespace
}  // namespace atalanta
