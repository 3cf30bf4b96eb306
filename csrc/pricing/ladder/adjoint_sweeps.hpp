// The sweeps of a step transposed: from the derivative of a price by u after a step to its derivative by u
// before it, and by the payoffs on which u was put. Entries: transpose_up, transpose_down_second,
// transpose_down_first.
#pragma once

#include "pricing/ladder/tape.hpp"

namespace atalanta {
namespace {

// Derivatives of a price by the payoff level - slope E and by its bend, gathered over nodes: plain, times E
// and times E (node - middle).
struct PayoffWeights {
    PerLane plain, grown, moved;
    PerLane bend_plain, bend_grown, bend_moved;
    PerLane spacing;
    PerLane edge;  // by node 0 where the option is held there

    ATALANTA_INLINE void clear() {
        each_lane([&](std::size_t l) {
            plain[l] = grown[l] = moved[l] = 0.0;
            bend_plain[l] = bend_grown[l] = bend_moved[l] = spacing[l] = edge[l] = 0.0;
        });
    }
    ATALANTA_INLINE void add(std::size_t l, double weight, double e, double cells) {
        plain[l] += weight;
        grown[l] = fma(weight, e, grown[l]);
        moved[l] = fma(weight * e, cells, moved[l]);
    }
};

// Of one lane whose free boundary was found below node i; a: derivative by the value there.
inline double transpose_sub_cell(const StepRecord& step, const StageRecord& record, const Normalised& n,
                                 const double* growth, std::size_t l, std::size_t i, double middle, double a,
                                 double* below, PayoffWeights& weights) {
    const double e = node(growth, i)[l], e_below = node(growth, i - 1)[l];
    const double h = n.spacing[l], c = -step.op.alpha[l], s = record.sweep.boundary_above[l], rest = h - s;
    const double inverse = 1.0 / n.diffusion[l];
    const double bend =
        inverse * fma(n.rate[l], record.payoff.level[l], -(n.yield[l] * record.payoff.slope[l]) * e);
    const double ghost = record.ghosts ? *below : 0.0;
    if (record.ghosts) *below = 0.0;
    const double moves = bend * fma(c, rest, s);
    const double t = bend * (fma(a, s, -(ghost * rest))) / moves;
    const double cells = static_cast<double>(i) - middle;
    weights.add(l, a - t, e, cells);
    weights.add(l, fma(c, t, ghost), e_below, cells - 1.0);
    const double by_bend = 0.5 * fma(a * s, s, fma(ghost * rest, rest, -t * fma(s, s, -(c * rest) * rest)));
    weights.bend_plain[l] += by_bend;
    weights.bend_grown[l] = fma(by_bend, e, weights.bend_grown[l]);
    weights.bend_moved[l] = fma(by_bend * e, cells, weights.bend_moved[l]);
    weights.spacing[l] = fma(bend * rest, fma(t, c, ghost), weights.spacing[l]);
    return t;
}

// values: derivative by the solution on entry, by its down sweep on return.
[[gnu::noinline]] inline void transpose_up(const StepRecord& step, const StageRecord& record,
                                           const Normalised& n, const double* growth, std::size_t nodes,
                                           double* values, PayoffWeights& weights) {
    const Row alpha = load_row(step.op.alpha);
    const Lanes zero = repeat(0.0);
    const double middle = static_cast<double>(nodes / 2);
    Row carry, plain, grown, moved;
    for (std::size_t k = 0; k < kHalves; ++k)
        carry.half[k] = plain.half[k] = grown.half[k] = moved.half[k] = zero;
    std::size_t i = nodes - 1;
    for (; i > 0; --i) {
        for (std::size_t k = 0; k < kHalves; ++k) {
            carry.half[k] = fnma(alpha.half[k], carry.half[k], load(node(values, i) + k * kLanes));
            store(node(values, i) + k * kLanes, carry.half[k]);
        }
        if (i >= record.sweep.end) continue;
        const unsigned held = record.sweep.held[i], held_below = record.sweep.held[i - 1];
        if ((held & held_below) == 0xFFFF) continue;
        for (std::size_t k = 0; k < kHalves; ++k) {
            const std::size_t at = k * kLanes;
            const LaneMask holds = mask_of(held >> at);
            const Lanes paid = select(holds, zero, carry.half[k]);
            const Lanes paid_grown = paid * load(node(growth, i) + at);
            plain.half[k] = plain.half[k] + paid;
            grown.half[k] = grown.half[k] + paid_grown;
            moved.half[k] = fma(paid_grown, repeat(static_cast<double>(i) - middle), moved.half[k]);
            carry.half[k] = select(holds, carry.half[k], zero);
            store(node(values, i) + at, carry.half[k]);
        }
        const unsigned leaves = held & ~held_below;
        if (leaves == 0) continue;
        PerLane carries;
        for (std::size_t k = 0; k < kHalves; ++k) store(carries.at + k * kLanes, carry.half[k]);
        for (std::size_t l = 0; l < kLadderOptions; ++l) {
            if ((leaves >> l & 1) == 0 || record.sweep.boundary_node[l] != static_cast<double>(i)) continue;
            node(values, i)[l] = transpose_sub_cell(step, record, n, growth, l, i, middle, carries[l],
                                                    node(values, i - 1) + l, weights);
            carries[l] = 0.0;
        }
        carry = load_row(carries);
    }
    PerLane total;
    for (std::size_t k = 0; k < kHalves; ++k) {
        const std::size_t at = k * kLanes;
        store(total.at + at, fnma(alpha.half[k], carry.half[k], load(values + at)));
        store(weights.plain.at + at, load(weights.plain.at + at) + plain.half[k]);
        store(weights.grown.at + at, load(weights.grown.at + at) + grown.half[k]);
        store(weights.moved.at + at, load(weights.moved.at + at) + moved.half[k]);
        store(values + at, zero);
    }
    for (std::size_t l = 0; l < kLadderOptions; ++l) {
        if ((record.sweep.held[0] >> l & 1) != 0) {
            weights.edge[l] = total[l];
        } else {
            weights.add(l, total[l], growth[l], -middle);
        }
    }
}

// by_down: derivative by the down sweep of stage 2. On return start holds the derivative by the values at the
// start of the step, by_down the one by the values of stage 1.
[[gnu::noinline]] inline void transpose_down_second(const StepOperator& op, std::size_t nodes,
                                                    double* __restrict by_down, double* __restrict start) {
    const Row alpha = load_row(op.alpha), of_stage = load_row(op.stage), of_start = load_row(op.start);
    const Lanes ten = repeat(10.0);
    Row below, here;  // derivative by the right side, one and two nodes back
    for (std::size_t k = 0; k < kHalves; ++k) below.half[k] = here.half[k] = repeat(0.0);
    for (std::size_t i = 1; i <= nodes; ++i) {
        for (std::size_t k = 0; k < kHalves; ++k) {
            const std::size_t at = k * kLanes;
            Lanes above = repeat(0.0);
            if (i < nodes) above = fnma(alpha.half[k], here.half[k], load(node(by_down, i) + at));
            const Lanes mix = fma(ten, here.half[k], below.half[k] + above);
            store(node(by_down, i - 1) + at, of_stage.half[k] * mix);
            store(node(start, i - 1) + at, of_start.half[k] * mix);
            below.half[k] = here.half[k];
            here.half[k] = above;
        }
    }
}

// by_down: derivative by the down sweep of stage 1; adds the derivative by the values at the start.
[[gnu::noinline]] inline void transpose_down_first(const StepOperator& op, std::size_t nodes,
                                                   const double* __restrict by_down,
                                                   double* __restrict start) {
    const Row alpha = load_row(op.alpha), middle = load_row(op.middle), side = load_row(op.side);
    Row below, here;
    for (std::size_t k = 0; k < kHalves; ++k) below.half[k] = here.half[k] = repeat(0.0);
    for (std::size_t i = 1; i <= nodes; ++i) {
        for (std::size_t k = 0; k < kHalves; ++k) {
            const std::size_t at = k * kLanes;
            Lanes above = repeat(0.0);
            if (i < nodes) above = fnma(alpha.half[k], here.half[k], load(node(by_down, i) + at));
            const Lanes sum = fma(middle.half[k], here.half[k], side.half[k] * (below.half[k] + above));
            store(node(start, i - 1) + at, load(node(start, i - 1) + at) + sum);
            below.half[k] = here.half[k];
            here.half[k] = above;
        }
    }
}

}  // namespace
}  // namespace atalanta
