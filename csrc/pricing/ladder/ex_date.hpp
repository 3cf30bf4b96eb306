// An ex-date that all lanes of a block cross before the same step: u before it from u after it, at the spot
// less the dividend, on a grid about another centre. A lane's numbers are those that ex_date_column.hpp finds
// for it alone. Entry: carry_over.
#pragma once

#include "pricing/ladder/calendar.hpp"
#include "pricing/ladder/sweep_up.hpp"

namespace atalanta {
namespace {

// The payoff level - slope E of one stage or date, at its time to expiry.
struct LanePayoff {
    double time, level, slope;
};
struct PayoffRecord {
    PerLane time, level, slope;

    ATALANTA_INLINE void set(std::size_t l, const LanePayoff& payoff) {
        time[l] = payoff.time;
        level[l] = payoff.level;
        slope[l] = payoff.slope;
    }
};

ATALANTA_INLINE LanePayoff lane_of(const PayoffRecord& payoff, std::size_t l) {
    return {payoff.time[l], payoff.level[l], payoff.slope[l]};
}

// Where a payoff becomes zero, in nodes.
ATALANTA_INLINE double payoff_kink(const Normalised& n, const PayoffRecord& payoff, std::size_t nodes,
                                   std::size_t lane) {
    const double distance = log_ratio(payoff.level[lane], payoff.slope[lane]);
    return fma(distance, n.inverse_spacing[lane], static_cast<double>(nodes / 2));
}

// The lanes whose number is above the bound, and below it.
ATALANTA_INLINE LaneSet lanes_above(const PerLane& values, double bound) {
    LaneSet lanes = 0;
    for (std::size_t at = 0; at < kLadderOptions; at += kRowLanes)
        lanes |= bits_of(load(values.at + at) > repeat(bound)) << at;
    return lanes;
}
ATALANTA_INLINE LaneSet lanes_below(const PerLane& values, double bound) {
    LaneSet lanes = 0;
    for (std::size_t at = 0; at < kLadderOptions; at += kRowLanes)
        lanes |= bits_of(repeat(bound) > load(values.at + at)) << at;
    return lanes;
}

// The least share of the spot that counts as left over; a spot below it is as good as zero.
constexpr double kLeastRest = 1e-300;

// Fourth-order interpolation between -1/2 and 1/2 of five nodes about 0.
struct Quartic {
    double value, first, second, third, fourth;

    ATALANTA_INLINE double operator()(double f) const {
        return fma(f, fma(f, fma(f, fma(f, fourth, third), second), first), value);
    }
};
ATALANTA_INLINE Quartic quartic(double a, double b, double c, double d, double e) {
    const double outer = a + e, inner = b + d, odd_outer = e - a, odd_inner = d - b;
    return {c, fma(8.0, odd_inner, -odd_outer) * (1.0 / 12.0),
            fma(16.0, inner, fma(-30.0, c, -outer)) * (1.0 / 24.0),
            fma(-2.0, odd_inner, odd_outer) * (1.0 / 12.0),
            fma(-4.0, inner, fma(6.0, c, outer)) * (1.0 / 24.0)};
}

// The node nearest to a place that has two on each side.
ATALANTA_INLINE double stencil_centre(double place, double last) {
    const double nearest = (place + kRoundToInteger) - kRoundToInteger;
    const double low = nearest < 2.0 ? 2.0 : nearest;
    return low < last - 2.0 ? low : last - 2.0;
}

// Where a node of the grid before the date lies on the grid after it.
struct Landing {
    PerLane place;  // in cells from node 0
    PerLane rest;   // share of the spot that is left
};

// -ln(1 - x) / x where no more than this is taken of a spot, which is the usual case: a Chebyshev fit, 3e-16.
constexpr double kLittleTaken = 0.125;
constexpr double kLittleLogarithm[] = {
    .99999999999999971, .50000000000047089, .33333333320938136, .25000001262297148,  .19999934929136127,
    .16666584926690397, .14251513322089931, .12873248547333900, .087024114914023005, .18145503116372822};

struct LandedNode {
    double place, rest;
};
// taken: by the dividend of the spot at the node i. kLittle: no more than kLittleTaken.
template <bool kLittle>
ATALANTA_INLINE LandedNode land_node(double side, double taken, double shift, double inverse_spacing,
                                     double i) {
    const double left = 1.0 - taken, little = -taken * even_odd(taken, kLittleLogarithm);
    double log_rest = little;
    if constexpr (!kLittle) {
        const double much = logarithm(left > kLeastRest ? left : kLeastRest);
        log_rest = taken > kLittleTaken ? much : little;
    }
    return {fma(fma(side, log_rest, -shift), inverse_spacing, i), left > 0.0 ? left : 0.0};
}

template <bool kLittle>
ATALANTA_INLINE void land_lanes(const Normalised& n, const ExDate& date, const PerLane& taken, double i,
                                Landing& to) {
    each_lane([&](std::size_t l) {
        const LandedNode landed =
            land_node<kLittle>(n.side[l], taken[l], date.shift[l], n.inverse_spacing[l], i);
        to.place[l] = landed.place;
        to.rest[l] = landed.rest;
    });
}

ATALANTA_INLINE void land(const Normalised& n, const ExDate& date, const double* growth, std::size_t nodes,
                          std::size_t i, Landing& to) {
    const double* up = node(growth, i);
    const double* down = node(growth, nodes - 1 - i);
    PerLane taken;
    for (std::size_t at = 0; at < kLadderOptions; at += kRowLanes) {
        // The nodes lie symmetrically, so that 1 / E is E on the other side.
        const LaneMask puts = load(n.side.at + at) > repeat(0.0);
        store(taken.at + at, load(date.share.at + at) * select(puts, load(down + at), load(up + at)));
    }
    if (lanes_above(taken, kLittleTaken) == 0) {
        land_lanes<true>(n, date, taken, static_cast<double>(i), to);
    } else {
        land_lanes<false>(n, date, taken, static_cast<double>(i), to);
    }
}

// What u of lane l is at most; level: of the payoff at that time.
ATALANTA_INLINE double most_worth(const Normalised& n, std::size_t l, double level) {
    return n.american[l] > 0.0 && level > 1.0 ? level : 1.0;
}

// Beyond the grid: linear in X from the two nodes at that end, where exercise just after the date may be
// worth more. Never below 0 nor above what an option can be worth: where dividends take most of a spot the
// value is flat and then falls, and a line through two nodes would rise on.
struct Beyond {
    double x;          // e^(distance of the place from the middle)
    double pay;        // of exercise, 0 where there is no right to it
    std::size_t node;  // the lower one of the two
    double second;     // weight of the other one, the first having the rest
    double held;
    double most;

    ATALANTA_INLINE bool is_held() const { return !(pay > held) && held > 0.0 && held < most; }
    // Worth the strike now, as exercise at no spot is; at no rate it is worth as much at expiry.
    ATALANTA_INLINE bool is_level(double level) const {
        return !(pay > held) && held >= most && most == level && level > 1.0;
    }
    ATALANTA_INLINE double value() const {
        const double better = pay > held ? pay : held;
        return better > 0.0 ? (better < most ? better : most) : 0.0;
    }
};
// Of no spot at all a put is worth the strike at expiry where rates are below zero, whatever a line from
// spots at which it is exercised tells.
ATALANTA_INLINE bool waits_without_spot(const Normalised& n, std::size_t l, double level, double x) {
    constexpr double kNoSpot = 1e-200;
    return n.side[l] > 0.0 && n.american[l] > 0.0 && level < 1.0 && x < kNoSpot;
}

// stride: between the nodes of the lane l.
inline Beyond read_beyond(const Normalised& n, std::size_t l, const LanePayoff& payoff, const double* u,
                          const double* growth, std::size_t stride, std::size_t nodes, double place) {
    const std::size_t first = place < 0.0 ? 0 : nodes - 2;
    const double e0 = growth[first * stride], e1 = growth[(first + 1) * stride];
    const double u0 = u[first * stride], u1 = u[(first + 1) * stride];
    const double x = growth[0] * exponential(place * n.spacing[l]);
    const double second = (x - e0) / (e1 - e0);
    const double pay = n.american[l] > 0.0 ? fma(-payoff.slope, x, payoff.level) : 0.0;
    const double most = most_worth(n, l, payoff.level);
    const double held = waits_without_spot(n, l, payoff.level, x) ? most : fma(u1 - u0, second, u0);
    return {x, pay, first, second, held, most};
}

// The five nodes about a place, per lane.
struct Stencil {
    PerLane centre;  // the node nearest to the place that has two on each side
    PerLane value[5];
};

// The centre of the stencil of each place; outside is 1 where the place is not on the grid, else 0.
ATALANTA_INLINE void choose_centres(const PerLane& place, std::size_t nodes, PerLane& centre,
                                    PerLane& outside) {
    const double last = static_cast<double>(nodes - 1);
    each_lane([&](std::size_t l) {
        centre[l] = stencil_centre(place[l], last);
        const bool below = place[l]<0.0, above = place[l]> last, beyond = below | above;
        outside[l] = beyond ? 1.0 : 0.0;
    });
}

constexpr double kWidestSpread = 4.0;  // of the centres of a row that are still picked by comparison

// The five nodes about the centres: rows of u where the lanes have the same one, else they are gathered. The
// centres differ little where the options are on one spot; then whole rows are read.
ATALANTA_INLINE const double* gather(const double* u, Stencil& stencil) {
    const double here = stencil.centre[0];
    if ((lanes_above(stencil.centre, here) | lanes_below(stencil.centre, here)) == 0) {
        return node(u, static_cast<std::size_t>(here) - 2);
    }
    const auto [lowest, highest] = span_of(stencil.centre.at, kLadderOptions);
    if (highest - lowest > kWidestSpread) {
        for (std::size_t l = 0; l < kLadderOptions; ++l) {
            const double* from = node(u, static_cast<std::size_t>(stencil.centre[l]) - 2) + l;
            for (std::size_t j = 0; j < 5; ++j) stencil.value[j][l] = from[j * kLadderOptions];
        }
        return stencil.value[0].at;
    }
    for (double at = lowest; at <= highest; at += 1.0) {
        const double* from = node(u, static_cast<std::size_t>(at) - 2);
        for (std::size_t j = 0; j < 5; ++j) {
            each_lane([&](std::size_t l) {
                const double read = from[j * kLadderOptions + l], kept = stencil.value[j][l];
                stencil.value[j][l] = stencil.centre[l] == at ? read : kept;
            });
        }
    }
    return stencil.value[0].at;
}

// payoff: on the grid after the date. after: u just after the date, read; before: u just before it, written,
// still without the right to exercise.
[[gnu::noinline]] inline void carry_over(const Normalised& n, const ExDate& date, const PayoffRecord& payoff,
                                         const double* growth, std::size_t nodes, const double* after,
                                         double* before) {
    Landing to;
    Stencil stencil;
    PerLane outside;
    const double last = static_cast<double>(nodes - 1);
    for (std::size_t i = 0; i < nodes; ++i) {
        land(n, date, growth, nodes, i, to);
        choose_centres(to.place, nodes, stencil.centre, outside);
        const double *values = gather(after, stencil), *second = node(values, 1), *third = node(values, 2),
                     *fourth = node(values, 3), *fifth = node(values, 4);
        double* out = node(before, i);
        each_lane([&](std::size_t l) {
            const double f = to.place[l] - stencil.centre[l];
            const Quartic u = quartic(values[l], second[l], third[l], fourth[l], fifth[l]);
            out[l] = (n.side[l] > 0.0 ? 1.0 : to.rest[l]) * u(f);
        });
        const LaneSet beyond = lanes_below(to.place, 0.0) | lanes_above(to.place, last);
        each_in(beyond, [&](std::size_t l) {
            const Beyond read = read_beyond(n, l, lane_of(payoff, l), after + l, growth + l, kLadderOptions,
                                            nodes, to.place[l]);
            out[l] = (n.side[l] > 0.0 ? 1.0 : to.rest[l]) * read.value();
        });
    }
}

}  // namespace
}  // namespace atalanta
