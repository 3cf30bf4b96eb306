// An ex-date of one lane, down its column: what ex_date.hpp does for sixteen, bit for bit. The numbers of the
// lane are copied side by side, so that loops over nodes vectorise. Entries: carry_to, exercise_column.
#pragma once

#include "pricing/ladder/date_exercise.hpp"
#include "pricing/ladder/taken_bends.hpp"

namespace atalanta {
namespace {

// The columns of a lane, contiguous. Loops over nodes go on to a whole number of registers, and a convolution
// writes some more.
struct Columns {
    static constexpr std::size_t kCount = 6;
    static constexpr std::size_t length(std::size_t nodes) { return (nodes + 15) / 16 * 16 + 16; }
    static constexpr std::size_t looped(std::size_t nodes) { return round_up_to_lanes(nodes); }
    static constexpr std::size_t doubles(std::size_t nodes) { return kCount * length(nodes); }

    Columns(double* memory, std::size_t nodes) {
        double** const columns[] = {&shrinks, &u, &place, &rest, &value, &centre};
        for (double** column : columns) {
            *column = memory;
            memory += length(nodes);
        }
    }

    double *shrinks, *u;
    double *place, *rest, *value;  // of the nodes before the date
    double* centre;                // of the five nodes after the date that are read
};

inline void copy_column(const double* from, std::size_t nodes, double* to) {
    for (std::size_t i = 0; i < nodes; ++i) to[i] = from[i * kLadderOptions];
    for (std::size_t i = nodes; i < Columns::length(nodes); ++i) to[i] = to[nodes - 1];
}

// The nodes first .. last - 1.
template <bool kLittle>
ATALANTA_INLINE void land_nodes(const Normalised& n, std::size_t l, const LaneDate& date, double last_node,
                                std::size_t first, std::size_t last, const Columns& c) {
    const double side = n.side[l], inverse = n.inverse_spacing[l], share = date.share, shift = date.shift;
    ATALANTA_VECTOR_LOOP
    for (std::size_t i = first; i < last; ++i) {
        const LandedNode landed = land_node<kLittle>(side, share * c.shrinks[i], shift, inverse, c.place[i]);
        c.place[i] = landed.place;
        c.rest[i] = landed.rest;
        c.centre[i] = stencil_centre(landed.place, last_node);
    }
}

// growth: a column, here and below.
ATALANTA_INLINE void land_column(const Normalised& n, std::size_t l, const LaneDate& date,
                                 const double* growth, std::size_t nodes, const Columns& c) {
    const std::size_t end = Columns::looped(nodes);
    const bool put = n.side[l] > 0.0;
    // The nodes lie symmetrically, so that 1 / E is E on the other side.
    if (put) {
        for (std::size_t i = 0; i < nodes; ++i) c.shrinks[i] = growth[nodes - 1 - i];
        for (std::size_t i = nodes; i < end; ++i) c.shrinks[i] = growth[0];
    } else {
        for (std::size_t i = 0; i < end; ++i) c.shrinks[i] = growth[i];
    }
    std::size_t much = 0;  // nodes of which much is taken, at the end where spots are low
    for (std::size_t i = 0; i < end; ++i) {
        c.place[i] = static_cast<double>(i);
        much += date.share * c.shrinks[i] > kLittleTaken ? 1 : 0;
    }
    const double last = static_cast<double>(nodes - 1);
    const std::size_t whole = round_up_to_lanes(much), from = put ? whole : 0, to = put ? end : end - whole;
    land_nodes<true>(n, l, date, last, from, to, c);
    land_nodes<false>(n, l, date, last, put ? 0 : to, put ? from : end, c);
}

// Values at the places of the nodes, of the five nodes about each. The stencils of many nodes are fetched
// before any is used: a register is not loaded well from numbers that have just been stored.
ATALANTA_INLINE void read_stencils(const double* u, std::size_t nodes, const Columns& c) {
    alignas(64) double stencil[5][kBlockRows];
    const std::size_t end = Columns::looped(nodes);
    for (std::size_t first = 0; first < end; first += kBlockRows) {
        const std::size_t left = end - first, count = left < kBlockRows ? left : kBlockRows;
        for (std::size_t k = 0; k < count; ++k) {
            const double* from = u + static_cast<std::ptrdiff_t>(c.centre[first + k]) - 2;
            for (std::size_t j = 0; j < 5; ++j) stencil[j][k] = from[j];
        }
        double *place = c.place + first, *centre = c.centre + first, *value = c.value + first;
        ATALANTA_VECTOR_LOOP
        for (std::size_t k = 0; k < count; ++k) {
            const Quartic at =
                quartic(stencil[0][k], stencil[1][k], stencil[2][k], stencil[3][k], stencil[4][k]);
            value[k] = at(place[k] - centre[k]);
        }
    }
}

inline void carry_column(const Normalised& n, std::size_t l, const LaneDate& date, const LanePayoff& payoff,
                         const double* growth, std::size_t nodes, const double* after, const Columns& c) {
    const double last = static_cast<double>(nodes - 1);
    read_stencils(after, nodes, c);
    // Places ascend.
    std::size_t begin = 0, end = nodes;
    const auto beyond = [&](std::size_t i) {
        return read_beyond(n, l, payoff, after, growth, 1, nodes, c.place[i]).value();
    };
    for (; begin < nodes && c.place[begin] < 0.0; ++begin) c.value[begin] = beyond(begin);
    for (; end > begin && c.place[end - 1] > last; --end) c.value[end - 1] = beyond(end - 1);
    for (std::size_t i = nodes; i < Columns::looped(nodes); ++i) c.value[i] = 0.0;
    correct_taken_spot(n, l, date.share, date.shift, payoff, growth, 1, nodes, after, c.value);
    if (n.side[l] > 0.0) return;
    ATALANTA_VECTOR_LOOP
    for (std::size_t i = 0; i < Columns::looped(nodes); ++i) c.value[i] *= c.rest[i];
}

constexpr std::size_t kSearchedTogether = 8;  // nodes

// The first node from i on with no gain, whose lower neighbour has one; `nodes` where there is none.
ATALANTA_INLINE std::size_t next_kink(const double* gain, std::size_t i, std::size_t nodes) {
    for (; i < nodes; i += kSearchedTogether) {
        double any = 0.0;
        const std::size_t last = i + kSearchedTogether < nodes ? i + kSearchedTogether : nodes;
        for (std::size_t k = i; k < last; ++k) {
            const bool leaves = (gain[k - 1] > 0.0) & !(gain[k] > 0.0);
            any = leaves ? 1.0 : any;
        }
        if (any == 0.0) continue;
        while (!(gain[i - 1] > 0.0) || gain[i] > 0.0) ++i;
        return i;
    }
    return nodes;
}

// Calls body(node beyond) for the kinks that have two nodes on each side.
template <class Body>
ATALANTA_INLINE void each_kink(const double* gain, std::size_t nodes, Body&& body) {
    for (std::size_t i = next_kink(gain, 2, nodes); i + 2 <= nodes; i = next_kink(gain, i + 1, nodes))
        body(i);
}

// record may be null.
inline void exercise_column(std::size_t l, const LanePayoff& payoff, const double* growth, std::size_t nodes,
                            const Columns& c, DateRecord* record) {
    double* const gain = c.place;  // no longer needed
    const double level = payoff.level, slope = payoff.slope;
    ATALANTA_VECTOR_LOOP
    for (std::size_t i = 0; i < Columns::looped(nodes); ++i) {
        const double pay = fma(-slope, growth[i], level), value = c.value[i];
        gain[i] = pay - value;
        c.value[i] = pay > value ? pay : value;
    }
    each_kink(gain, nodes, [&](std::size_t i) {
        correct_kink(l, i, gain + i - 2, c.value, 1, record == nullptr ? nullptr : &record->kink);
    });
    if (record == nullptr) return;
    for (std::size_t i = 0; i < nodes; ++i) {
        const unsigned others = record->held[i] & ~(1u << l), held = gain[i] > 0.0 ? 0 : 1u << l;
        record->held[i] = static_cast<std::uint16_t>(others | held);
    }
}

// From columns.u, of lane l just after the date, to columns.value just before it, still without the right to
// exercise. payoff_after: of exercise after it; record may be null.
[[gnu::noinline]] inline void carry_to(const Normalised& n, std::size_t l, const LaneDate& date,
                                       const LanePayoff& payoff_after, const double* growth,
                                       std::size_t nodes, const Columns& columns, DateRecord* record) {
    for (std::size_t i = 0; record != nullptr && i < nodes; ++i) node(record->after, i)[l] = columns.u[i];
    land_column(n, l, date, growth, nodes, columns);
    carry_column(n, l, date, payoff_after, growth, nodes, columns.u, columns);
}

}  // namespace
}  // namespace atalanta
