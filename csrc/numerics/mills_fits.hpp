// What implied volatility needs of the Mills ratio M(z) = N(-z)/phi(z): g(h) = 1 - h M(h), M(z), and M(z)
// cheaply. numerics/mills_ratio.hpp fits M too, for differences of two ratios; here each value stands alone
// and the roundings of its argument are undone, because an inversion near the inflection shows them.
#pragma once

#include "numerics/polynomial.hpp"

namespace atalanta {
namespace {

// (h+4)^2 g(h) / 16 in tau = 1 - 8/(h+4), h >= 0: Chebyshev interpolation in 45 digits, error 6e-17.
constexpr double kMillsComplement[] = {
    .21356187338302926,     -.31177255821094635,    .26961572209986967,     -.15473318132771433,
    .053216316616434722,    -.003816808344472004,   -.005604441033241263,   .0018768055179461465,
    .0005138514799775119,   -.00035905363660573738, -6.3853701810914532e-5, 6.4723704475629345e-5,
    1.3517415944311821e-5,  -1.1603518339850312e-5, -3.8824894353749192e-6, 1.8786570879077163e-6,
    1.1414861877297591e-6,  -1.9396389303925358e-7, -3.0104922113425244e-7, -2.3773235297172321e-8,
    6.5038261379223e-8,     1.9424596543199781e-8,  -1.0067087082963904e-8, -5.1106311042059273e-9,
    8.2109116344955946e-10, 5.8173148549023047e-10};

// (z+4.5) M(z) in tau = 1 - 8/(z+4.5), z >= -1/2: likewise, error 1.6e-16.
constexpr double kMills[] = {
    2.1325421517457901,     -2.1562775993720846,    1.7527749897250238,    -1.121646262804828,
    .5356466317464893,      -.16426393985113785,    .011671248881325796,   .015109571024600135,
    -.005420637268654379,   -.0010189544373355403,  .0009608678089170525,  7.0241660094019464e-5,
    -.00016589247883197126, -1.0978611601848341e-5, 3.0484366745255473e-5, 4.0919924325732436e-6,
    -5.7210549528808289e-6, -1.5316449219275941e-6, 9.9255769985059473e-7, 4.5589782528349086e-7,
    -1.3615657325177142e-7, -9.4622068712304555e-8, 1.097722032703156e-8,  1.0053039241395802e-8,
    -1.3421146047947918e-10};

// (z+3.5) M(z) in tau = 1 - 6/(z+3.5), z >= -1/2: error 4e-6.
constexpr double kMillsCheap[] = {2.1255901145077352,   -1.9905803696272071,   1.2829208475745508,
                                  -.49942190127799813,  .049827143318580222,   .048688950528733836,
                                  -.014116062112848202, -.0047159624986128123, .0018047242994627241};

// Relative sensitivity of g and M to a relative error of the reduced variable u, within 4 %.
constexpr double kMillsComplementSensitivity[] = {1.8615, 3.0707, .2512};
constexpr double kMillsSensitivity[] = {.9913, 3.7879, 35.5216};

struct Reciprocal {
    double value;     // numerator / (x + shift), rounded
    double residual;  // what the two roundings lost: numerator * (relative error of value)
};

ATALANTA_INLINE Reciprocal shifted_reciprocal(double numerator, double x, double shift) {
    const double sum = x + shift;
    const double lost = x - (sum - shift);
    const double u = numerator / sum;
    return {u, fma(-u, lost, fma(-u, sum, numerator))};
}

// g(h) = 1 - h M(h) for h >= 0, relative accuracy also where it is tiny.
ATALANTA_INLINE double mills_complement(double h) {
    const Reciprocal r = shifted_reciprocal(4.0, h, 4.0);
    const double u = r.value;
    const double g = u * u * even_odd(fma(-2.0, u, 1.0), kMillsComplement);
    const double correction = horner<0, 1>(u, kMillsComplementSensitivity) * (r.residual * 0.25);
    return fma(g, correction, g);
}

// M(z) for z >= -1/2.
ATALANTA_INLINE double mills(double z) {
    const Reciprocal r = shifted_reciprocal(1.0, z, 4.5);
    const double u = r.value;
    const double m = u * even_odd(fma(-8.0, u, 1.0), kMills);
    return fma(m, horner<0, 1>(u, kMillsSensitivity) * r.residual, m);
}

// M(z) for z >= -1/2 to 4e-6.
ATALANTA_INLINE double mills_cheap(double z) {
    const double u = 1.0 / (z + 3.5);
    return u * even_odd(fma(-6.0, u, 1.0), kMillsCheap);
}

}  // namespace
}  // namespace atalanta
