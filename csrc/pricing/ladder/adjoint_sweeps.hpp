// The sweeps of a step transposed: from the derivative of a price by u after a step to its derivative by u
// before it, and by the payoffs on which u was put. Entries: transpose_up, transpose_down_second,
// transpose_down_first.
#pragma once

#include "pricing/ladder/tape.hpp"

namespace atalanta {
namespace {

constexpr std::ptrdiff_t kNodeStride = kLadderOptions;  // from node to node

// Derivatives of a price by the payoff level - slope E and by its bend, gathered over nodes: plain, times E
// and times E (node - middle). Of one lane.
struct PayoffWeight {
    double plain = 0.0, grown = 0.0, moved = 0.0;
    double bend_plain = 0.0, bend_grown = 0.0, bend_moved = 0.0;
    double spacing = 0.0;
};

struct PayoffWeights {
    PerLane plain, grown, moved;
    PerLane bend_plain, bend_grown, bend_moved;
    PerLane spacing;
    PerLane edge;        // by node 0 where the option is held there
    PerLane after_edge;  // of that, by node 1; of lanes held below two free boundaries

    ATALANTA_INLINE void clear() {
        each_lane([&](std::size_t l) {
            plain[l] = grown[l] = moved[l] = 0.0;
            bend_plain[l] = bend_grown[l] = bend_moved[l] = spacing[l] = edge[l] = 0.0;
        });
    }
    ATALANTA_INLINE PayoffWeight lane(std::size_t l) const {
        return {plain[l], grown[l], moved[l], bend_plain[l], bend_grown[l], bend_moved[l], spacing[l]};
    }
    ATALANTA_INLINE void add(std::size_t l, double weight, double e, double cells) {
        plain[l] += weight;
        grown[l] = fma(weight, e, grown[l]);
        moved[l] = fma(weight * e, cells, moved[l]);
    }
};

// Of one lane whose free boundary lies below node i; a: derivative by the value there. Along the boundary the
// derivatives by whatever moves it are those of the payoff; away from it they rise by a slope that the value
// here decides, and by the bend's own derivative. Two nodes below continue them for the next step.
inline double transpose_sub_cell(const StepRecord& step, const StageRecord& record, const Normalised& n,
                                 const double* growth, std::size_t l, std::size_t i, double middle, double a,
                                 double* below, PayoffWeights& weights) {
    const BoundaryRecord& boundary = record.boundary;
    const double h = n.spacing[l], c = -step.op.alpha[l], s = boundary.above[l], rest = s - h, far = rest - h;
    const double inverse = 1.0 / n.diffusion[l], e = node(growth, i)[l], e_below = node(growth, i - 1)[l];
    const double bend =
        inverse * fma(n.rate[l], record.payoff.level[l], -(n.yield[l] * record.payoff.slope[l]) * e);
    const bool has_ghost = stores_ghost(step.op, record.ghosts, l);
    const bool has_second = has_ghost && i > 1 && boundary.second[l] != 0.0;
    const double ghost = has_ghost ? *below : 0.0, second = has_second ? below[-kNodeStride] : 0.0;
    if (has_ghost) *below = 0.0;
    if (has_second) below[-kNodeStride] = 0.0;
    const double here = boundary.here[l], next = boundary.below[l];
    const double by_slope = fma(a, here, fma(ghost, next, second * boundary.second[l]));
    const double t = by_slope / fma(-c, next, here);
    const double cells = static_cast<double>(i) - middle;
    weights.add(l, a - t, e, cells);
    weights.add(l, fma(c, t, ghost), e_below, cells - 1.0);
    if (has_second) weights.add(l, second, node(growth, i - 2)[l], cells - 2.0);
    const double continued = fma(ghost * rest, rest, second * far * far);
    const double by_bend = 0.5 * (fma(a * s, s, continued) - t * fma(s, s, -(c * rest) * rest));
    weights.bend_plain[l] += by_bend;
    weights.bend_grown[l] = fma(by_bend, e, weights.bend_grown[l]);
    weights.bend_moved[l] = fma(by_bend * e, cells, weights.bend_moved[l]);
    weights.spacing[l] -= bend * fma(rest, fma(t, c, ghost), 2.0 * far * second);
    return t;
}

// values: derivative by the solution on entry, by its down sweep on return. For the lanes from `at` on.
ATALANTA_INLINE void transpose_up_row(const StepRecord& step, const StageRecord& record, const Normalised& n,
                                      const double* growth, std::size_t nodes, std::size_t at, double* values,
                                      PayoffWeights& weights) {
    constexpr unsigned kRowBits = (1u << kRowLanes) - 1;
    const Lanes alpha = load(step.op.alpha.at + at), zero = repeat(0.0);
    const double middle = static_cast<double>(nodes / 2);
    Lanes carry = zero, plain = zero, grown = zero, moved = zero;
    // What is known at the far end does not hang on these.
    store(node(values, nodes - 1) + at, zero);
    for (std::size_t i = nodes - 2; i > 0; --i) {
        carry = fnma(alpha, carry, load(node(values, i) + at));
        store(node(values, i) + at, carry);
        if (i >= record.sweep.end) continue;
        const unsigned held = record.sweep.held[i] >> at & kRowBits;
        const unsigned held_below = record.sweep.held[i - 1] >> at & kRowBits;
        if ((held & held_below) == kRowBits) continue;
        const LaneMask holds = mask_of(held);
        const Lanes paid = select(holds, zero, carry), paid_grown = paid * load(node(growth, i) + at);
        plain = plain + paid;
        grown = grown + paid_grown;
        moved = fma(paid_grown, repeat(static_cast<double>(i) - middle), moved);
        carry = select(holds, carry, zero);
        store(node(values, i) + at, carry);
        const unsigned leaves = held & ~held_below;
        if (leaves == 0) continue;
        alignas(64) double carries[kRowLanes];
        store(carries, carry);
        for (std::size_t k = 0; k < kRowLanes; ++k) {
            const std::size_t l = at + k;
            if ((leaves >> k & 1) == 0 || record.boundary.node[l] != static_cast<double>(i)) continue;
            node(values, i)[l] = transpose_sub_cell(step, record, n, growth, l, i, middle, carries[k],
                                                    node(values, i - 1) + l, weights);
            carries[k] = 0.0;
        }
        carry = load(carries);
    }
    alignas(64) double total[kRowLanes];
    store(total, fnma(alpha, carry, load(values + at)));
    store(weights.plain.at + at, load(weights.plain.at + at) + plain);
    store(weights.grown.at + at, load(weights.grown.at + at) + grown);
    store(weights.moved.at + at, load(weights.moved.at + at) + moved);
    store(values + at, zero);
    for (std::size_t k = 0; k < kRowLanes; ++k) {
        const std::size_t l = at + k;
        if ((record.sweep.held[0] >> l & 1) != 0) {
            weights.edge[l] = total[k];
        } else {
            weights.add(l, total[k], growth[l], -middle);
        }
    }
}

[[gnu::noinline]] inline void transpose_up(const StepRecord& step, const StageRecord& record,
                                           const Normalised& n, const double* growth, std::size_t nodes,
                                           double* values, PayoffWeights& weights) {
    for (std::size_t at = 0; at < kLadderOptions; at += kRowLanes) {
        transpose_up_row(step, record, n, growth, nodes, at, values, weights);
    }
}

// by_down: derivative by the down sweep of stage 2. On return start holds the derivative by the values at the
// start of the step, by_down the one by the values of stage 1.
[[gnu::noinline]] inline void transpose_down_second(const StepOperator& op, std::size_t nodes,
                                                    double* __restrict by_down, double* __restrict start) {
    const Lanes ten = repeat(10.0), zero = repeat(0.0);
    for (std::size_t at = 0; at < kLadderOptions; at += kRowLanes) {
        const Lanes alpha = load(op.alpha.at + at), of_stage = load(op.stage.at + at),
                    of_start = load(op.start.at + at);
        Lanes below = zero, here = zero;  // derivative by the right side, one and two nodes back
        for (std::size_t i = 1; i <= nodes; ++i) {
            const Lanes above = i < nodes - 1 ? fnma(alpha, here, load(node(by_down, i) + at)) : zero;
            const Lanes mix = fma(ten, here, below + above);
            store(node(by_down, i - 1) + at, of_stage * mix);
            store(node(start, i - 1) + at, of_start * mix);
            below = here;
            here = above;
        }
    }
}

// by_down: derivative by the down sweep of stage 1; adds the derivative by the values at the start.
[[gnu::noinline]] inline void transpose_down_first(const StepOperator& op, std::size_t nodes,
                                                   const double* __restrict by_down,
                                                   double* __restrict start) {
    const Lanes zero = repeat(0.0);
    for (std::size_t at = 0; at < kLadderOptions; at += kRowLanes) {
        const Lanes alpha = load(op.alpha.at + at), middle = load(op.middle.at + at),
                    side = load(op.side.at + at);
        Lanes below = zero, here = zero;
        for (std::size_t i = 1; i <= nodes; ++i) {
            const Lanes above = i < nodes - 1 ? fnma(alpha, here, load(node(by_down, i) + at)) : zero;
            const Lanes sum = fma(middle, here, side * (below + above));
            store(node(start, i - 1) + at, load(node(start, i - 1) + at) + sum);
            below = here;
            here = above;
        }
    }
}

}  // namespace
}  // namespace atalanta
