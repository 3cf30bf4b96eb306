// The transposed crossing of an ex-date, by all lanes before the same step or by one lane alone, whose
// numbers are the same. Entries: transpose_exercise, transpose_carry_over, transpose_carry_column.
#pragma once

#include "pricing/ladder/adjoint_reads.hpp"

namespace atalanta {
namespace {

// values: derivative by u with the right to exercise on entry, without it on return.
[[gnu::noinline]] inline void transpose_exercise(const DateRecord& record, LaneSet lanes,
                                                 const double* growth, std::size_t nodes, double* values,
                                                 PayoffWeights& weights) {
    const double middle = static_cast<double>(nodes / 2);
    PerLane by_gain[WideHinge::kNodes], by_lower[WideHinge::kNodes];
    // Nodes are counted away from the exercised ones.
    const auto each_kink = [&](auto&& body) {
        each_in(lanes, [&](std::size_t l) {
            const auto upper = static_cast<std::size_t>(record.kink.node[l]);
            const auto lower = static_cast<std::size_t>(record.lower.node[l]);
            if (upper != 0) body(l, record.kink, by_gain, [=](std::size_t k) { return upper - 2 + k; });
            if (lower != 0) body(l, record.lower, by_lower, [=](std::size_t k) { return lower + 1 - k; });
        });
    };
    // Before the weights of the exercised nodes go to the payoff.
    each_kink([&](std::size_t l, const KinkRecord& kink, PerLane* by_gains, auto&& node_of) {
        double gain[WideHinge::kNodes], at[WideHinge::kNodes], by[WideHinge::kNodes];
        for (std::size_t k = 0; k < WideHinge::kNodes; ++k) {
            gain[k] = kink.gain[k][l];
            at[k] = node(values, node_of(k))[l];
        }
        SmoothKink(gain, 2).transpose(at, by);
        for (std::size_t k = 0; k < WideHinge::kNodes; ++k) by_gains[k][l] = by[k];
    });
    for (std::size_t i = 0; i < nodes; ++i) {
        double* at = node(values, i);
        each_in(lanes & ~LaneSet{record.held[i]}, [&](std::size_t l) {
            weights.add(l, at[l], node(growth, i)[l], static_cast<double>(i) - middle);
            at[l] = 0.0;
        });
    }
    // From the value at the four nodes to the payoff.
    each_kink([&](std::size_t l, const KinkRecord&, const PerLane* by_gains, auto&& node_of) {
        for (std::size_t k = 0; k < WideHinge::kNodes; ++k) {
            const std::size_t i = node_of(k);
            weights.add(l, by_gains[k][l], node(growth, i)[l], static_cast<double>(i) - middle);
            node(values, i)[l] -= by_gains[k][l];
        }
    });
}

// The reads of one row of nodes.
struct RowReads {
    PerLane weight;  // derivative of the price by the read
    PerLane value, by_place, by_spacing;

    ATALANTA_INLINE void set(std::size_t l, const PlaceWeights& read) {
        value[l] = read.value;
        by_place[l] = read.by_place;
        by_spacing[l] = read.by_spacing;
    }
};

ATALANTA_INLINE void transpose_reads(const Normalised& n, const PayoffRecord& payoff, const double* u,
                                     const double* growth, std::size_t nodes, const PerLane& place,
                                     double* into, RowReads& reads, PayoffWeights& paid) {
    PerLane centre, outside;
    choose_centres(place, nodes, centre, outside);
    std::uint64_t special = 0;  // lanes beyond the grid, or with another centre than the first
    for (std::size_t l = 0; l < kLadderOptions; ++l) {
        special |= bits_of(outside[l]) | (bits_of(centre[l]) ^ bits_of(centre[0]));
    }
    if (special == 0) {
        const std::size_t first = static_cast<std::size_t>(centre[0]) - 2;
        each_lane([&](std::size_t l) {
            const std::size_t from = first * kLadderOptions + l;
            reads.set(l, transpose_read<kLadderOptions>(u + from, place[l] - centre[l], reads.weight[l],
                                                        into + from));
        });
        return;
    }
    for (std::size_t l = 0; l < kLadderOptions; ++l) {
        const std::size_t from = (static_cast<std::size_t>(centre[l]) - 2) * kLadderOptions + l;
        reads.set(l, outside[l] != 0.0
                         ? transpose_read_beyond(n, l, lane_of(payoff, l), u + l, growth + l, kLadderOptions,
                                                 nodes, place[l], reads.weight[l], into + l, paid)
                         : transpose_read<kLadderOptions>(u + from, place[l] - centre[l], reads.weight[l],
                                                          into + from));
    }
}

// What the value of a node before the date adds to the derivatives, through what it reads.
struct NodeTerms {
    double shift, log_spot, cash, spacing;
};

// by_value: derivative by that value; weight: by the read.
ATALANTA_INLINE NodeTerms node_terms(double side, double inverse_spacing, double spot, double shrinks,
                                     double rest, double moved, double cells, double by_value, double weight,
                                     const PlaceWeights& read) {
    // What nothing is left of lies so far beyond the grid that its read may depend on it without limit.
    const bool counts = weight != 0.0;
    const double by_place = counts ? weight * read.by_place * inverse_spacing : 0.0;
    const double by_spacing = counts ? weight * read.by_spacing : 0.0;
    const bool put = side > 0.0, remains = rest > kLeastRest;
    // d ln(rest) = (d ln(spot) - d ln(cash)) cash / (spot rest); a call is counted in what rests.
    const double by_log_rest = side * by_place / (remains ? rest : 1.0);
    const double by_unit = by_value * read.value;
    const double by_rest = remains ? by_log_rest + (put ? 0.0 : by_unit) : 0.0;
    const double by_log_spot = by_rest * (1.0 - rest);
    const double by_moved = fma(-by_place, moved, by_spacing);
    return {by_place, by_log_spot, by_rest * shrinks / spot, fma(by_log_spot * side, cells, by_moved)};
}

// before: derivative by u before the date; after: by u after it, written. by_spacing is added to.
[[gnu::noinline]] inline void transpose_carry_over(const Normalised& n, const ExDate& date,
                                                   const PayoffRecord& payoff, const double* growth,
                                                   std::size_t nodes, const double* u, const double* before,
                                                   double* after, DateWeights& weights, PayoffWeights& paid,
                                                   PerLane& by_spacing) {
    const double middle = static_cast<double>(nodes / 2);
    __builtin_memset(after, 0, nodes * kLadderOptions * sizeof(double));
    weights.clear();
    Landing to;
    RowReads reads;
    for (std::size_t i = 0; i < nodes; ++i) {
        land(n, date, growth, nodes, i, to);
        const double *by_value = node(before, i), *up = node(growth, i), *down = node(growth, nodes - 1 - i);
        const double cells = static_cast<double>(i) - middle, here = static_cast<double>(i);
        each_lane([&](std::size_t l) {
            const double rest = to.rest[l], unit = n.side[l] > 0.0 ? 1.0 : rest;
            reads.weight[l] = by_value[l] * unit;
        });
        transpose_reads(n, payoff, u, growth, nodes, to.place, after, reads, paid);
        each_lane([&](std::size_t l) {
            const double put_shrinks = down[l], call_shrinks = up[l];
            const NodeTerms terms = node_terms(n.side[l], n.inverse_spacing[l], date.spot[l],
                                               n.side[l] > 0.0 ? put_shrinks : call_shrinks, to.rest[l],
                                               to.place[l] - here, cells, by_value[l], reads.weight[l],
                                               {reads.value[l], reads.by_place[l], reads.by_spacing[l]});
            weights.shift[l] -= terms.shift;
            weights.log_spot[l] += terms.log_spot;
            weights.cash[l] -= terms.cash;
            by_spacing[l] += terms.spacing;
        });
    }
}

// Of lane l alone, whose columns have landed. before and u: derivative by u before the date, stride apart,
// and u after it; into: the derivative by that, written. growth: the lane's column.
[[gnu::noinline]] inline void transpose_read_column(const Normalised& n, std::size_t l, const LaneDate& date,
                                                    const LanePayoff& payoff, const double* growth,
                                                    std::size_t nodes, const double* before,
                                                    std::size_t stride, const double* u, const Columns& c,
                                                    double* into, DateWeights& weights, PayoffWeights& paid,
                                                    double& by_spacing) {
    const double middle = static_cast<double>(nodes / 2), last = static_cast<double>(nodes - 1);
    for (std::size_t i = 0; i < nodes; ++i) into[i] = 0.0;
    weights.shift[l] = weights.log_spot[l] = weights.cash[l] = 0.0;
    for (std::size_t i = 0; i < nodes; ++i) {
        const double by_value = before[i * stride], rest = c.rest[i], place = c.place[i];
        const double weight = by_value * (n.side[l] > 0.0 ? 1.0 : rest), here = static_cast<double>(i);
        const auto from = static_cast<std::size_t>(c.centre[i]) - 2;
        const PlaceWeights read =
            place < 0.0 || place > last
                ? transpose_read_beyond(n, l, payoff, u, growth, 1, nodes, place, weight, into, paid)
                : transpose_read<1>(u + from, place - c.centre[i], weight, into + from);
        const NodeTerms terms = node_terms(n.side[l], n.inverse_spacing[l], date.spot, c.shrinks[i], rest,
                                           place - here, here - middle, by_value, weight, read);
        weights.shift[l] -= terms.shift;
        weights.log_spot[l] += terms.log_spot;
        weights.cash[l] -= terms.cash;
        by_spacing += terms.spacing;
    }
    transpose_taken_spot(n, l, date, payoff, growth, nodes, before, stride, u, into, 1, weights, paid,
                         by_spacing);
}

// values: its derivative by u before the date on entry, after it on return.
inline void transpose_carry_column(const Normalised& n, std::size_t l, const LaneDate& date,
                                   const DateRecord& record, const double* growth, std::size_t nodes,
                                   double* values, const Columns& c, DateWeights& weights,
                                   PayoffWeights& paid, double& by_spacing) {
    land_column(n, l, date, growth, nodes, c);
    copy_column(record.after + l, nodes, c.u);
    transpose_read_column(n, l, date, lane_of(record.payoff_after, l), growth, nodes, values + l,
                          kLadderOptions, c.u, c, c.value, weights, paid, by_spacing);
    for (std::size_t i = 0; i < nodes; ++i) node(values, i)[l] = c.value[i];
}

}  // namespace
}  // namespace atalanta
