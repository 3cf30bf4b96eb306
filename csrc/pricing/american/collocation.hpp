// American options with a continuous yield and no cash dividends: price, Greeks, implied volatility and the
// exercise boundary, by collocation of that boundary. Any rates: where exercise never pays the value is the
// European one, where it pays between two boundaries double_boundary.hpp takes over.
//   without vol, time, spot or strike   the best moment of the deterministic path
//   exercised now                       intrinsic value; delta +1 or -1, the other Greeks 0
//   bad domain                          NaN: as for European options, |rate| or |yield| times years > 300,
//                                       between two boundaries > kLargestDoubleExponent
// All: rows are independent, so that results depend neither on the batch nor on threads (0: the default);
// tolerance is the largest error of a price for a strike of 100, from 1e-7 to 1e-2; outputs must not
// overlap inputs and hold rows.size values each. They throw std::invalid_argument when ATALANTA_ISA is wrong.
#pragma once

#include "pricing/columns.hpp"

namespace atalanta {

// Fills the columns of order 1 that are not null. Price, delta, gamma and theta cost what price does.
void collocation_greeks(const OptionRows& rows, double tolerance, const GreekColumns& out, int threads);

// start: volatilities to begin with; null, or NaN in a row, where unknown. vol is NaN where status is not ok:
// below_intrinsic when the price is at or below what the option is worth without volatility, exercise now
// included. The last step of the search is below 2e-4 of vol, and what it leaves of second order: its price
// differs from the quote by less than 1e-6 of the larger of spot and strike. status may be null.
void collocation_implied_vol(const QuotedRows& rows, double tolerance, const double* start, double* vol,
                             ImpliedVolStatus* status, int threads);

// The spot at which exercise becomes optimal when the share remaining[k], 0 to 1, of a row's years is left:
// out[k * rows.size + i]; a put is exercised at or below it, a call at or above. 0 for puts, infinity for
// calls that are never exercised; NaN for a bad domain. Between two boundaries out is the one that a put
// meets from above, a call from below, and other the far one; NaN where exercise pays nowhere. other is NaN
// in every other row, and may be null. The spot of the rows plays no part.
void collocation_boundary(const OptionRows& rows, double tolerance, const double* remaining,
                          std::size_t times, double* out, double* other, int threads);

}  // namespace atalanta
