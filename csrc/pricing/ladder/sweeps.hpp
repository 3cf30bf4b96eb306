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

static_assert(kLadderOptions % kRowLanes == 0);

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

[[gnu::noinline]] inline void sweep_down_first(const StepOperator& op, std::size_t nodes,
                                               const double* __restrict u, double* __restrict w) {
    for (std::size_t at = 0; at < kLadderOptions; at += kRowLanes) {
        const Lanes alpha = load(op.alpha.at + at), middle = load(op.middle.at + at), side = load(op.side.at + at);
        Lanes above = repeat(0.0), g = repeat(0.0), here = load(node(u, nodes - 1) + at);
        for (std::size_t i = nodes - 1; i > 0; --i) {
            const Lanes below = load(node(u, i - 1) + at);
            g = fnma(alpha, g, fma(middle, here, side * (below + above)));
            store(node(w, i) + at, g);
            above = here;
            here = below;
        }
    }
}

// From the start u and the stage w, over w.
[[gnu::noinline]] inline void sweep_down_second(const StepOperator& op, std::size_t nodes,
                                                const double* __restrict u, double* __restrict w) {
    const Lanes ten = repeat(10.0);
    for (std::size_t at = 0; at < kLadderOptions; at += kRowLanes) {
        const Lanes alpha = load(op.alpha.at + at), stage = load(op.stage.at + at), start = load(op.start.at + at);
        const std::size_t last = nodes - 1;
        Lanes above = repeat(0.0), g = repeat(0.0);
        Lanes here = fma(stage, load(node(w, last) + at), start * load(node(u, last) + at));
        for (std::size_t i = last; i > 0; --i) {
            const Lanes below = fma(stage, load(node(w, i - 1) + at), start * load(node(u, i - 1) + at));
            g = fnma(alpha, g, fma(ten, here, below + above));
            store(node(w, i) + at, g);
            above = here;
            here = below;
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

// One node of an up sweep on its way through memory. excess: u without the right to exercise, less the payoff.
struct alignas(64) SubCell {
    double excess[kRowLanes], excess_below[kRowLanes], u[kRowLanes];
};

// Where the free boundary lies in the cell below node i, u - payoff starts there as bend s^2 / 2, and the node
// has the value for which that parabola, continued to the node below, satisfies the equation. Out of line and
// through memory, because it happens once per lane and sweep. For the lanes from `at` on.
[[gnu::noinline]] inline void resolve_sub_cell(SubCell& cell, const StepOperator& op, const Obstacle& obstacle,
                                               const PerLane& spacing, const double* growth, std::size_t i,
                                               std::size_t at, bool ghosts, double* w, SweepRecord* record) {
    const Lanes zero = repeat(0.0), one = repeat(1.0), half = repeat(0.5);
    const Lanes h = load(spacing.at + at), c = zero - load(op.alpha.at + at), h2 = h * h;
    const Lanes level = load(obstacle.level.at + at), slope = load(obstacle.slope.at + at);
    const Lanes e = load(node(growth, i) + at), e_below = load(node(growth, i - 1) + at);
    const Lanes bend = fnma(load(obstacle.bend_slope.at + at), e, load(obstacle.bend.at + at));
    const Lanes excess = load(cell.excess);
    const Lanes square = (excess + excess) / bend;
    const Lanes under_root = larger(fma(one - c, square, c * h2), zero);
    const Lanes s = (square_root(under_root) - c * h) / (one - c);
    const Lanes rest = h - s, half_bend = half * bend;
    const LaneMask starts = without(bend > zero, load(cell.excess_below) > zero);
    const LaneMask here = starts & (c > zero) & (fma(c, h2, square) > zero) & (h2 > square);
    double* below = node(w, i - 1) + at;
    if (ghosts) {
        const Lanes ghost = fma(half_bend * rest, rest, fnma(slope, e_below, level));
        store(below, select(here, ghost, load(below)));
    }
    store(cell.u, select(here, fma(half_bend * s, s, fnma(slope, e, level)), load(cell.u)));
    store(cell.excess, select(here, one, excess));
    if (record == nullptr) return;
    double* found = record->boundary_node.at + at;
    store(found, select(here, repeat(static_cast<double>(i)), load(found)));
    double* place = record->boundary_above.at + at;
    store(place, select(here, s, load(place)));
}

// Solves for u over its down sweep, for the lanes from `at` on.
template <bool kRecords>
ATALANTA_INLINE void sweep_up_row(const StepOperator& op, const Obstacle& obstacle, const PerLane& spacing,
                                  const double* __restrict growth, std::size_t nodes, std::size_t at,
                                  bool ghosts, double* __restrict w, SweepRecord* record) {
    const Lanes level = load(obstacle.level.at + at), slope = load(obstacle.slope.at + at);
    const Lanes reach = load(obstacle.reach.at + at), alpha = load(op.alpha.at + at), zero = repeat(0.0);
    const std::size_t end = obstacle.end;
    const auto keep = [&](std::size_t i, const Lanes& excess) {
        if constexpr (kRecords) {
            const auto bits = static_cast<std::uint16_t>(bits_of(excess > zero) << at);
            record->held[i] = at == 0 ? bits : static_cast<std::uint16_t>(record->held[i] | bits);
        }
    };
    const Lanes edge = load(obstacle.edge.at + at), first_pay = fnma(slope, load(growth + at), level);
    Lanes excess = edge - first_pay, u = larger(edge, first_pay);
    store(w + at, u);
    keep(0, excess);
    std::size_t i = 1;
    for (; i < end; ++i) {
        const Lanes free = fnma(alpha, u, load(node(w, i) + at));
        const Lanes pay = fnma(slope, load(node(growth, i) + at), level);
        const Lanes below = excess;
        excess = free - pay;
        u = larger(free, pay);
        if (bits_of(without(excess > reach, below > zero)) != 0) [[unlikely]] {
            SubCell cell;
            store(cell.excess, excess);
            store(cell.excess_below, below);
            store(cell.u, u);
            resolve_sub_cell(cell, op, obstacle, spacing, growth, i, at, ghosts, w, kRecords ? record : nullptr);
            u = load(cell.u);
            excess = load(cell.excess);
        }
        keep(i, excess);
        store(node(w, i) + at, u);
    }
    for (; i < nodes; ++i) {
        u = fnma(alpha, u, load(node(w, i) + at));
        store(node(w, i) + at, u);
    }
}

// ghosts: store the smooth continuation below the free boundary, which the next explicit stencil wants; not
// before an ex-date or a reading.
template <bool kRecords>
[[gnu::noinline]] void sweep_up(const StepOperator& op, const Obstacle& obstacle, const PerLane& spacing,
                                const double* growth, std::size_t nodes, bool ghosts, double* w,
                                SweepRecord* record) {
    for (std::size_t at = 0; at < kLadderOptions; at += kRowLanes) {
        sweep_up_row<kRecords>(op, obstacle, spacing, growth, nodes, at, ghosts, w, record);
    }
}

}  // namespace
}  // namespace atalanta
