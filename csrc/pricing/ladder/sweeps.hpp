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
        const Lanes alpha = load(op.alpha.at + at), middle = load(op.middle.at + at),
                    side = load(op.side.at + at);
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
        const Lanes alpha = load(op.alpha.at + at), stage = load(op.stage.at + at),
                    start = load(op.start.at + at);
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

// Where the free boundary lies in the cell below node i, u - payoff starts there as bend s^2 / 2, and the
// node has the value for which that parabola, continued to the node below, satisfies the equation. Lane by
// lane, because it happens once per lane and sweep. Returns s, or 0 where the boundary is not in that cell.
[[gnu::noinline]] inline double resolve_sub_cell(std::size_t l, double excess, const StepOperator& op,
                                                 const Obstacle& obstacle, double h, double e, double& u) {
    const double c = -op.alpha[l], bend = fma(-obstacle.bend_slope[l], e, obstacle.bend[l]);
    const double square = (excess + excess) / bend, h2 = h * h;
    if (!(bend > 0.0 && c > 0.0 && fma(c, h2, square) > 0.0 && square < h2)) return 0.0;
    const double s = (square_root(fma(1.0 - c, square, c * h2)) - c * h) / (1.0 - c);
    u = fma(0.5 * bend * s, s, fma(-obstacle.slope[l], e, obstacle.level[l]));
    return s;
}

// The value of the parabola at the node below.
ATALANTA_INLINE double ghost_of(std::size_t l, const Obstacle& obstacle, double h, double s, double e,
                                double e_below) {
    const double bend = fma(-obstacle.bend_slope[l], e, obstacle.bend[l]), rest = h - s;
    return fma(0.5 * bend * rest, rest, fma(-obstacle.slope[l], e_below, obstacle.level[l]));
}

// Solves for u over its down sweep, for the lanes from `at` on.
template <bool kRecords>
ATALANTA_INLINE void sweep_up_row(const StepOperator& op, const Obstacle& obstacle, const PerLane& spacing,
                                  const double* __restrict growth, std::size_t nodes, std::size_t at,
                                  LaneSet ghosts, double* __restrict w, SweepRecord* record) {
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
        unsigned near = bits_of(without(excess > reach, below > zero));
        if (near != 0) [[unlikely]] {
            alignas(64) double excesses[kRowLanes];
            store(excesses, excess);
            for (; near != 0; near &= near - 1) {
                const auto k = static_cast<std::size_t>(__builtin_ctz(near)), l = at + k;
                const double h = spacing[l], e = node(growth, i)[l];
                double solved = 0.0;
                const double s = resolve_sub_cell(l, excesses[k], op, obstacle, h, e, solved);
                if (s == 0.0) continue;
                // Through a mask: a vector load behind a scalar store would wait for it.
                const LaneMask here = mask_of(1u << k);
                u = select(here, repeat(solved), u);
                excess = select(here, repeat(1.0), excess);
                if (contains(ghosts, l))
                    node(w, i - 1)[l] = ghost_of(l, obstacle, h, s, e, node(growth, i - 1)[l]);
                if constexpr (kRecords) {
                    record->boundary_node[l] = static_cast<double>(i);
                    record->boundary_above[l] = s;
                }
            }
        }
        keep(i, excess);
        store(node(w, i) + at, u);
    }
    for (; i < nodes; ++i) {
        u = fnma(alpha, u, load(node(w, i) + at));
        store(node(w, i) + at, u);
    }
}

// ghosts: the lanes that store the smooth continuation below the free boundary, which the next explicit
// stencil wants; not before an ex-date or a reading.
template <bool kRecords>
[[gnu::noinline]] void sweep_up(const StepOperator& op, const Obstacle& obstacle, const PerLane& spacing,
                                const double* growth, std::size_t nodes, LaneSet ghosts, double* w,
                                SweepRecord* record) {
    for (std::size_t at = 0; at < kLadderOptions; at += kRowLanes) {
        sweep_up_row<kRecords>(op, obstacle, spacing, growth, nodes, at, ghosts, w, record);
    }
}

}  // namespace
}  // namespace atalanta
