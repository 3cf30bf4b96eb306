// Price, delta, gamma and theta of the present from a solved grid. Entries: read_lane, readings_of.
#pragma once

#include "pricing/european_limits.hpp"
#include "pricing/ladder/march.hpp"

namespace atalanta {
namespace {

// What turns u into money. rate and yield are the option's own, not those of X.
struct ReadingUnits {
    double side, unit, strike, rate, yield, variance;  // unit: price of one unit of u, of a call at spot 1
};

ATALANTA_INLINE LadderReading readings_of(const ReadingUnits& n, double spot, LocalSolution at) {
    const bool put = n.side > 0.0;
    const double inverse = 1.0 / spot, bend = at.uyy - at.uy;
    const double call_price = n.unit * spot * at.u, put_price = n.unit * at.u;
    const double call_delta = n.unit * (at.u - at.uy), put_delta = n.unit * inverse * at.uy;
    const double call_gamma = n.unit * inverse * bend, put_gamma = n.unit * inverse * inverse * bend;
    LadderReading g;
    g.price = put ? put_price : call_price;
    g.delta = put ? put_delta : call_delta;
    g.gamma = put ? put_gamma : call_gamma;
    const double moved = spot * g.delta, curved = spot * spot * g.gamma;
    g.theta = fma(n.rate, g.price, fma(n.yield - n.rate, moved, -0.5 * n.variance * curved));
    return g;
}

// At the value of exercise.
ATALANTA_INLINE LadderReading exercised_reading(const ReadingUnits& n, double spot) {
    return {n.side * (n.strike - spot), -n.side, 0.0, 0.0};
}

ATALANTA_INLINE ReadingUnits units_of(const Normalised& n, std::size_t l) {
    const bool put = n.side[l] > 0.0;
    const double unit = (put ? n.strike[l] : 1.0) * exponential(-n.rate[l] * n.years[l]);
    return {n.side[l],          unit, n.strike[l], put ? n.rate[l] : n.yield[l], put ? n.yield[l] : n.rate[l],
            n.vol[l] * n.vol[l]};
}

// Of strike 1: what lies so little above the value of exercise is that value.
constexpr double kExercisedWithin = 1e-14;

inline double present_u(const LadderMarch& march, std::size_t l) {
    return march.u(l, 0) + march.kink(l).u;
}

inline bool is_exercised(const LadderMarch& march, std::size_t l) {
    const Normalised& n = march.normalised();
    const ExerciseNow& now = march.exercise_now();
    const double middle = static_cast<double>(march.nodes() / 2);
    if (now.lowest[l] <= middle && middle <= now.highest[l]) return true;
    const ReadingUnits units = units_of(n, l);
    const double intrinsic = n.side[l] * (n.strike[l] - n.spot[l]);
    const double price = units.unit * present_u(march, l) * (n.side[l] > 0.0 ? 1.0 : n.spot[l]);
    return n.american[l] != 0.0 && price <= intrinsic + kExercisedWithin * n.strike[l];
}

// First and second derivative at the middle of five nodes, times the spacing and its square.
ATALANTA_INLINE LocalSolution differences(double a, double b, double c, double d, double e) {
    return {c, fma(8.0, d - b, a - e) * (1.0 / 12.0),
            fma(16.0, b + d, fma(-30.0, c, -(a + e))) * (1.0 / 12.0)};
}

// To the nearest boundary of now, or just after a first date whose bend the present has.
inline double boundary_cells(const LadderMarch& march, std::size_t l) {
    const ExerciseNow& now = march.exercise_now();
    const double middle = static_cast<double>(march.nodes() / 2);
    const double to_highest = __builtin_fabs(middle - now.highest[l]);
    const double to_lowest = __builtin_fabs(middle - now.lowest[l]);
    const double to_either = to_highest < to_lowest ? to_highest : to_lowest;
    return to_either < march.bend_cells(l) ? to_either : march.bend_cells(l);
}

constexpr double kAstray = 1e-3;  // of u, beyond its bounds

inline LadderReading read_lane(const LadderMarch& march, std::size_t l) {
    const Normalised& n = march.normalised();
    const ReadingUnits units = units_of(n, l);
    if (is_exercised(march, l)) {
        LadderReading exercised = exercised_reading(units, n.spot[l]);
        exercised.boundary_cells = boundary_cells(march, l);
        return exercised;
    }
    LocalSolution at =
        differences(march.u(l, -2), march.u(l, -1), march.u(l, 0), march.u(l, 1), march.u(l, 2));
    const LocalSolution& kink = march.kink(l);
    at = {at.u + kink.u, at.uy + kink.uy, at.uyy + kink.uyy};
    // A solve that went astray is no price.
    const double most = most_worth(n, l, exponential(n.rate[l] * n.years[l]));
    if (!(at.u >= -kAstray && at.u <= most + kAstray))
        return {kUndefined, kUndefined, kUndefined, kUndefined};
    at.u = at.u > 0.0 ? at.u : 0.0;
    at.uy *= n.inverse_spacing[l];
    at.uyy *= n.inverse_spacing[l] * n.inverse_spacing[l];
    LadderReading held = readings_of(units, n.spot[l], at);
    held.boundary_cells = boundary_cells(march, l);
    return held;
}

}  // namespace
}  // namespace atalanta
