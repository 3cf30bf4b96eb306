// The first date of a call that a march by steps crosses so near the present that its readings still have the
// kink of exercise, narrower than a cell (present_kink.hpp): the grid goes on with the side of the present,
// and is not exercised again. Entries: cross_to_present, transpose_to_present.
#pragma once

#include "pricing/ladder/adjoint_dates.hpp"
#include "pricing/ladder/present_kink.hpp"

namespace atalanta {
namespace {

// In cells, from the date to the present.
ATALANTA_INLINE double present_variance(const Normalised& n, std::size_t l, const LaneDate& date) {
    return 2.0 * n.diffusion[l] * (n.years[l] - date.time) * n.inverse_spacing[l] * n.inverse_spacing[l];
}

// Of exercise over value, in the place of the landed columns.
ATALANTA_INLINE void fill_gains(const LanePayoff& payoff, const double* growth, std::size_t nodes,
                                const Columns& c) {
    const double level = payoff.level, slope = payoff.slope;
    double* const gain = c.place;
    const double* const value = c.value;
    ATALANTA_VECTOR_LOOP
    for (std::size_t i = 0; i < Columns::length(nodes); ++i) {
        gain[i] = fma(-slope, growth[i], level) - value[i];
    }
}

// u of lane l: just after the date on entry, just before it on return. Returns whether there is a kink near
// the present, which the readings then have to add; else nothing is done. growth: the lane's column; record
// may be null.
[[gnu::noinline]] inline bool cross_to_present(const Normalised& n, std::size_t l, const LaneDate& date,
                                               const LanePayoff& payoff_after, const LanePayoff& payoff,
                                               const double* growth, std::size_t nodes, double* u,
                                               const Columns& c, LocalSolution& kink, DateRecord* record) {
    copy_column(u + l, nodes, c.u);
    land_column(n, l, date, growth, nodes, c);
    carry_column(n, l, date, payoff_after, growth, nodes, c.u, c);
    fill_gains(payoff, growth, nodes, c);
    const double cells = square_root(present_variance(n, l, date));
    const std::size_t beyond = PresentKink::find(c.place, nodes, cells);
    if (beyond == 0) return false;
    const PresentKink present(c.place, beyond, nodes, cells);
    kink = present.reading();
    for (std::size_t i = 0; i < nodes; ++i) {
        node(u, i)[l] = present.exercised() ? c.value[i] + c.place[i] : c.value[i];
    }
    if (record == nullptr) return true;
    for (std::size_t i = 0; i < nodes; ++i) {
        node(record->after, i)[l] = c.u[i];
        const unsigned others = record->held[i] & ~(1u << l), held = present.exercised() ? 0 : 1u << l;
        record->held[i] = static_cast<std::uint16_t>(others | held);
    }
    return true;
}

// values: derivative by u just before the date on entry, without the right to exercise on return. Of the
// kink, whose derivative by the price is 1, and of the side that the grid has.
inline void transpose_to_present(const Normalised& n, std::size_t l, const LaneDate& date,
                                 const DateRecord& record, const double* growth, std::size_t nodes,
                                 double* values, const Columns& c, PayoffWeights& weights) {
    const double middle = static_cast<double>(nodes / 2);
    copy_column(record.after + l, nodes, c.u);
    land_column(n, l, date, growth, nodes, c);
    carry_column(n, l, date, lane_of(record.payoff_after, l), growth, nodes, c.u, c);
    fill_gains(lane_of(record.payoff, l), growth, nodes, c);
    const double cells = square_root(present_variance(n, l, date));
    const std::size_t beyond = PresentKink::find(c.place, nodes, cells);
    const PresentKink present(c.place, beyond, nodes, cells);
    for (std::size_t i = 0; present.exercised() && i < nodes; ++i) {
        weights.add(l, node(values, i)[l], growth[i], static_cast<double>(i) - middle);
        node(values, i)[l] = 0.0;
    }
    double by_gain[WideHinge::kNodes];
    present.transpose(by_gain);
    for (std::size_t k = 0; k < WideHinge::kNodes; ++k) {
        const std::size_t i = beyond - 2 + k;
        weights.add(l, by_gain[k], growth[i], static_cast<double>(i) - middle);
        node(values, i)[l] -= by_gain[k];
    }
}

}  // namespace
}  // namespace atalanta
