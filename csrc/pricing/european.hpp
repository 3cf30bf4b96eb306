// European options under Black-Scholes-Merton: price, Greeks and implied volatility over columns, on the
// active instruction set and on several threads where the batch is large.
#pragma once

#include "pricing/columns.hpp"

namespace atalanta {

// All three: rows are independent; a bad domain gives NaN; outputs must not overlap inputs and hold rows.size
// values each. threads: 0 for the default. They throw std::invalid_argument only when ATALANTA_ISA is wrong.

void price(const OptionRows& rows, double* out, int threads = 0);

// order: 1, 2 or 3; fills the first kGreeksOfOrder[order] columns of `out`, which must not be null.
void greeks(const OptionRows& rows, int order, const GreekColumns& out, int threads = 0);

// vol is NaN where status is not ok; status may be null.
void implied_vol(const QuotedRows& rows, double* vol, ImpliedVolStatus* status, int threads = 0);

}  // namespace atalanta
