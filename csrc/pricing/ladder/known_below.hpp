// Where the spot hardly moves, dividends that take nearly all of it leave spots further down than cells that
// resolve the moves can reach. Below the grid the path counts as known: that errs by less than half of what a
// spot so low moves. Entry: set_known_below.
#pragma once

#include "pricing/ladder/calendar.hpp"
#include "pricing/ladder/limits.hpp"

namespace atalanta {
namespace {

// values: of a put at the nodes just before date d, as far as what is left there lies below the grid after
// it; both columns go from node to node by their strides.
inline void set_known_below(const Normalised& n, std::size_t l, const LadderOption& o, std::uint32_t d,
                            const LaneDate& date, const double* growth, std::size_t growth_stride,
                            std::size_t nodes, double* values, std::size_t stride) {
    const double unit = exponential(n.rate[l] * date.time) / n.strike[l];
    const double lowest = date.spot * exponential(date.shift) * growth[0];
    const double without_spot = KnownPath(o, d, 0.0).price();
    for (std::size_t i = 0; i < nodes; ++i) {
        const double left = fma(date.spot, growth[i * growth_stride], -date.cash);
        if (!(left < lowest)) return;
        values[i * stride] = unit * (left > 0.0 ? KnownPath(o, d, left).price() : without_spot);
    }
}

}  // namespace
}  // namespace atalanta
