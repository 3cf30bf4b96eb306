// Options with cash dividends, American and European, on finite-difference grids, one option per vector lane.
// The spot falls by min(cash, spot) at each ex-date; between them it is lognormal with a continuous yield.
#pragma once

#include "pricing/american.hpp"

namespace atalanta {

// Rows with and without cash dividends. Fills the columns of order 1 that are not null; dividend_delta as in
// american.hpp. Throws std::bad_alloc, and std::invalid_argument when ATALANTA_ISA is wrong.
// terms.tolerance.cash, for a strike of 100, is what the error of most rows stays below, no bound: see
// docs/rooms/american.md for where it is not to be trusted. A vol sqrt(years)
// above 60 gives NaN.
void ladder_greeks(const OptionRows& rows, const Terms& terms, const GreekColumns& out,
                   double* dividend_delta, int threads = 0);

// start: volatilities to begin with, NaN or null where unknown; vol is NaN where status is not ok, status may
// be null. The price at the answer is within terms.tolerance.cash of the quote where the quote is worth a
// volatility sqrt(years) of at most 8; beyond, the status is above_bound.
void ladder_implied_vol(const QuotedRows& rows, const Terms& terms, const double* start, double* vol,
                        ImpliedVolStatus* status, int threads = 0);

// Whether and where an American option is exercised early, on the known dividends. boundary: the spot at
// which exercise is optimal now, puts at or below, calls at or above; 0 for puts, infinity for calls where it
// nowhere is. probability: that the option is exercised before its expiry, under the pricing measure, from
// the present spot. Either may be null. European terms give never and 0.
void ladder_early_exercise(const OptionRows& rows, const Terms& terms, double* boundary, double* probability,
                           int threads = 0);

}  // namespace atalanta
