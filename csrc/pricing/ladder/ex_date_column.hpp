// An ex-date of one lane, down its column: what ex_date.hpp does for sixteen, bit for bit. The numbers of the
// lane are copied side by side, so that loops over nodes vectorise. Entry: cross_column.
#pragma once

#include "pricing/ladder/ex_date.hpp"

namespace atalanta {
namespace {

// The columns of a lane, contiguous; loops over nodes go on to a whole number of registers.
struct Columns {
    static constexpr std::size_t kCount = 10;
    static constexpr std::size_t length(std::size_t nodes) { return round_up_to_lanes(nodes); }
    static constexpr std::size_t doubles(std::size_t nodes) { return kCount * length(nodes); }

    Columns(double* memory, std::size_t nodes) {
        double** const columns[] = {&shrinks, &u,     &place,  &rest,  &value,
                                    &centre,  &first, &second, &third, &fourth};
        for (double** column : columns) {
            *column = memory;
            memory += length(nodes);
        }
    }

    double *shrinks, *u;
    double *place, *rest, *value;             // of the nodes before the date
    double* centre;                           // of the five nodes after the date that are read
    double *first, *second, *third, *fourth;  // what interpolation about a node multiplies powers by
};

inline void copy_column(const double* from, std::size_t nodes, double* to) {
    for (std::size_t i = 0; i < nodes; ++i) to[i] = from[i * kLadderOptions];
    for (std::size_t i = nodes; i < Columns::length(nodes); ++i) to[i] = to[nodes - 1];
}

// growth: a column, here and below.
ATALANTA_INLINE void land_column(const Normalised& n, std::size_t l, const LaneDate& date,
                                 const double* growth, std::size_t nodes, const Columns& c) {
    // The nodes lie symmetrically, so that 1 / E is E on the other side.
    if (n.side[l] > 0.0) {
        for (std::size_t i = 0; i < nodes; ++i) c.shrinks[i] = growth[nodes - 1 - i];
        for (std::size_t i = nodes; i < Columns::length(nodes); ++i) c.shrinks[i] = growth[0];
    } else {
        for (std::size_t i = 0; i < Columns::length(nodes); ++i) c.shrinks[i] = growth[i];
    }
    const double side = n.side[l], inverse = n.inverse_spacing[l], share = date.share, shift = date.shift;
    const double last = static_cast<double>(nodes - 1);
    for (std::size_t i = 0; i < Columns::length(nodes); ++i) c.place[i] = static_cast<double>(i);
    ATALANTA_VECTOR_LOOP
    for (std::size_t i = 0; i < Columns::length(nodes); ++i) {
        const LandedNode landed = land_node(side, share, shift, inverse, c.shrinks[i], c.place[i]);
        c.place[i] = landed.place;
        c.rest[i] = landed.rest;
        c.centre[i] = stencil_centre(landed.place, last);
    }
}

// As far as a node, two of its neighbours to each side being there, decides the interpolation about it.
ATALANTA_INLINE void prepare_reads(const double* u, std::size_t nodes, const Columns& c) {
    const double *a = u, *b = u + 1, *d = u + 3, *e = u + 4;
    ATALANTA_VECTOR_LOOP
    for (std::size_t i = 0; i < Columns::length(nodes) - 4; ++i) {
        const Quartic at = quartic(a[i], b[i], u[i + 2], d[i], e[i]);
        c.first[i] = at.first;
        c.second[i] = at.second;
        c.third[i] = at.third;
        c.fourth[i] = at.fourth;
    }
}

inline void carry_column(const Normalised& n, std::size_t l, const LanePayoff& payoff, const double* growth,
                         std::size_t nodes, const double* after, const Columns& c) {
    prepare_reads(after, nodes, c);
    const double last = static_cast<double>(nodes - 1);
    // Places ascend.
    std::size_t begin = 0, end = nodes;
    for (; begin < nodes && c.place[begin] < 0.0; ++begin) {
        const Beyond beyond = read_beyond(n, l, payoff, after, growth, 1, c.place[begin]);
        c.value[begin] = beyond.pay > beyond.held ? beyond.pay : beyond.held;
    }
    while (end > begin && c.place[end - 1] > last) --end;
    for (std::size_t i = begin; i < end; ++i) {
        const double centre = c.centre[i];
        const std::size_t at = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(centre)) - 2;
        const Quartic u = {after[at + 2], c.first[at], c.second[at], c.third[at], c.fourth[at]};
        c.value[i] = u(c.place[i] - centre);
    }
    for (std::size_t i = end; i < Columns::length(nodes); ++i) c.value[i] = 0.0;
    if (n.side[l] > 0.0) return;
    ATALANTA_VECTOR_LOOP
    for (std::size_t i = 0; i < Columns::length(nodes); ++i) c.value[i] *= c.rest[i];
}

// record may be null.
inline void exercise_column(const Normalised& n, std::size_t l, const LanePayoff& payoff,
                            const double* growth, std::size_t nodes, const Columns& c, DateRecord* record) {
    double* const gain = c.place;  // no longer needed
    const double level = payoff.level, slope = payoff.slope;
    ATALANTA_VECTOR_LOOP
    for (std::size_t i = 0; i < Columns::length(nodes); ++i) {
        const double pay = fma(-slope, growth[i], level), value = c.value[i];
        gain[i] = pay - value;
        c.value[i] = pay > value ? pay : value;
    }
    for (std::size_t i = 1; i < nodes; ++i) {
        if (!(gain[i - 1] > 0.0) || gain[i] > 0.0) continue;
        const HingeWeights w = kink_weights(n, l, gain[i - 1], gain[i]);
        c.value[i - 1] += w.positive;
        c.value[i] += w.zero;
        if (record != nullptr) record->kink.set(l, i, gain[i - 1], gain[i]);
    }
    if (record == nullptr) return;
    for (std::size_t i = 0; i < nodes; ++i) {
        const unsigned others = record->held[i] & ~(1u << l), held = gain[i] > 0.0 ? 0 : 1u << l;
        record->held[i] = static_cast<std::uint16_t>(others | held);
    }
}

// u of lane l: just after the date on entry, just before it on return. payoff_after and payoff: of exercise
// then; record may be null.
[[gnu::noinline]] inline void cross_column(const Normalised& n, std::size_t l, const LaneDate& date,
                                           const LanePayoff& payoff_after, const LanePayoff& payoff,
                                           const double* growth, std::size_t nodes, double* u,
                                           const Columns& columns, DateRecord* record) {
    copy_column(u + l, nodes, columns.u);
    for (std::size_t i = 0; record != nullptr && i < nodes; ++i) node(record->after, i)[l] = columns.u[i];
    land_column(n, l, date, growth, nodes, columns);
    carry_column(n, l, payoff_after, growth, nodes, columns.u, columns);
    exercise_column(n, l, payoff, growth, nodes, columns, record);
    for (std::size_t i = 0; i < nodes; ++i) u[i * kLadderOptions + l] = columns.value[i];
}

}  // namespace
}  // namespace atalanta
