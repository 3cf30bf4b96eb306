// An ex-date of one lane, down its column: what ex_date.hpp does for sixteen, bit for bit. The numbers of the
// lane are copied side by side, so that loops over nodes vectorise. Entries: carry_to, exercise_column.
#pragma once

#include "pricing/ladder/date_exercise.hpp"
#include "pricing/ladder/taken_spot.hpp"

namespace atalanta {
namespace {

// The columns of a lane, contiguous; loops over nodes go on to a whole number of registers.
struct Columns {
    static constexpr std::size_t kCount = 6;
    static constexpr std::size_t length(std::size_t nodes) { return (nodes + 15) / 16 * 16 + 16; }
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

constexpr std::size_t kReadTogether = 8;  // nodes
constexpr std::ptrdiff_t kMostOffsets = 3;

// The nodes from i on, so many as kReadTogether: where their stencils lie equally far from them, or nearly
// so, whole rows are read.
ATALANTA_INLINE void read_together(const double* u, const Columns& c, std::size_t i) {
    const auto offset = [&](std::size_t k) {
        return static_cast<std::ptrdiff_t>(c.centre[k]) - static_cast<std::ptrdiff_t>(k);
    };
    std::ptrdiff_t low = offset(i), high = low;
    for (std::size_t k = i + 1; k < i + kReadTogether; ++k) {
        const std::ptrdiff_t at = offset(k);
        low = at < low ? at : low;
        high = at > high ? at : high;
    }
    if (high - low >= kMostOffsets) {
        for (std::size_t k = i; k < i + kReadTogether; ++k) {
            const double* at = u + static_cast<std::ptrdiff_t>(c.centre[k]);
            c.value[k] = quartic(at[-2], at[-1], at[0], at[1], at[2])(c.place[k] - c.centre[k]);
        }
        return;
    }
    for (std::ptrdiff_t o = low; o <= high; ++o) {
        const double* from =
            u + static_cast<std::ptrdiff_t>(i) + o - 2;  // the lowest node of the first stencil
        const double first = static_cast<double>(static_cast<std::ptrdiff_t>(i) + o);
        for (std::size_t k = 0; k < kReadTogether; ++k) {
            const double centre = first + static_cast<double>(k);
            const double f = c.place[i + k] - centre, kept = c.value[i + k];
            const double read = quartic(from[k], from[k + 1], from[k + 2], from[k + 3], from[k + 4])(f);
            c.value[i + k] = c.centre[i + k] == centre ? read : kept;
        }
    }
}

inline void carry_column(const Normalised& n, std::size_t l, const LaneDate& date, const LanePayoff& payoff,
                         const double* growth, std::size_t nodes, const double* after, const Columns& c) {
    const double last = static_cast<double>(nodes - 1);
    for (std::size_t i = 0; i < nodes; i += kReadTogether) read_together(after, c, i);
    // Places ascend.
    std::size_t begin = 0, end = nodes;
    const auto beyond = [&](std::size_t i) {
        return read_beyond(n, l, payoff, after, growth, 1, nodes, c.place[i]).value();
    };
    for (; begin < nodes && c.place[begin] < 0.0; ++begin) c.value[begin] = beyond(begin);
    for (; end > begin && c.place[end - 1] > last; --end) c.value[end - 1] = beyond(end - 1);
    for (std::size_t i = nodes; i < Columns::length(nodes); ++i) c.value[i] = 0.0;
    correct_taken_spot(n, l, date.share, date.shift, payoff, growth, 1, nodes, after, c.value);
    if (n.side[l] > 0.0) return;
    ATALANTA_VECTOR_LOOP
    for (std::size_t i = 0; i < Columns::length(nodes); ++i) c.value[i] *= c.rest[i];
}

// The first node from i on with no gain, whose lower neighbour has one; `nodes` where there is none.
ATALANTA_INLINE std::size_t next_kink(const double* gain, std::size_t i, std::size_t nodes) {
    for (; i < nodes; i += kReadTogether) {
        double any = 0.0;
        const std::size_t last = i + kReadTogether < nodes ? i + kReadTogether : nodes;
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
    for (std::size_t i = 0; i < Columns::length(nodes); ++i) {
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

// u of lane l just after the date, and in columns.value just before it, still without the right to exercise.
// payoff_after: of exercise after it; record may be null.
[[gnu::noinline]] inline void carry_to(const Normalised& n, std::size_t l, const LaneDate& date,
                                       const LanePayoff& payoff_after, const double* growth,
                                       std::size_t nodes, const double* u, const Columns& columns,
                                       DateRecord* record) {
    copy_column(u + l, nodes, columns.u);
    for (std::size_t i = 0; record != nullptr && i < nodes; ++i) node(record->after, i)[l] = columns.u[i];
    land_column(n, l, date, growth, nodes, columns);
    carry_column(n, l, date, payoff_after, growth, nodes, columns.u, columns);
}

}  // namespace
}  // namespace atalanta
