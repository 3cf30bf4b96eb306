// The Mills ratio M(z) = N(-z) e^(z^2/2) sqrt(2 pi) at two places at once, and its difference, which no
// subtraction of the two ratios could give: option values are such differences.
// Entry: tail_ratios. For z >= kLowestTail, without cancellation at any distance of the places, zero
// included; beyond 1e13 the powers overflow.
#pragma once

#include "numerics/polynomial.hpp"

namespace atalanta {
namespace {

constexpr double kLowestTail = -0.25;

// M(z) = P / (z P + R), the continued fraction 1 / (z + 1 / (z + 2 / ...)) cut after a rational remainder:
// P = z^10 + ..., R = z^9 + ..., ascending, leading coefficient left out. Fitted in 60 digits by levelling
// the relative error of the slope over z >= kLowestTail: 4.4e-16; of the value 2.5e-16.
constexpr double kTailNumerator[] = {
    1859456.0901322686, 3142421.3946377817, 2625691.2518896693, 1404196.2689625958, 527656.191347089,
    144965.99297410256, 29456.51352530982,  4377.371079284652,  457.0927135690418,  30.502908191056292};
constexpr double kTailRemainder[] = {1483631.3058073984, 1831599.9370133425, 1155798.0808942805,
                                     473239.05395819043, 136516.32694598087, 28552.326559098063,
                                     4316.36529665201,   455.0927131324517,  30.502908193532562};

struct ValueAndSlope {
    double value;  // p(z1)
    double slope;  // (p(z1) - p(z2)) / (z1 - z2), p'(z1) where they meet
};

// Horner over z^N + c[N-1] z^(N-1) + ... and its divided difference in the same sweep.
template <std::size_t First, std::size_t N>
ATALANTA_INLINE ValueAndSlope monic_pair(double z1, double z2, const double (&c)[N]) {
    if constexpr (First + 1 == N) {
        return {z1 + c[First], 1.0};
    } else {
        const ValueAndSlope upper = monic_pair<First + 1>(z1, z2, c);
        const double slope = First + 2 == N ? z2 + upper.value : fma(upper.slope, z2, upper.value);
        return {fma(upper.value, z1, c[First]), slope};
    }
}

// M(z1), M(z2) and M(z1) - M(z2) > 0 as numerators of the same denominator.
struct TailRatios {
    double first, second, difference;
    double denominator;
};

// distance = z2 - z1, which the caller knows better than a subtraction would. With q = z P + R:
// P1 q2 - P2 q1 = distance (P1 P2 - (R1 dP - P1 dR)), and the subtraction takes at most a third away.
ATALANTA_INLINE TailRatios tail_ratios(double z1, double z2, double distance) {
    const ValueAndSlope p = monic_pair<0>(z1, z2, kTailNumerator);
    const ValueAndSlope r = monic_pair<0>(z1, z2, kTailRemainder);
    const double p2 = fma(distance, p.slope, p.value), r2 = fma(distance, r.slope, r.value);
    const double q1 = fma(z1, p.value, r.value), q2 = fma(z2, p2, r2);
    return {p.value * q2, p2 * q1, distance * fma(p.value, p2 + r.slope, -(r.value * p.slope)), q1 * q2};
}

}  // namespace
}  // namespace atalanta
