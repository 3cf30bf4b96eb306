// The tail ratio R(z) = N(-z) e^(z^2/2), which is the Mills ratio over sqrt(2 pi), at two places at once, and
// its divided difference, which no subtraction of two ratios could give: option values are such differences.
// Entry: tail_ratios. For z >= kLowestTail, without cancellation at any distance of the places, zero
// included.
#pragma once

#include "numerics/polynomial.hpp"

namespace atalanta {
namespace {

constexpr double kLowestTail = -0.25;
constexpr double kTailShift = 5.25;  // u = 1 / (z + shift) is at most 1/5 ...
constexpr double kTailCentre = 0.1;  // ... so that x = u - centre covers [-1/10, 1/10]

// (z + 5.25) R(z) in x, Chebyshev interpolation in 60 digits converted to monomials: relative error of the
// value 4.4e-17, of the divided difference at equal places 1.5e-16 (degree 23 would give 3.4e-15).
constexpr double kTailPolynomial[] = {
    0.8067539917254937,  7.666594414568273, 62.90576735554105,   441.97542290132407, 2615.4019336912465,
    12632.506618080666,  46625.67510132749, 108902.1262856981,   6428.328408885859,  -1086554.6754759185,
    -3383318.0686150426, 4058803.443940497, 51819201.07916783,   40915629.24020557,  -669460649.4868711,
    -1376644812.934187,  9129495057.615614, 26883675984.705967,  -141980954724.3875, -446456606894.657,
    2413724609955.906,   6023465979533.156, -36852916144526.016, -48146561235282.7,  335461127958553.94};

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
    double first, second;  // R(z1), R(z2)
    double slope;          // (R(z1) - R(z2)) / (z2 - z1) > 0, -R'(z1) where they meet
};

// distance = z2 - z1, which the caller knows better than a subtraction would.
ATALANTA_INLINE TailRatios tail_ratios(TailPlaces at, double distance) {
    const ValueAndSlope p = even_odd_pair(at.u1 - kTailCentre, at.u2 - kTailCentre, kTailPolynomial);
    const double product = at.u1 * at.u2;
    const double p2 = fma(-(distance * product), p.slope, p.value);
    return {at.u1 * p.value, at.u2 * p2, product * fma(at.u2, p.slope, p.value)};
}

}  // namespace
}  // namespace atalanta
