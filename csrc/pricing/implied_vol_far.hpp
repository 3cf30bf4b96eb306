// Implied volatility of the remaining options, far from the money or with a large total volatility.
// Below the inflection of the price (s < sqrt(2a)) it inverts the option value, above it the room under the
// upper bound: one text for both, with a sign. A starting value good to 18 %, a cheap step, an exact step.
#pragma once

#include "numerics/cheap_logarithm.hpp"
#include "numerics/mills_fits.hpp"
#include "pricing/implied_vol_near.hpp"

namespace atalanta {
namespace {

constexpr double kTailScale = .3133285343288750;  // pi/4 / sqrt(2 pi)
constexpr double kPiOver8 = .39269908169872414;
constexpr double kSqrtPiOver8 = .6266570686577501;
constexpr double kEightOverPi = 2.5464790894703255;
// Iterates may cross the inflection a little; the Mills fits reach down to here.
constexpr double kSmallestMillsArgument = -0.5;
// Guards of the cheap step, relative to s.
constexpr double kSmallestStep = -0.7;
constexpr double kLargestStep = 0.5;

struct FarTarget {
    double a;       // |ln(F/K)|
    double sign;    // -1 below the inflection, +1 above
    double scaled;  // value or room in units of min(F, K), times sqrt(2 pi)
};

struct FarStart {
    FarTarget target;
    double s;
};

ATALANTA_INLINE FarStart far_start(double a, double value, double room, double lower) {
    const double squared = a + a;  // of h + t at the inflection
    // M(z) is within a few per cent of (sqrt(z^2 + 8/pi) - z) pi/4.
    const double tail = kTailScale * (square_root(squared + kEightOverPi) - square_root(squared));
    const bool below = value < (0.5 - tail) * lower;
    const double sign = below ? -1.0 : 1.0;
    const double x = (below ? value : room) / lower;
    const double depth = -2.0 * cheap_logarithm(x / fma(sign, tail, 0.5));
    const double d = square_root((depth > 0.0 ? depth : 0.0) + kPiOver8) - kSqrtPiOver8;
    return {{a, sign, x * kSqrt2Pi}, fma(sign, d, square_root(fma(d, d, squared)))};
}

struct FarPoint {
    double z1, z2;  // |d1| and |d2| at the solution; z1 may be slightly negative on the way
    double h, t;
};

ATALANTA_INLINE FarPoint far_point(const FarTarget& target, double s) {
    const double h = target.a / s, t = 0.5 * s;
    const double z1 = target.sign * (t - h);
    return {z1 < kSmallestMillsArgument ? kSmallestMillsArgument : z1, t + h, h, t};
}

struct FarModel {
    double mills_sum;  // M(z1) + sign M(z2)
    double slope;      // 1 / (s d ln(value or room) / ds)
};

ATALANTA_INLINE FarModel far_cheap_model(const FarTarget& target, double s) {
    const FarPoint at = far_point(target, s);
    const double mills_sum = fma(target.sign, mills_cheap(at.z2), mills_cheap(at.z1));
    return {mills_sum, -target.sign * mills_sum / s};
}

ATALANTA_INLINE FarModel far_model(const FarTarget& target, double s) {
    const FarPoint at = far_point(target, s);
    const double mills_sum = fma(target.sign, mills(at.z2), mills(at.z1));
    return {mills_sum, -target.sign * mills_sum / s};
}

struct FarTerms {
    double nu, p, p1;  // Newton step / s, and the scaled second and third derivatives
};

// log_of_ratio: ln(target.scaled / mills_sum).
ATALANTA_INLINE FarTerms far_terms(const FarPoint& at, double slope, double log_of_ratio) {
    const double f = -fma(0.5 * at.z1, at.z1, log_of_ratio);
    const double nu = f * slope, h2 = at.h * at.h, t2 = at.t * at.t;
    const double p = fma(nu, h2 - t2, -f);
    return {nu, p, -fma(f, p, fma(3.0, h2, t2) * nu * nu)};
}

// Third order, rational, guarded: from 18 % to 4e-5.
ATALANTA_INLINE double far_cheap_step(const FarTarget& target, double s, const FarModel& model) {
    const double logarithm = cheap_logarithm(target.scaled / model.mills_sum);
    const FarTerms at_s = far_terms(far_point(target, s), model.slope, logarithm);
    const double third = fma(at_s.p, at_s.p, at_s.p1);
    const double step = at_s.nu * fma(-0.5, at_s.p, 1.0) / fma(third, 1.0 / 6.0, 1.0 - at_s.p);
    const double above = step < kSmallestStep ? kSmallestStep : step;
    return fma(-s, above > kLargestStep ? kLargestStep : above, s);
}

// Order four: from 4e-5 to rounding.
ATALANTA_INLINE double far_step(const FarTarget& target, double s, const FarModel& model) {
    const double logarithm = log_ratio(target.scaled, model.mills_sum);
    const FarTerms at_s = far_terms(far_point(target, s), model.slope, logarithm);
    return fma(-s, at_s.nu * inverse_series(at_s.p, at_s.p1), s);
}

}  // namespace
}  // namespace atalanta
