// Options whose schedules lie anywhere, priced as ladder_greeks prices rows.
#pragma once

#include <vector>

#include "pricing/ladder/problem.hpp"

namespace atalanta {

// One reading per option.
std::vector<LadderReading> readings_of_options(const std::vector<LadderOption>& options, double tolerance,
                                               int threads);

}  // namespace atalanta
