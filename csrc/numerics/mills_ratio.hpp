// The Mills ratio M(z) = N(-z) e^(z^2/2) sqrt(2 pi) at two places at once, and its difference, which no
// subtraction of the two ratios could give: option values are such differences.
// Entry: tail_ratios. For z >= kLowestTail, without cancellation at any distance of the places, zero
// included.
#pragma once

#include "numerics/polynomial.hpp"

namespace atalanta {
namespace {

constexpr double kLowestTail = -0.25;
constexpr double kTailShift = 5.25;  // u = 1 / (z + shift) is at most 1/5 ...
constexpr double kTailCentre = 0.1;  // ... so that x = u - centre covers [-1/10, 1/10]

// (z + 5.25) M(z) in x, from a Chebyshev fit of its derivative in 60 digits, converted to monomials: relative
// error of the divided difference at equal places 1.8e-16 (degree 23 would give 1.3e-15), of the value less.
constexpr double kTailPolynomial[] = {
    2.0222323663305465,  19.217302329684931, 157.68137509075924,  1107.8680917364721,  6555.8404365137174,
    31664.998268293453,  116873.23553526591, 272977.14897609399,  16113.427324754092,  -2723588.7120950393,
    -8480719.3571848193, 10173928.01373873,  129890979.48504994,  102555947.5605104,   -1677971675.2314997,
    -3449995327.4064086, 22865703717.364267, 67304514530.585941,  -353956620240.61857, -1113285717442.0481,
    5922025758355.0838,  14865997512392.058, -87495027979941.249, -116640580370455.53, 759600786579404.0};

struct ValueAndSlope {
    double value;  // p(x1)
    double slope;  // (p(x1) - p(x2)) / (x1 - x2), p'(x1) where they meet
};

// Horner in w1 over c[First], c[First + 2], ..., and its divided difference against w2 in the same sweep.
template <std::size_t First, std::size_t N>
ATALANTA_INLINE ValueAndSlope horner_pair(double w1, double w2, const double (&c)[N]) {
    if constexpr (First + 4 < N) {
        const ValueAndSlope upper = horner_pair<First + 2>(w1, w2, c);
        return {fma(upper.value, w1, c[First]), fma(upper.slope, w2, upper.value)};
    } else {
        return {fma(c[First + 2], w1, c[First]), c[First + 2]};
    }
}

// Even and odd powers apart: four short chains instead of two long ones.
template <std::size_t N>
ATALANTA_INLINE ValueAndSlope even_odd_pair(double x1, double x2, const double (&c)[N]) {
    const double w1 = x1 * x1, w2 = x2 * x2;
    const ValueAndSlope even = horner_pair<0>(w1, w2, c);
    const ValueAndSlope odd = horner_pair<1>(w1, w2, c);
    return {fma(x1, odd.value, even.value), fma(x1 + x2, fma(x2, odd.slope, even.slope), odd.value)};
}

// 1 / (z + shift) at both places from one division.
struct TailPlaces {
    double u1, u2;
};

ATALANTA_INLINE TailPlaces tail_places(double z1, double z2) {
    const double shifted1 = z1 + kTailShift, shifted2 = z2 + kTailShift;
    const double inverse = 1.0 / (shifted1 * shifted2);
    return {shifted2 * inverse, shifted1 * inverse};
}

struct TailRatios {
    double first, second;  // M(z1), M(z2)
    double difference;     // M(z1) - M(z2) > 0
};

// distance = z2 - z1, which the caller knows better than a subtraction would.
ATALANTA_INLINE TailRatios tail_ratios(TailPlaces at, double distance) {
    const ValueAndSlope p = even_odd_pair(at.u1 - kTailCentre, at.u2 - kTailCentre, kTailPolynomial);
    const double apart = distance * (at.u1 * at.u2);
    const double p2 = fma(-apart, p.slope, p.value);
    return {at.u1 * p.value, at.u2 * p2, apart * fma(at.u2, p.slope, p.value)};
}

}  // namespace
}  // namespace atalanta
