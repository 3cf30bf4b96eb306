// One TR-BDF2 step of u_t = D u_yy in fourth-order compact form. Both stages invert the same 1 + p d^2, which
// factors exactly into beta (1 + alpha E-)(1 + alpha E+): a sweep down from the far end, then one up from the
// exercise end that keeps u at or above the payoff (Brennan and Schwartz), with the free boundary found
// inside its cell (sweep_up.hpp). Entries: sweep_down_first, sweep_down_second.
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
    PerLane inverse;       // of 1 + alpha
    PerLane middle, side;  // stage 1: right side over beta
    PerLane stage, start;  // stage 2: weights of the stage and of the start, over 12 beta

    // ratio = D dt / h^2.
    ATALANTA_INLINE void set(const PerLane& ratio) {
        each_lane([&](std::size_t l) {
            const double half = 0.5 * kGamma * ratio[l];
            const double p = 1.0 / 12.0 - half, explicit_p = 1.0 / 12.0 + half;
            const double root = square_root(fma(-4.0, p, 1.0));
            const double beta = 0.5 * (fma(-2.0, p, 1.0) + root), inverse_beta = 1.0 / beta;
            alpha[l] = p * inverse_beta;
            inverse[l] = beta * (1.0 + alpha[l]);  // a constant is its own solution
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
    PerLane after_edge;        // at node 1, of lanes exercised between two free boundaries
    PerLane far, before_far;   // u at the far end and at the node before it
    PerLane slack;             // times the bend: how far below the payoff a free solution may lie beside the
                               // free boundary
    PerLane shrinks, grows;    // E from a node to the one below, and above
    std::size_t end;           // from this node on the payoff is negative in every lane; before the far end
};

// The down sweep at the far end, whose solution is known, and that solution.
ATALANTA_INLINE Lanes begin_down(const Lanes& alpha, const Obstacle& obstacle, std::size_t nodes,
                                 std::size_t at, double* w) {
    const Lanes far = load(obstacle.far.at + at);
    store(node(w, nodes - 1) + at, far);
    return fma(alpha, load(obstacle.before_far.at + at), far);
}

[[gnu::noinline]] inline void sweep_down_first(const StepOperator& op, const Obstacle& obstacle,
                                               std::size_t nodes, const double* __restrict u,
                                               double* __restrict w) {
    for (std::size_t at = 0; at < kLadderOptions; at += kRowLanes) {
        const Lanes alpha = load(op.alpha.at + at), middle = load(op.middle.at + at),
                    side = load(op.side.at + at);
        Lanes above = load(node(u, nodes - 1) + at), here = load(node(u, nodes - 2) + at);
        Lanes g = begin_down(alpha, obstacle, nodes, at, w);
        for (std::size_t i = nodes - 2; i > 0; --i) {
            const Lanes below = load(node(u, i - 1) + at);
            g = fnma(alpha, g, fma(middle, here, side * (below + above)));
            store(node(w, i) + at, g);
            above = here;
            here = below;
        }
    }
}

// From the start u and the stage w, over w.
[[gnu::noinline]] inline void sweep_down_second(const StepOperator& op, const Obstacle& obstacle,
                                                std::size_t nodes, const double* __restrict u,
                                                double* __restrict w) {
    const Lanes ten = repeat(10.0);
    for (std::size_t at = 0; at < kLadderOptions; at += kRowLanes) {
        const Lanes alpha = load(op.alpha.at + at), stage = load(op.stage.at + at),
                    start = load(op.start.at + at);
        const auto mixed = [&](std::size_t i) {
            return fma(stage, load(node(w, i) + at), start * load(node(u, i) + at));
        };
        Lanes above = mixed(nodes - 1), here = mixed(nodes - 2);
        Lanes g = begin_down(alpha, obstacle, nodes, at, w);
        for (std::size_t i = nodes - 2; i > 0; --i) {
            const Lanes below = mixed(i - 1);
            g = fnma(alpha, g, fma(ten, here, below + above));
            store(node(w, i) + at, g);
            above = here;
            here = below;
        }
    }
}

}  // namespace
}  // namespace atalanta
