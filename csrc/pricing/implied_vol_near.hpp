// Implied volatility of ordinary options: |ln(F/K)| <= 2 and total volatility up to about 1.5.
// A starting value good to 3e-5, then one step of order four; the relative truncation error is below 1e-17.
// Works on h = a/s and t = s/2, a = |ln(F/K)|, s = vol * sqrt(years); the price in units of min(F, K) is
// e^(a/2 - h^2/2) s G / sqrt(2 pi) with G = c0 g(h) - (t^2/2) p, free of cancellation however small s is.
#pragma once

#include "numerics/cheap_logarithm.hpp"
#include "numerics/mills_fits.hpp"

namespace atalanta {
namespace {

constexpr double kSqrt2Pi = 2.5066282746310002;
constexpr double kInvSqrt2Pi = .3989422804014327;
constexpr double kNearLogMoneyness = 2.0;
constexpr double kNearTotalVol = 1.4;  // of the uncorrected starting value

// L / (h sqrt(L + 2.1)) in 1/sqrt(L + 2.1), where L = ln(1 + eta) and eta = e^(h^2/2) h / g(h), h in [0, 39]:
// reweighted least squares on a Chebyshev basis, relative error 1.04e-5.
constexpr double kBachelierShift = 2.1;
constexpr double kBachelier[] = {.70800397498, -.052117134908, 5.5791179804, -61.038575259,
                                 539.02598424, -3193.8508645,  12604.665638, -32837.943727,
                                 55198.447801, -57406.085586,  33590.483044, -8465.8503377};

// s h / a in u = (a/h)^2 (rows) and a^2/4 (columns), h being the normal model's: s -> a/h as s -> 0.
// Fitted likewise over a <= 2, a/h <= 1.42; relative error 2.9e-6.
constexpr double kLognormal[5][3] = {{1.000002835, 0, 0},
                                     {.04164854092, -.001450767269, .0001212704777},
                                     {.00371630835, -.000168455797, 0},
                                     {.0003008052619, -7.215516517e-5, 0},
                                     {9.402400739e-5, 0, 0}};

// The normal (Bachelier) model's total volatility in log units, a/h.
ATALANTA_INLINE double normal_model_vol(double a, double gap, double value) {
    const double logarithm = cheap_log1p(gap / (value * kSqrt2Pi));
    const double shifted = logarithm + kBachelierShift;
    const double reciprocal = 1.0 / (logarithm * square_root(shifted));
    return a * shifted * reciprocal * even_odd(logarithm * reciprocal, kBachelier);
}

ATALANTA_INLINE double lognormal_correction(double normal_vol, double a) {
    const double u = normal_vol * normal_vol, z = 0.25 * a * a;
    const auto& c = kLognormal;
    const double c1 = fma(z, fma(z, c[1][2], c[1][1]), c[1][0]);
    const double c2 = fma(z, c[2][1], c[2][0]), c3 = fma(z, c[3][1], c[3][0]);
    return normal_vol * fma(u, fma(u, fma(u, fma(u, c[4][0], c3), c2), c1), c[0][0]);
}

// Moments Q_n = int_0^1 cosh(y (1-v)) v^n dv / (n! sqrt(2 pi)) obey Q_(n-2) = kMoment[n/2 - 1] + y^2 Q_n;
// kMoment[j] = 1/((2j+1)! sqrt(2 pi)). Downwards, so that no digits are lost.
constexpr double kMoment[] = {0.39894228040143268,    0.066490380066905446,   0.0033245190033452723,
                              7.9155214365363627e-5,  1.099377977296717e-6,   9.9943452481519731e-9,
                              6.4066315693281879e-11, 3.0507769377753275e-13, 1.1216091682997528e-15,
                              3.279558971636704e-18,  7.8084737419921524e-21};
// c_k (2k)! at index k, where 1 - e^-x = sum of c_k x^k, k = 1..9, on [0, .28]: economised, error 5e-17.
constexpr double kMomentWeight[] = {0.0,
                                    2.0,
                                    -11.999999999999726,
                                    119.9999999992151,
                                    -1679.9999983844403,
                                    30239.997320763542,
                                    -665276.3346207536,
                                    17293209.465755014,
                                    -515428472.60640758,
                                    15562699196.827712};
constexpr std::size_t kMoments = 9;
// e^w on [0, .28]: Chebyshev interpolation, error 3.3e-14.
constexpr double kSmallExponential[] = {0.99999999999996734,   1.0000000000148979,    0.49999999888560205,
                                        0.16666669839498368,   0.041666223679428274,  0.008336683738364607,
                                        0.0013749197812188539, 0.00022836875662351921};

struct Moments {
    double moment;  // Q_2k
    double sum;     // sum over j >= k of c_j w^(j-k) (2j)! Q_2j
};

template <std::size_t K>
ATALANTA_INLINE Moments moments_from(double y_squared, double w) {
    if constexpr (K == kMoments) {
        const double moment = fma(y_squared, kMoment[K + 1], kMoment[K]);
        return {moment, kMomentWeight[K] * moment};
    } else {
        const Moments next = moments_from<K + 1>(y_squared, w);
        const double moment = fma(y_squared, next.moment, kMoment[K]);
        return {moment, fma(kMomentWeight[K], moment, w * next.sum)};
    }
}

// G / sqrt(2 pi) from y = a/2, w = t^2/2 and g = g(h).
ATALANTA_INLINE double scaled_integral(double a, double s, double g) {
    const double y_squared = 0.25 * a * a, w = 0.125 * s * s;
    const Moments m = moments_from<1>(y_squared, w);
    const double c0 = fma(y_squared, m.moment, kMoment[0]);
    return fma(-w, m.sum, c0 * g);
}

// Inverse Taylor series of order four in nu = f / (s f'): step = nu * series, p = nu f''/f', p1 likewise.
ATALANTA_INLINE double inverse_series(double p, double p1) {
    return fma(p, fma(p, 1.0 / 3.0, 0.5), fma(p1, -1.0 / 6.0, 1.0));
}

// One step of order four on ln(price). The ratio value / model is
// formed inside the logarithm, so that it and h^2/2 cancel before anything is rounded at their size.
ATALANTA_INLINE double near_step(double s, double a, double h, double integral, double value, double lower) {
    const double logarithm = log_ratio(value, s * integral * lower);
    const double f = fma(-0.5 * h, h, fma(0.5, a, -logarithm));
    const double t2 = 0.25 * s * s, h2 = h * h;
    const double slope = kSqrt2Pi * integral * even_odd(0.5 * t2, kSmallExponential);  // -1 / (s f')
    const double nu = f * slope;
    const double p = fma(nu, h2 - t2, -f);
    const double p1 = -fma(f, p, fma(3.0, h2, t2) * nu * nu);
    return fma(-s, nu * inverse_series(p, p1), s);
}

}  // namespace
}  // namespace atalanta
