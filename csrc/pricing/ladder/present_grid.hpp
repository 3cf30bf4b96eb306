// The grid of an option whose first date is near the present: there the kink of exercise before the date has
// not yet become wide, and the readings lie beside it. From that date to the present the nodes lie closer,
// about the same one. Entries: narrow_column, transpose_narrowing.
#pragma once

#include "pricing/ladder/adjoint_dates.hpp"

namespace atalanta {
namespace {

// Where a node of the closer grid lies on the other one.
struct NarrowedPlace {
    std::size_t centre;  // of the five nodes about it
    double beside;

    ATALANTA_INLINE NarrowedPlace(double narrowing, std::size_t i, std::size_t nodes) {
        const double middle = static_cast<double>(nodes / 2);
        const double place = fma(static_cast<double>(i) - middle, narrowing, middle);
        const double nearest = stencil_centre(place, static_cast<double>(nodes - 1));
        centre = static_cast<std::size_t>(nearest);
        beside = place - nearest;
    }
};

// c.value, still without the right to exercise, at the nodes of a grid whose spacing is so much of it.
inline void narrow_column(double narrowing, std::size_t nodes, const Columns& c) {
    for (std::size_t i = 0; i < nodes; ++i) {
        const NarrowedPlace at(narrowing, i, nodes);
        const double* u = c.value + at.centre;
        c.u[i] = quartic(u[-2], u[-1], u[0], u[1], u[2])(at.beside);
    }
    for (std::size_t i = 0; i < nodes; ++i) c.value[i] = c.u[i];
}

// values: of a lane, derivative by u on the closer grid on entry, on the other one on return.
inline void transpose_narrowing(double narrowing, std::size_t nodes, double* values, const Columns& c) {
    for (std::size_t i = 0; i < nodes; ++i) c.value[i] = 0.0;
    for (std::size_t i = 0; i < nodes; ++i) {
        const NarrowedPlace at(narrowing, i, nodes);
        transpose_read<1>(c.u + at.centre - 2, at.beside, values[i * kLadderOptions],
                          c.value + at.centre - 2);
    }
    for (std::size_t i = 0; i < nodes; ++i) values[i * kLadderOptions] = c.value[i];
}

}  // namespace
}  // namespace atalanta
