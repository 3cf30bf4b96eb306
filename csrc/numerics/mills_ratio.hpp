// The Mills ratio M(z) = N(-z) / phi(z) at two places at once, and its divided difference, which no
// subtraction of two ratios could give: option values are such differences. Entry: mills_pair. For
// z >= kMillsLowest, without cancellation at any distance of the two places, zero included.
#pragma once

#include "numerics/polynomial.hpp"

namespace atalanta {
namespace {

constexpr double kMillsLowest = -0.25;
constexpr double kMillsShift = 5.25;  // u = 1 / (z + shift) is at most 1/5 ...
constexpr double kMillsScale = 10.0;  // ... so that tau = 1 - 10 u covers [-1, 1]

// (z + 5.25) M(z) in tau, Chebyshev interpolation in 45 digits converted to monomials: error of the value
// 1.3e-17, of the divided difference at equal places 1.5e-16 (degree 23 would give 3e-15).
constexpr double kMillsPolynomial[] = {
    2.0222323663305465,    -1.9217302329684934,    1.5768137509075910,     -1.1078680917364522,
    .65558404365143916,    -.31664998268345131,    .11687323553400740,     -.027297714891407981,
    1.6113428538314971e-4, .0027235886707522485,   -8.4807200475661191e-4, -1.0173911175947562e-4,
    1.2989122844073076e-4, -1.0256035129050828e-5, -1.6780307680084856e-5, 3.4507502525489031e-6,
    2.2875060073720372e-6, -6.7388888517100024e-7, -3.5493506273537467e-7, 1.1192066989518083e-7,
    5.9869119448494358e-8, -1.5102836772782467e-8, -8.9966882703535610e-9, 1.2075952402941917e-9,
    8.0079836530597669e-10};

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
struct MillsPlaces {
    double u1, u2;
};

ATALANTA_INLINE MillsPlaces mills_places(double z1, double z2) {
    const double shifted1 = z1 + kMillsShift, shifted2 = z2 + kMillsShift;
    const double inverse = 1.0 / (shifted1 * shifted2);
    return {shifted2 * inverse, shifted1 * inverse};
}

struct MillsPair {
    double first, second;  // M(z1), M(z2)
    double slope;          // (M(z1) - M(z2)) / (z2 - z1) > 0, -M'(z1) where they meet
};

// distance = z2 - z1, which the caller knows better than a subtraction would.
ATALANTA_INLINE MillsPair mills_pair(MillsPlaces at, double distance) {
    const double tau1 = fma(-kMillsScale, at.u1, 1.0), tau2 = fma(-kMillsScale, at.u2, 1.0);
    const ValueAndSlope p = even_odd_pair(tau1, tau2, kMillsPolynomial);
    const double slope = kMillsScale * p.slope;
    const double product = at.u1 * at.u2;
    const double p2 = fma(distance * product, slope, p.value);
    return {at.u1 * p.value, at.u2 * p2, product * fma(-at.u2, slope, p.value)};
}

}  // namespace
}  // namespace atalanta
