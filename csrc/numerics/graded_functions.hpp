// exp and the Mills ratio at four grades of accuracy, for kernels whose own error decides how many digits are
// worth paying for. Branch-free; a grade is a type, given as a template argument.
#pragma once

#include "numerics/exponential.hpp"

namespace atalanta {
namespace {

// kExponential: (e^r - 1 - r) / r^2 on |r| <= ln2 / 2. kMills: (z + kShift) M(z) in 2 kShift / (z + kShift) -
// 1, z >= 0. Chebyshev interpolation in 50 digits; the names tell the larger of both relative errors.
struct SixDigits {  // 1.0e-8, 2.2e-7
    static constexpr double kExponential[] = {.5, .1666657702559799, .041666554662050534, .008363173074513711,
                                              .001392617611993558};
    static constexpr double kShift = 3.5;
    static constexpr double kMills[] = {1.8659743827775663,   1.4176566581655978,   .7906578886819994,
                                        .29085007412701974,   .04357098335787749,   -.016057368323435597,
                                        -.007755920455408572, 8.506824762774239e-4, 8.528577687184933e-4};
};
struct SevenDigits {  // 2.2e-10, 1.1e-8
    static constexpr double kExponential[] = {.5000000013457727,    .16666666681614256,
                                              .04166646500604005,   .008333310934448869,
                                              .0013933641031986701, 1.9890980869750327e-4};
    static constexpr double kShift = 3.5;
    static constexpr double kMills[] = {1.8659743827775663,   1.4176534714743239,    .7906533687928772,
                                        .29089181842811196,   .043630518972238345,   -.016205938538771763,
                                        -.007968535943315735, .0010471905804338045,  .0011347353789445448,
                                        -8.68175736767189e-5, -1.2474709199707446e-4};
};
struct NineDigits {  // 4.3e-12, 5.6e-10
    static constexpr double kExponential[] = {.5,
                                              .16666666718997508,
                                              .041666666718980845,
                                              .008333298483754886,
                                              .001388885404961482,
                                              1.989927395864936e-4,
                                              2.4859578222625295e-5};
    static constexpr double kShift = 4.25;
    static constexpr double kMills[] = {1.9039200545575448,   1.5669679606388447,    1.0483409315924122,
                                        .5527520765378248,    .21374567485242746,    .048520931659561804,
                                        -.00187053891583141,  -.005376410348170102,  -.001005886899529048,
                                        4.616031198272276e-4, 1.8164356270430464e-4, -3.3620718243064735e-5,
                                        -1.933760749411633e-5};
};
struct TwelveDigits {  // 7.4e-14, 5.0e-13
    static constexpr double kExponential[] = {
        .4999999999995511,    .16666666666662586,    .04166666678626573,    .00833333334420298,
        .0013888839110572009, 1.9841224599656011e-4, 2.4867870179687727e-5, 2.7617564785876086e-6};
    static constexpr double kShift = 5.0;
    static constexpr double kMills[] = {1.9280810471531578,   1.6678665952018725,    1.241547061597506,
                                        .7859110749248265,    .41364471459404895,    .17325474285691758,
                                        .052125518487493534,  .007503226966562655,   -.0020000645022680993,
                                        -.001365668934020896, -1.484831570032382e-4, 1.2436425726268034e-4,
                                        4.112703811301082e-5, -9.546629065997635e-6, -6.153036783896016e-6,
                                        5.560450641389854e-7, 5.751156796771695e-7};
};

// e^x for x <= 709; 0 below -708.
template <class Digits>
ATALANTA_INLINE double graded_exponential(double x) {
    const double shifted = fma(x, kLog2E, kRoundToInteger);
    const double k = shifted - kRoundToInteger;
    const double r = fma(-k, kLn2Low, fma(-k, kLn2High, x));
    const double scale = double_of((bits_of(shifted) << 52) + bits_of(1.0));
    const double value = fma(scale, fma(r * r, even_odd(r, Digits::kExponential), r), scale);
    return x < -708.0 ? 0.0 : value;
}

// e^x for |x| <= ln2 / 2, without the reduction.
template <class Digits>
ATALANTA_INLINE double gentle_exponential(double x) {
    return fma(x * x, even_odd(x, Digits::kExponential), 1.0 + x);
}

// M(z), z >= 0, from inverse = 1 / (z + Digits::kShift).
template <class Digits>
ATALANTA_INLINE double graded_mills(double inverse) {
    return inverse * even_odd(fma(inverse, 2.0 * Digits::kShift, -1.0), Digits::kMills);
}

}  // namespace
}  // namespace atalanta
