// Implied volatility of ordinary options: |ln(F/K)| <= 3.5 and total volatility up to about 1.5.
// A starting value good to 4e-5, then one step of order four; the relative truncation error is below 1e-17.
// Works on h = a/s and t = s/2, a = |ln(F/K)|, s = vol * sqrt(years); the price in units of min(F, K) is
// e^(a/2 - h^2/2) s G / sqrt(2 pi) with G = c0 g(h) - (t^2/2) p, free of cancellation however small s is.
#pragma once

#include "numerics/cheap_logarithm.hpp"
#include "numerics/mills_fits.hpp"

namespace atalanta {
namespace {

constexpr double kSqrt2Pi = 2.5066282746310002;
constexpr double kNearLogMoneyness = 3.5;
constexpr double kNearTotalVol = 1.34;  // of the uncorrected starting value: s <= 1.495

// L / (h sqrt(L + 2.1)) in 1/sqrt(L + 2.1), where L = ln(1 + eta) and eta = e^(h^2/2) h / g(h), h in [0, 39]:
// reweighted least squares on a Chebyshev basis, relative error 1.04e-5.
constexpr double kBachelierShift = 2.1;
constexpr double kBachelier[] = {.70800397498, -.052117134908, 5.5791179804, -61.038575259,
                                 539.02598424, -3193.8508645,  12604.665638, -32837.943727,
                                 55198.447801, -57406.085586,  33590.483044, -8465.8503377};

// s h / a in u = (a/h)^2 (rows) and a^2/4 (columns), h being the normal model's: s -> a/h as s -> 0.
// Fitted likewise over a <= 3.5, a/h <= 1.42; relative error 2.2e-5.
constexpr double kLognormal[5][3] = {{1.000021165, 0, 0},
                                     {.04162329192, -.001493239405, 9.963224613e-5},
                                     {.003772222861, -.0001493011829, 0},
                                     {.0002700398069, -6.002183534e-5, 0},
                                     {9.626422721e-5, 0, 0}};

// ln(1 + eta) of the normal model.
ATALANTA_INLINE double normal_model_logarithm(double gap, double value) {
    return cheap_log1p(gap / (value * kSqrt2Pi));
}

// The normal (Bachelier) model's total volatility in log units, a/h.
ATALANTA_INLINE double normal_model_vol(double a, double logarithm) {
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

// Moments Q_n = int_0^1 cosh((1-v) a/2) v^n dv / (n! 2^n sqrt(2 pi)) obey Q_(n-2) = kMoment[n/2 - 1] + a^2
// Q_n; kMoment[j] = 1/((2j+1)! 4^j sqrt(2 pi)). Downwards, so that no digits are lost.
constexpr double kMoment[] = {0.39894228040143268,    0.016622595016726362,   0.00020778243770907952,
                              1.2368002244588067e-6,  4.2944452238153009e-9,  9.7601027813984112e-12,
                              1.5641190354805146e-14, 1.8620464708101364e-17, 1.7114397709651989e-20,
                              1.2510524641558472e-23, 7.4467408580705189e-27};
// c_k (2k)! / 2^k at index k, where 1 - e^-x = sum of c_k x^k, k = 1..9, on [0, .28]: economised, error
// 5e-17.
constexpr double kMomentWeight[] = {0.0,
                                    0.99999999999999998,
                                    -2.9999999999999314,
                                    14.999999999901887,
                                    -104.99999989902752,
                                    944.99991627386069,
                                    -10394.942728449275,
                                    135103.19895121104,
                                    -2013392.4711187796,
                                    30395896.868804126};
constexpr std::size_t kMoments = 9;
// sqrt(2 pi) e^(x/8) on [0, 2.24]: Chebyshev interpolation, error 3.3e-14.
constexpr double kInverseDensity[] = {2.5066282746309186,     0.31332853433354299,   0.019583033351908107,
                                      0.00081595988014895172, 2.5498470305652986e-5, 6.3772482834598371e-7,
                                      1.3147021480379671e-8,  2.7295855636350576e-10};

struct Moments {
    double moment;  // Q_2k
    double sum;     // sum over j >= k of kMomentWeight[j] s^(2(j-k)) Q_2j
};

template <std::size_t K>
ATALANTA_INLINE Moments moments_from(double a_squared, double s_squared) {
    if constexpr (K == kMoments) {
        const double moment = fma(a_squared, kMoment[K + 1], kMoment[K]);
        return {moment, kMomentWeight[K] * moment};
    } else {
        const Moments next = moments_from<K + 1>(a_squared, s_squared);
        const double moment = fma(a_squared, next.moment, kMoment[K]);
        return {moment, fma(kMomentWeight[K], moment, s_squared * next.sum)};
    }
}

struct NearModel {
    double value;  // of the option at s, less the factor e^(a/2 - h^2/2)
    double slope;  // 1 / (s d ln(price) / ds)
};

ATALANTA_INLINE NearModel near_model(double a, double s, double g, double lower) {
    const double s_squared = s * s, a_squared = a * a;
    const Moments m = moments_from<1>(a_squared, s_squared);
    const double c0 = fma(a_squared, m.moment, kMoment[0]);
    const double integral = fma(-s_squared, m.sum, c0 * g);  // G / sqrt(2 pi)
    return {s * integral * lower, integral * even_odd(s_squared, kInverseDensity)};
}

// Inverse Taylor series of order four in nu = f / (s f'): step = nu * series, p = nu f''/f', p1 likewise.
ATALANTA_INLINE double inverse_series(double p, double p1) {
    return fma(p, fma(p, 1.0 / 3.0, 0.5), fma(p1, -1.0 / 6.0, 1.0));
}

// One step of order four on ln(price). The ratio value / model is formed inside the logarithm, so that it
// and h^2/2 cancel before anything is rounded at their size.
ATALANTA_INLINE double near_step(double a, double s, double h, double value, const NearModel& model) {
    const double f = fma(-0.5 * h, h, fma(0.5, a, -log_ratio(value, model.value)));
    const double t2 = 0.25 * s * s, h2 = h * h;
    const double nu = f * model.slope;
    const double p = fma(nu, h2 - t2, -f);
    const double p1 = -fma(f, p, fma(3.0, h2, t2) * nu * nu);
    return fma(-s, nu * inverse_series(p, p1), s);
}

}  // namespace
}  // namespace atalanta
