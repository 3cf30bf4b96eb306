// The values on which a march begins: the payoff at expiry, or, where ex-dates lie so close to expiry that
// the grid cannot resolve what happens in between, what the option is worth just before the first of these:
// what it is worth far from the strike, and the area and the centre of what time adds about it.
// Entries: StartRecord::set, fill_start, correct_start.
#pragma once

#include "pricing/ladder/ex_date.hpp"
#include "pricing/ladder/hinge.hpp"
#include "pricing/ladder/taken_spot.hpp"

namespace atalanta {
namespace {

// Of a put that may be exercised until expiry, what time adds to its payoff: the share that is left of a
// European one's, and its centre in deviations. c: what exercise earns in a deviation of the spot, over it.
struct ShortPut {
    double share, log_by_c, centre;  // log_by_c: the derivative of its logarithm
};
ATALANTA_INLINE ShortPut short_put(double c) {
    constexpr double kShare[] = {0.3581276510282617, -3.6333792811029317, 26.546335582080307,
                                 -36.96520339961887, 18.561749168521125};
    constexpr double kCentre[] = {0.15161163509419714, -2.620077228483521, 22.244172406057135,
                                  -31.83685911820207, 19.209868206825252};
    constexpr double kMost = 2.0;
    const double bounded = c < kMost ? c : kMost, root = square_root(bounded);
    const double x = 1.0 / fma(1.5, root, 1.0), y = 1.0 / fma(3.0, root, 1.0);
    double lost = kShare[4], by_x = 0.0, centre = kCentre[4];
    for (std::size_t k = 4; k-- > 0;) {
        by_x = fma(by_x, x, lost);
        lost = fma(lost, x, kShare[k]);
        centre = fma(centre, y, kCentre[k]);
    }
    const double share = exponential(-bounded * lost);
    return {share, fma(0.75 * x * x * root, by_x, -lost), bounded * centre};
}

// Between the first date that is left out and expiry: whether a put is exercised at once near its strike.
ATALANTA_INLINE bool exercises_at_start(const Normalised& n, std::size_t l) {
    const bool early = n.exercisable[l] > 0.0, earns = n.rate[l] > n.yield[l];
    return early & earns;
}

// Of the dates that a lane leaves out. Deep in the money a put is exercised after the one until which waiting
// gains most.
struct LeftOut {
    PerLane time;           // to expiry, of the first
    PerLane exercise_time;  // of the one after which it is exercised
    PerLane cash, waiting;  // all that is paid until then, and until expiry, as if it were paid then
    PerLane gain;           // of waiting for that one, at the first

    ATALANTA_INLINE void clear(std::size_t l) {
        time[l] = exercise_time[l] = cash[l] = waiting[l] = gain[l] = paid_[l] = arrived_[l] = last_[l] = 0.0;
    }
    // In the order of the calendar.
    ATALANTA_INLINE void add(const Normalised& n, std::size_t l, const LaneDate& date, bool first) {
        if (first) time[l] = last_[l] = date.time;
        const double carry = n.rate[l] - n.yield[l],
                     discount = exponential(n.rate[l] * (date.time - time[l]));
        waiting[l] = fma(date.cash, exponential(carry * date.time), waiting[l]);
        arrived_[l] = fma(arrived_[l], exponential(carry * (last_[l] - date.time)), date.cash);
        paid_[l] = fma(date.cash, discount, paid_[l]);
        last_[l] = date.time;
        const double gained = paid_[l] - n.strike[l] * (1.0 - discount);
        if (!first && !(gained > gain[l])) return;
        cash[l] = arrived_[l];
        exercise_time[l] = date.time;
        gain[l] = gained;
    }
    // What a dividend counts at a later time to expiry.
    ATALANTA_INLINE static double growth(const Normalised& n, std::size_t l, const LaneDate& date,
                                         double time) {
        return exponential((n.rate[l] - n.yield[l]) * (date.time - time));
    }

  private:
    PerLane paid_, arrived_, last_;  // discounted to the first date; grown to the last one
};

// One way to be exercised: u = level - slope E, at the time for which rates count.
struct StartPayoff {
    PayoffRecord payoff;
    PerLane grown;  // strike with the dividends, over the strike: a factor of the level

    PerLane most;  // a spot that the dividends take leaves the strike

    ATALANTA_INLINE double at(std::size_t l, double e) const {
        const double pay = fma(-payoff.slope[l], e, payoff.level[l]), bound = most[l];
        return pay < bound ? pay : bound;
    }
    // The spot that the dividends take, over the one at the middle node.
    ATALANTA_INLINE double taken(std::size_t l) const {
        return (payoff.level[l] - most[l]) / payoff.slope[l];
    }
};

struct StartRecord {
    StartPayoff near, far;  // the better one at the strike; the other one may be better far in the money
    PerLane elapsed;        // time to expiry
    PerLane area, centre;   // of what time adds about the kink of the first: over level and spacing; in cells
    PerLane variance;       // how wide it is, in cells squared
    PerLane area_by_diffusion, area_by_rate;  // its logarithm; the yield counts against the rate

    ATALANTA_INLINE void set(const Normalised& n, LaneSet lanes, const LeftOut& left_out,
                             const PerLane& centre_of_grid) {
        each_of(lanes, [&](std::size_t l) {
            const double t = left_out.time[l], half = n.diffusion[l] * t;
            const bool put = n.side[l] > 0.0, now = exercises_at_start(n, l);
            elapsed[l] = t;
            const double now_grown = put ? 1.0 + left_out.cash[l] / n.strike[l] : 1.0;
            const double held_grown = put ? 1.0 + left_out.waiting[l] / n.strike[l] : 1.0;
            const double forward = half + centre_of_grid[l];
            const bool takes = now | !put;
            const double then = left_out.exercise_time[l];
            set_payoff(near, l, takes ? then : 0.0, takes ? now_grown : held_grown, n, forward);
            set_payoff(far, l, takes ? 0.0 : then, takes ? held_grown : now_grown, n, forward);
            far.payoff.level[l] = put ? far.payoff.level[l] : 0.0;
            const double deviation = square_root(2.0 * half), least = 1e-12;
            const double some = deviation > least ? deviation : least, earned = n.rate[l] - n.yield[l];
            const double scale = t / some, c = earned > 0.0 ? earned * scale : 0.0;
            const ShortPut put_left = short_put(put ? c : 0.0);
            const double grown = near.grown[l], inverse = 1.0 / n.diffusion[l];
            // A call exercised before the dividend d deviations away loses most of its time value: a fit of
            // the integral of max(E max(x + z - d, 0), max(x, 0)) - max(x, 0).
            const double d = left_out.cash[l] / (n.strike[l] * some);
            const double lost = fma(d, fma(0.25, d, 2.0), 0.25 * d / (d + 0.13));
            const double share = put ? put_left.share / (grown * grown) : exponential(-lost);
            area[l] = share * half * n.inverse_spacing[l];
            area_by_diffusion[l] = inverse - 0.5 * inverse * c * put_left.log_by_c;
            area_by_rate[l] = earned > 0.0 ? scale * put_left.log_by_c : 0.0;
            const double moved = now ? n.drift[l] : -n.diffusion[l];
            const double x = fma(some, put_left.centre, -0.5 * moved * t / put_left.share);
            centre[l] = put ? x * n.inverse_spacing[l] / grown : 0.0;
            variance[l] = half * n.inverse_spacing[l] * n.inverse_spacing[l] / (grown * grown);
        });
    }

  private:
    ATALANTA_INLINE static void set_payoff(StartPayoff& to, std::size_t l, double time, double grown,
                                           const Normalised& n, double forward) {
        to.grown[l] = grown;
        to.payoff.time[l] = time;
        to.most[l] = exponential(n.rate[l] * time);
        to.payoff.level[l] = grown * to.most[l];
        to.payoff.slope[l] = exponential(fma(n.yield[l], time, forward));
    }
};

inline void fill_start(const StartRecord& start, LaneSet lanes, const double* growth, std::size_t nodes,
                       double* u) {
    for (std::size_t i = 0; i < nodes; ++i) {
        const double* e = node(growth, i);
        double* to = node(u, i);
        each_of(lanes, [&](std::size_t l) {
            const double near = start.near.at(l, e[l]), far = start.far.at(l, e[l]);
            const double pay = far > near ? far : near;
            to[l] = pay > 0.0 ? pay : 0.0;
        });
    }
}

// The kink at the strike, in the cell above the node `below`.
struct StartKink {
    static constexpr std::size_t kShares = 6;  // nodes that get a share of the area, from the second below on
    double place, eta = 0.0;
    std::size_t below = 0;
    bool inside;

    StartKink(const Normalised& n, const StartRecord& start, std::size_t nodes, std::size_t l)
        : place(payoff_kink(n, start.near.payoff, nodes, l)) {
        inside = place >= 4.0 && place < static_cast<double>(nodes - 5);
        if (!inside) return;
        below = static_cast<std::size_t>(place);
        eta = place - static_cast<double>(below);
    }
    double* first(double* u, std::size_t l) const { return node(u, below - 2) + l; }
    const double* first(const double* u, std::size_t l) const { return node(u, below - 2) + l; }
};

// Of an area so many cells above a node and so wide: the shares of six nodes, from the second below that on,
// have its moments to the third. variance: in cells squared.
struct AreaShares {
    double share[StartKink::kShares], by_place[StartKink::kShares];

    ATALANTA_INLINE AreaShares(double f, double variance) {
        const double sixth = 1.0 / 6.0, f2 = f * f;
        const double at[4] = {f * (f - 1.0) * (2.0 - f) * sixth, (f2 - 1.0) * (f - 2.0) * 0.5,
                              f * (f + 1.0) * (2.0 - f) * 0.5, f * (f2 - 1.0) * sixth};
        const double rise[4] = {fma(f, fma(-3.0, f, 6.0), -2.0) * sixth,
                                fma(f, fma(3.0, f, -4.0), -1.0) * 0.5, fma(f, fma(-3.0, f, 2.0), 2.0) * 0.5,
                                fma(3.0, f2, -1.0) * sixth};
        spread(at, variance, share);
        spread(rise, variance, by_place);
    }

  private:
    ATALANTA_INLINE static void spread(const double* at, double variance, double* to) {
        const double outer = 0.5 * variance, inner = 1.0 - variance;
        for (std::size_t k = 0; k < StartKink::kShares; ++k) {
            const double below = k >= 2 ? at[k - 2] : 0.0, here = k >= 1 && k <= 4 ? at[k - 1] : 0.0;
            const double above = k < 4 ? at[k] : 0.0;
            to[k] = fma(inner, here, outer * (below + above));
        }
    }
};

// Below the spot that the dividends take a put is worth no more.
inline TakenSpot start_taken_spot(const Normalised& n, const StartRecord& start, std::size_t nodes,
                                  std::size_t l) {
    return {start.near.taken(l), start.near.payoff.slope[l], n.spacing[l], nodes};
}

inline void correct_start(const Normalised& n, const StartRecord& start, LaneSet lanes, const double* growth,
                          std::size_t nodes, double* u) {
    for (std::size_t l = 0; l < kLadderOptions; ++l) {
        if (!contains(lanes, l)) continue;
        if (takes_a_spot(n, l, start.near.taken(l), growth + l, kLadderOptions, nodes))
            start_taken_spot(n, start, nodes, l).correct(u + l, kLadderOptions);
        const StartKink kink(n, start, nodes, l);
        if (!kink.inside) continue;
        const double level = start.near.payoff.level[l], area = level * start.area[l];
        const HingeWeights w = hinge_weights(kink.eta, level, -level, n.spacing[l]);
        const AreaShares shares(kink.eta + start.centre[l], start.variance[l]);
        double* at = kink.first(u, l);
        for (std::size_t k = 0; k < StartKink::kShares; ++k) at[k * kLadderOptions] += area * shares.share[k];
        at[2 * kLadderOptions] += w.positive;
        at[3 * kLadderOptions] += w.zero;
    }
}

}  // namespace
}  // namespace atalanta
