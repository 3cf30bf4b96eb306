// The up sweep of a stage where some lanes may be exercised between two free boundaries, at rates below zero:
// these are found node after node. Entry: sweep_up_mixed.
#pragma once

#include "pricing/ladder/sweep_up.hpp"

namespace atalanta {
namespace {

// Options that may be exercised between two free boundaries: node after node.
template <bool kRecords>
ATALANTA_INLINE void sweep_up_between(const StepOperator& op, const Obstacle& obstacle,
                                      const PerLane& spacing, const double* growth, std::size_t nodes,
                                      std::size_t at, LaneSet ghosts, double* w, SweepRecord* record) {
    const Lanes level = load(obstacle.level.at + at), slope = load(obstacle.slope.at + at);
    const Lanes bend = load(obstacle.bend.at + at), bend_slope = load(obstacle.bend_slope.at + at);
    const Lanes slack = load(obstacle.slack.at + at), alpha = load(op.alpha.at + at), zero = repeat(0.0);
    const std::size_t end = obstacle.end;
    const auto keep = [&](std::size_t i, unsigned held) {
        if constexpr (kRecords) {
            record->held[i] = static_cast<std::uint16_t>(at == 0 ? held : record->held[i] | held << at);
        }
    };
    const Lanes edge = load(obstacle.edge.at + at), first_pay = fnma(slope, load(growth + at), level);
    Lanes u = larger(edge, first_pay);
    store(w + at, u);
    unsigned held = bits_of(edge > first_pay);
    keep(0, held);
    std::size_t i = 1;
    for (; i < end; ++i) {
        const Lanes free = fnma(alpha, u, load(node(w, i) + at)), e = load(node(growth, i) + at);
        const Lanes pay = fnma(slope, e, level), bent = larger(fnma(bend_slope, e, bend), zero);
        u = larger(free, pay);
        unsigned near = bits_of(without(fma(slack, bent, free - pay) > zero, mask_of(held)));
        held = bits_of(free > pay);
        if (near != 0) [[unlikely]] {
            alignas(64) double frees[kRowLanes], solved[kRowLanes];
            store(frees, free);
            store(solved, u);
            for (; near != 0; near &= near - 1) {
                const auto k = static_cast<std::size_t>(__builtin_ctz(near)), l = at + k;
                const double h = spacing[l], e_here = node(growth, i)[l];
                const SubCell sub = resolve_sub_cell(l, frees[k], op, obstacle, h, e_here);
                if (sub.above == 0.0) continue;
                solved[k] = sub.u;
                held |= 1u << k;
                if (stores_ghost(op, ghosts, l)) {
                    node(w, i - 1)[l] = ghost_of(l, obstacle, h, sub.above, e_here, node(growth, i - 1)[l]);
                }
                if constexpr (kRecords) {
                    record->boundary_node[l] = static_cast<double>(i);
                    record->boundary_above[l] = sub.above;
                }
            }
            u = load(solved);
        }
        keep(i, held);
        store(node(w, i) + at, u);
    }
    for (; i < nodes - 1; ++i) {
        u = fnma(alpha, u, load(node(w, i) + at));
        store(node(w, i) + at, u);
    }
}

// As sweep_up, where the lanes `between` may be exercised between two free boundaries. spare: room for
// another grid.
[[gnu::noinline]] inline void sweep_up_mixed(const StepOperator& op, const Obstacle& obstacle,
                                             const PerLane& spacing, const double* growth, std::size_t nodes,
                                             LaneSet between, LaneSet ghosts, double* w, double* spare,
                                             SweepRecord& record, SweepRecord& spare_record) {
    __builtin_memcpy(spare, w, nodes * kLadderOptions * sizeof(double));
    SweepUp(op, obstacle, spacing, growth, nodes, w).run<true>(ghosts, &record);
    each_lane([&](std::size_t l) { spare_record.boundary_node[l] = spare_record.boundary_above[l] = 0.0; });
    for (std::size_t at = 0; at < kLadderOptions; at += kRowLanes) {
        sweep_up_between<true>(op, obstacle, spacing, growth, nodes, at, ghosts, spare, &spare_record);
    }
    for (std::size_t i = 0; i < nodes - 1; ++i) {
        if (i < record.end) {
            const unsigned held = record.held[i] & ~between, held_between = spare_record.held[i] & between;
            record.held[i] = static_cast<std::uint16_t>(held | held_between);
        }
        each_of(between, [&](std::size_t l) { node(w, i)[l] = node(spare, i)[l]; });
    }
    each_of(between, [&](std::size_t l) {
        record.boundary_node[l] = spare_record.boundary_node[l];
        record.boundary_above[l] = spare_record.boundary_above[l];
    });
}

}  // namespace
}  // namespace atalanta
