// Implied volatility of the remaining options, far from the money or with a large total volatility.
// Below the inflection of the price (s < sqrt(2a)) it inverts the option value, above it the room under the
// upper bound: one text for both, with a sign. A starting value good to 18 %, a cheap step, an exact step.
#pragma once

#include "numerics/cheap_logarithm.hpp"
#include "numerics/mills_fits.hpp"
#include "pricing/implied_vol_near.hpp"

namespace atalanta {
namespace {

constexpr double kPiOver8 = .39269908169872414;
constexpr double kSqrtPiOver8 = .6266570686577501;
constexpr double kEightOverPi = 2.5464790894703255;
// Iterates may cross the inflection a little; the Mills fits reach down to here.
constexpr double kSmallestMillsArgument = -0.5;

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
    const double inflection = square_root(a + a);
    // M at the inflection, within a few per cent
    const double mills_there = 2.0 / (inflection + square_root(fma(inflection, inflection, kEightOverPi)));
    const double tail = kInvSqrt2Pi * mills_there;
    const bool below = value < (0.5 - tail) * lower;
    const double sign = below ? -1.0 : 1.0;
    const double x = (below ? value : room) / lower;
    const double depth = -2.0 * cheap_logarithm(x / fma(sign, tail, 0.5));
    const double d = square_root((depth > 0.0 ? depth : 0.0) + kPiOver8) - kSqrtPiOver8;
    const double root = d + square_root(fma(d, d, a + a));
    const double ratio = (a + a) / root;
    return {{a, sign, x * kSqrt2Pi}, below ? ratio : root};
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

struct FarSlope {
    double f, nu, p, p1;  // residual, Newton step / s, and the scaled second and third derivatives
};

// mills_sum: M(z1) + sign M(z2); log_of_ratio: ln(target.scaled / mills_sum).
ATALANTA_INLINE FarSlope far_slope(const FarTarget& target, const FarPoint& at, double s, double mills_sum,
                                   double log_of_ratio) {
    const double f = -fma(0.5 * at.z1, at.z1, log_of_ratio);
    const double nu = -target.sign * f * mills_sum / s;
    const double h2 = at.h * at.h, t2 = at.t * at.t;
    const double p = fma(nu, h2 - t2, -f);
    return {f, nu, p, -fma(f, p, fma(3.0, h2, t2) * nu * nu)};
}

// Third order, rational, guarded: from 18 % to 4e-5.
ATALANTA_INLINE double far_cheap_step(const FarTarget& target, double s) {
    const FarPoint at = far_point(target, s);
    const double mills_sum = fma(target.sign, mills_cheap(at.z2), mills_cheap(at.z1));
    const double logarithm = cheap_logarithm(target.scaled / mills_sum);
    const FarSlope at_s = far_slope(target, at, s, mills_sum, logarithm);
    const double third = fma(at_s.p, at_s.p, at_s.p1);
    const double step = at_s.nu * fma(-0.5, at_s.p, 1.0) / fma(third, 1.0 / 6.0, 1.0 - at_s.p);
    const double above = step < -0.7 ? -0.7 : step;
    return fma(-s, above > 0.5 ? 0.5 : above, s);
}

ATALANTA_INLINE double far_mills_sum(const FarTarget& target, double s) {
    const FarPoint at = far_point(target, s);
    return fma(target.sign, mills(at.z2), mills(at.z1));
}

ATALANTA_INLINE double far_exact_step(const FarTarget& target, double s, double mills_sum) {
    const FarPoint at = far_point(target, s);
    const FarSlope at_s = far_slope(target, at, s, mills_sum, log_ratio(target.scaled, mills_sum));
    return fma(-s, at_s.nu * inverse_series(at_s.p, at_s.p1), s);
}

}  // namespace
}  // namespace atalanta
