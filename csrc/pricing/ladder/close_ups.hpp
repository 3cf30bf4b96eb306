// Where the nodes of ladders do not see a kink, and what such options are worth about it. Entries:
// find_close_ups, call_boundary_before.
#pragma once

#include <cstdint>
#include <vector>

#include "pricing/ladder/ladders.hpp"

namespace atalanta {

struct FoundCloseUp {
    std::size_t row;
    LadderCloseUp shape;
    std::vector<double> values;  // of its nodes
};

// Of calls whose first date is so near that the kink of exercise before it lies inside a cell: as
// ladder_greeks would price its nodes, but for the first and the last, which are those of the ladder. Solves
// some forty options for each.
std::vector<FoundCloseUp> find_close_ups(const Ladders& ladders, const std::vector<LadderOption>& options,
                                         double tolerance, int threads);

// The lowest spot from which a call is worth no more alive just after a date than exercised just before it:
// the difference grows with the spot. Infinity where there is none, NaN without a ladder. after: ladder `row`
// is that of the call after the date.
double call_boundary_before(const Ladders& after, std::uint32_t row, double strike, double cash);

}  // namespace atalanta
