// One TR-BDF2 step of u_t = D u_yy in fourth-order compact form. Both stages invert the same 1 + p d^2, which
// factors exactly into beta (1 + alpha E-)(1 + alpha E+): a sweep down from the far end, then one up from the
// exercise end that keeps u at or above the payoff (Brennan and Schwartz), with the free boundary found
// inside its cell. Entries: sweep_down_first, sweep_down_second, sweep_up.
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
    PerLane middle, side;  // stage 1: right side over beta
    PerLane stage, start;  // stage 2: weights of the stage and of the start, over 12 beta

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

// What an up sweep did, for the sweeps that take its derivative: which lanes of a node hold the option, and
// where the free boundary was found inside a cell.
struct SweepRecord {
    std::uint16_t* held;  // a bit per lane, nodes below `end`
    std::size_t end;
    PerLane boundary_node;   // the node above it, 0 where there is none
    PerLane boundary_above;  // how far that node lies above it
};

// One node of an up sweep on its way through memory. excess: u without the right to exercise, less the
// payoff.
struct SubCell {
    PerLane excess, excess_below, u;
};

// Where the free boundary lies in the cell below node i, u - payoff starts there as bend s^2 / 2, and the
// node has the value for which that parabola, continued to the node below, satisfies the equation. Out of
// line and through memory, because it happens once per lane and sweep.
[[gnu::noinline]] inline void resolve_sub_cell(SubCell& cell, const StepOperator& op,
                                               const Obstacle& obstacle, const PerLane& spacing,
                                               const double* growth, std::size_t i, bool ghosts, double* w,
                                               SweepRecord* record) {
    const Lanes zero = repeat(0.0), one = repeat(1.0), half = repeat(0.5);
    for (std::size_t at = 0; at < kLadderOptions; at += kLanes) {
        const Lanes h = load(spacing.at + at), c = zero - load(op.alpha.at + at), h2 = h * h;
        const Lanes level = load(obstacle.level.at + at), slope = load(obstacle.slope.at + at);
        const Lanes e = load(node(growth, i) + at), e_below = load(node(growth, i - 1) + at);
        const Lanes bend = fnma(load(obstacle.bend_slope.at + at), e, load(obstacle.bend.at + at));
        const Lanes excess = load(cell.excess.at + at);
        const Lanes square = (excess + excess) / bend;
        const Lanes under_root = larger(fma(one - c, square, c * h2), zero);
        const Lanes s = (square_root(under_root) - c * h) / (one - c);
        const Lanes rest = h - s, half_bend = half * bend;
        const LaneMask starts = without(bend > zero, load(cell.excess_below.at + at) > zero);
        const LaneMask here = starts & (c > zero) & (fma(c, h2, square) > zero) & (h2 > square);
        double* below = node(w, i - 1) + at;
        if (ghosts) {
            const Lanes ghost = fma(half_bend * rest, rest, fnma(slope, e_below, level));
            store(below, select(here, ghost, load(below)));
        }
        const Lanes solved = fma(half_bend * s, s, fnma(slope, e, level));
        store(cell.u.at + at, select(here, solved, load(cell.u.at + at)));
        store(cell.excess.at + at, select(here, one, excess));
        if (record == nullptr) continue;
        double* found = record->boundary_node.at + at;
        store(found, select(here, repeat(static_cast<double>(i)), load(found)));
        double* place = record->boundary_above.at + at;
        store(place, select(here, s, load(place)));
    }
}

ATALANTA_INLINE std::uint16_t held_lanes(const Row& excess) {
    const Lanes zero = repeat(0.0);
    return static_cast<std::uint16_t>(bits_of(excess.half[0] > zero) | bits_of(excess.half[1] > zero)
                                                                           << kLanes);
}

// Solves for u over its down sweep. ghosts: store the smooth continuation below the free boundary, which the
// next explicit stencil wants; not before an ex-date or a reading.
template <bool kRecords>
[[gnu::noinline]] void sweep_up(const StepOperator& op, const Obstacle& obstacle, const PerLane& spacing,
                                const double* __restrict growth, std::size_t nodes, bool ghosts,
                                double* __restrict w, SweepRecord* record) {
    const Row level = load_row(obstacle.level), slope = load_row(obstacle.slope);
    const Row reach = load_row(obstacle.reach), alpha = load_row(op.alpha);
    const Lanes zero = repeat(0.0);
    const std::size_t end = obstacle.end;
    Row u, excess;
    for (std::size_t k = 0; k < kHalves; ++k) {
        const std::size_t at = k * kLanes;
        const Lanes edge = load(obstacle.edge.at + at);
        const Lanes pay = fnma(slope.half[k], load(growth + at), level.half[k]);
        excess.half[k] = edge - pay;
        u.half[k] = larger(edge, pay);
        store(w + at, u.half[k]);
    }
    if constexpr (kRecords) record->held[0] = held_lanes(excess);
    std::size_t i = 1;
    for (; i < end; ++i) {
        LaneMask near[kHalves];
        const Row below = excess;
        for (std::size_t k = 0; k < kHalves; ++k) {
            const std::size_t at = k * kLanes;
            const Lanes free = fnma(alpha.half[k], u.half[k], load(node(w, i) + at));
            const Lanes pay = fnma(slope.half[k], load(node(growth, i) + at), level.half[k]);
            excess.half[k] = free - pay;
            near[k] = without(excess.half[k] > reach.half[k], below.half[k] > zero);
            u.half[k] = larger(free, pay);
        }
        if (any(near[0], near[1])) [[unlikely]] {
            SubCell cell;
            for (std::size_t k = 0; k < kHalves; ++k) {
                store(cell.excess.at + k * kLanes, excess.half[k]);
                store(cell.excess_below.at + k * kLanes, below.half[k]);
                store(cell.u.at + k * kLanes, u.half[k]);
            }
            resolve_sub_cell(cell, op, obstacle, spacing, growth, i, ghosts, w, kRecords ? record : nullptr);
            u = load_row(cell.u);
            excess = load_row(cell.excess);
        }
        if constexpr (kRecords) record->held[i] = held_lanes(excess);
        for (std::size_t k = 0; k < kHalves; ++k) store(node(w, i) + k * kLanes, u.half[k]);
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
