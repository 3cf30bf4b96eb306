// Cash dividends as columns: one schedule per underlying, rows pointing to theirs.
#pragma once

#include <cstddef>
#include <cstdint>

#include "pricing/columns.hpp"

namespace atalanta {

// The spot falls by min(cash, spot) at each ex-date (the spot model). Schedule k is the entries from
// offsets[k] to offsets[k + 1]. Entries with 0 < years < the years of a row count for it; later ones do not
// touch it.
struct DividendSchedules {
    std::size_t count;           // schedules; 0 when no row has a dividend, and then all else may be null
    const std::size_t* offsets;  // count + 1, ascending, the first one 0
    const double* years;         // to the ex-date, ascending within a schedule, > 0
    const double* cash;          // per share, >= 0
    Column<std::int32_t> of;     // the schedule of each row; -1 for none
};

}  // namespace atalanta
