// From the values of contracts to the numbers of a book. Entry: add_up.
#pragma once

#include <cstddef>
#include <cstdint>

namespace atalanta::risk {

// Sums weight * value over the contracts of each group, for every cell of a grid or list of scenarios.
// values: (contracts, cells); group: 0 to groups - 1, others are left out; totals: (groups, cells),
// overwritten. In the order of the contracts, so that the same book gives the same bits; NaN stays NaN.
inline void add_up(const double* values, std::size_t contracts, std::size_t cells, const double* weight,
                   const std::int32_t* group, std::size_t groups, double* totals) noexcept {
    for (std::size_t i = 0; i < groups * cells; ++i) totals[i] = 0.0;
    for (std::size_t c = 0; c < contracts; ++c) {
        if (group[c] < 0 || static_cast<std::size_t>(group[c]) >= groups) continue;
        double* const into = totals + static_cast<std::size_t>(group[c]) * cells;
        const double* const from = values + c * cells;
        for (std::size_t i = 0; i < cells; ++i) into[i] += weight[c] * from[i];
    }
}

}  // namespace atalanta::risk
