// One TR-BDF2 step of u_t = D u_yy in fourth-order compact form. Both stages invert the same 1 + p d^2, which
// factors exactly into beta (1 + alpha E-)(1 + alpha E+): a sweep down from the far end, then one up from the
// exercise end that keeps u at or above the payoff (Brennan and Schwartz), with the free boundary found inside
// its cell. Entries: sweep_down_first, sweep_down_second, sweep_up.
#pragma once

#include "numerics/lanes.hpp"
#include "pricing/ladder/block.hpp"

namespace atalanta {
namespace {

constexpr double kGamma = .58578643762690495;  // 2 - sqrt(2), where the first stage ends
constexpr double kSecondOfStage = 1.0 / (kGamma * (2.0 - kGamma));
constexpr double kSecondOfStart = 1.0 - kSecondOfStage;

constexpr std::size_t kHalves = kLadderOptions / kLanes;

ATALANTA_INLINE double* node(double* values, std::size_t i) {
    return values + i * kLadderOptions;
}
ATALANTA_INLINE const double* node(const double* values, std::size_t i) {
    return values + i * kLadderOptions;
}

struct StepOperator {
    PerLane alpha;
    PerLane middle, side;   // stage 1: right side over beta
    PerLane stage, start;   // stage 2: weights of the stage and of the start, over 12 beta

    // ratio = D dt / h^2.
    ATALANTA_INLINE void set(const PerLane& ratio) {
        each_lane([&](std::size_t l) {
            const double half = 0.5 * kGamma * ratio[l];
            const double p = 1.0 / 12.0 - half, explicit_p = 1.0 / 12.0 + half;
            const double root = square_root(fma(-4.0, p, 1.0));
            const double inverse_beta = 2.0 / (fma(-2.0, p, 1.0) + root);
            alpha[l] = p * inverse_beta;
            middle[l] = fma(-2.0, explicit_p, 1.0) * inverse_beta;
            side[l] = explicit_p * inverse_beta;
            stage[l] = kSecondOfStage / 12.0 * inverse_beta;
            start[l] = kSecondOfStart / 12.0 * inverse_beta;
        });
    }
};

// The payoff at a node is level - slope E, E being e^(distance from the centre).
struct Obstacle {
    PerLane level, slope;
    PerLane bend, bend_slope;  // second derivative of u - payoff at the free boundary: bend - bend_slope E
    PerLane edge;              // u at node 0 if held
    PerLane reach;             // how far below the payoff a free solution may lie next to the free boundary
    std::size_t end;           // from this node on the payoff is negative in every lane
};

// Lanes of a row of 16.
struct Row {
    Lanes half[kHalves];
};
ATALANTA_INLINE Row load_row(const double* from) {
    Row row;
    for (std::size_t k = 0; k < kHalves; ++k) row.half[k] = load(from + k * kLanes);
    return row;
}
ATALANTA_INLINE Row load_row(const PerLane& from) {
    return load_row(from.at);
}

[[gnu::noinline]] inline void sweep_down_first(const StepOperator& op, std::size_t nodes,
                                               const double* __restrict u, double* __restrict w) {
    const Row alpha = load_row(op.alpha), middle = load_row(op.middle), side = load_row(op.side);
    Row above, here = load_row(node(u, nodes - 1)), g;
    for (std::size_t k = 0; k < kHalves; ++k) above.half[k] = g.half[k] = repeat(0.0);
    for (std::size_t i = nodes - 1; i > 0; --i) {
        for (std::size_t k = 0; k < kHalves; ++k) {
            const Lanes below = load(node(u, i - 1) + k * kLanes);
            const Lanes f = fma(middle.half[k], here.half[k], side.half[k] * (below + above.half[k]));
            g.half[k] = fnma(alpha.half[k], g.half[k], f);
            store(node(w, i) + k * kLanes, g.half[k]);
            above.half[k] = here.half[k];
            here.half[k] = below;
        }
    }
}

// From the start u and the stage w, over w.
[[gnu::noinline]] inline void sweep_down_second(const StepOperator& op, std::size_t nodes,
                                                const double* __restrict u, double* __restrict w) {
    const Row alpha = load_row(op.alpha), stage = load_row(op.stage), start = load_row(op.start);
    const auto mix = [&](std::size_t i, std::size_t k) {
        const std::size_t at = k * kLanes;
        return fma(stage.half[k], load(node(w, i) + at), start.half[k] * load(node(u, i) + at));
    };
    Row above, here, g;
    for (std::size_t k = 0; k < kHalves; ++k) {
        above.half[k] = g.half[k] = repeat(0.0);
        here.half[k] = mix(nodes - 1, k);
    }
    const Lanes ten = repeat(10.0);
    for (std::size_t i = nodes - 1; i > 0; --i) {
        for (std::size_t k = 0; k < kHalves; ++k) {
            const Lanes below = mix(i - 1, k);
            const Lanes f = fma(ten, here.half[k], below + above.half[k]);
            g.half[k] = fnma(alpha.half[k], g.half[k], f);
            store(node(w, i) + k * kLanes, g.half[k]);
            above.half[k] = here.half[k];
            here.half[k] = below;
        }
    }
}

// Where the free boundary lies in the cell below a node, u - payoff starts there as bend s^2 / 2: the value of
// the node for which the parabola, continued to the node below, satisfies the equation.
struct SubCell {
    LaneMask inside;
    Lanes value, ghost;
};
ATALANTA_INLINE SubCell sub_cell(Lanes excess, Lanes pay, Lanes pay_below, Lanes bend, Lanes c, Lanes h) {
    const Lanes h2 = h * h, one = repeat(1.0), zero = repeat(0.0), half = repeat(0.5);
    const Lanes e = (excess + excess) / bend;
    const Lanes under_root = fma(one - c, e, c * h2);
    const Lanes s = (square_root(larger(under_root, zero)) - c * h) / (one - c);
    const Lanes rest = h - s, half_bend = half * bend;
    return {(bend > zero) & (c > zero) & (fma(c, h2, e) > zero) & (h2 > e), fma(half_bend * s, s, pay),
            fma(half_bend * rest, rest, pay_below)};
}

// Solves for u over its down sweep. ghosts: store the smooth continuation below the free boundary, which the
// next explicit stencil wants; not before an ex-date or a reading.
[[gnu::noinline]] inline void sweep_up(const StepOperator& op, const Obstacle& obstacle, const PerLane& spacing,
                                       const double* __restrict growth, std::size_t nodes, bool ghosts,
                                       double* __restrict w) {
    const Row alpha = load_row(op.alpha), level = load_row(obstacle.level), slope = load_row(obstacle.slope);
    const Row reach = load_row(obstacle.reach);
    Row u, pay_below;
    LaneMask held[kHalves];
    for (std::size_t k = 0; k < kHalves; ++k) {
        const std::size_t at = k * kLanes;
        const Lanes edge = load(obstacle.edge.at + at);
        pay_below.half[k] = fnma(slope.half[k], load(growth + at), level.half[k]);
        held[k] = edge > pay_below.half[k];
        u.half[k] = larger(edge, pay_below.half[k]);
        store(w + at, u.half[k]);
    }
    std::size_t i = 1;
    for (; i < obstacle.end; ++i) {
        for (std::size_t k = 0; k < kHalves; ++k) {
            const std::size_t at = k * kLanes;
            const Lanes free = fnma(alpha.half[k], u.half[k], load(node(w, i) + at));
            const Lanes e = load(node(growth, i) + at);
            const Lanes pay = fnma(slope.half[k], e, level.half[k]);
            const Lanes excess = free - pay;
            const LaneMask near = without(excess > reach.half[k], held[k]);
            held[k] = free > pay;
            u.half[k] = larger(free, pay);
            if (bits_of(near) != 0) [[unlikely]] {
                const Lanes bend = fnma(load(obstacle.bend_slope.at + at), e, load(obstacle.bend.at + at));
                const SubCell cell = sub_cell(excess, pay, pay_below.half[k], bend,
                                              repeat(0.0) - alpha.half[k], load(spacing.at + at));
                const LaneMask here = near & cell.inside;
                double* below = node(w, i - 1) + at;
                if (ghosts) store(below, select(here, cell.ghost, load(below)));
                u.half[k] = select(here, cell.value, u.half[k]);
                held[k] = held[k] | here;
            }
            pay_below.half[k] = pay;
            store(node(w, i) + at, u.half[k]);
        }
    }
    for (; i < nodes; ++i) {
        for (std::size_t k = 0; k < kHalves; ++k) {
            u.half[k] = fnma(alpha.half[k], u.half[k], load(node(w, i) + k * kLanes));
            store(node(w, i) + k * kLanes, u.half[k]);
        }
    }
}

}  // namespace
}  // namespace atalanta
