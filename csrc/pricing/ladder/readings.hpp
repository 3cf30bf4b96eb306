// Price, delta, gamma and theta of the present from a solved grid. Entry: read_lane.
#pragma once

#include "pricing/ladder/march.hpp"

namespace atalanta {
namespace {

// Of strike 100: what lies so little above the value of exercise is that value.
constexpr double kExercisedWithin = 1e-12;

inline bool is_exercised(const Normalised& n, std::size_t l, const LadderReading& reading) {
    const double intrinsic = n.side[l] * (n.strike[l] - n.spot[l]);
    return n.american[l] != 0.0 && reading.price <= intrinsic + kExercisedWithin * n.strike[l];
}

inline LadderReading read_lane(const LadderMarch& march, std::size_t l) {
    const Normalised& n = march.normalised();
    const double below2 = march.u(l, -2), below = march.u(l, -1), here = march.u(l, 0), above = march.u(l, 1),
                 above2 = march.u(l, 2);
    const double inverse = n.inverse_spacing[l];
    const double uy = fma(8.0, above - below, below2 - above2) * (inverse / 12.0);
    const double uyy = fma(16.0, below + above, fma(-30.0, here, -(below2 + above2))) * (inverse * inverse / 12.0);
    const double spot = n.spot[l], strike = n.strike[l];
    const bool put = n.side[l] > 0.0;
    const double unit = (put ? strike : spot) * exponential(-n.rate[l] * n.years[l]);
    LadderReading g = {};
    g.price = unit * here;
    if (is_exercised(n, l, g)) return {n.side[l] * (strike - spot), -n.side[l], 0.0, 0.0};
    g.delta = unit * (put ? uy : here - uy) / spot;
    g.gamma = unit * (uyy - uy) / (spot * spot);
    const double r = put ? n.rate[l] : n.yield[l], q = put ? n.yield[l] : n.rate[l];
    g.theta = fma(r, g.price, -(r - q) * spot * g.delta) - n.diffusion[l] * spot * spot * g.gamma;
    return g;
}

}  // namespace
}  // namespace atalanta
