// Logarithms to 1e-6 without a division, for starting values that an exact step will correct.
// Arguments are positive, normal and finite.
#pragma once

#include "numerics/logarithm.hpp"

namespace atalanta {
namespace {

// ln(1+r)/r on [sqrt(1/2)-1, sqrt(2)-1], Chebyshev interpolation, relative error 1.1e-6.
constexpr double kCheapLogarithm[] = {1.0000009643975842,  -.500011450377459, .333146738085498,
                                      -.24908289184720153, .2049175965000632, -.18680751427136455,
                                      .11931054435738876};
constexpr std::uint64_t kBitsOfSqrtHalf = 0x3FE6A09E667F3BCDULL;

struct Octave {
    double k;         // x = 2^k m
    double fraction;  // m - 1, m in [sqrt(1/2), sqrt(2))
};

ATALANTA_INLINE Octave split_octave(double x) {
    const std::uint64_t exponent = (bits_of(x) - kBitsOfSqrtHalf) & kExponentMask;
    return {exponent_as_double(exponent), double_of(bits_of(x) - exponent) - 1.0};
}

ATALANTA_INLINE double cheap_logarithm_of(Octave x) {
    return fma(x.k, kLn2High, x.fraction * even_odd(x.fraction, kCheapLogarithm));
}

ATALANTA_INLINE double cheap_logarithm(double x) {
    return cheap_logarithm_of(split_octave(x));
}

// ln(1 + x) for x > 0, keeping its relative accuracy however small x is.
ATALANTA_INLINE double cheap_log1p(double x) {
    Octave sum = split_octave(1.0 + x);
    sum.fraction = sum.k == 0.0 ? x : sum.fraction;
    return cheap_logarithm_of(sum);
}

}  // namespace
}  // namespace atalanta
