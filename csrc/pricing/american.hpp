// What a listed option is: American or European exercise, with a continuous yield and cash dividends. Price,
// Greeks and implied volatility over columns; each row goes to the method that suits it.
#pragma once

#include "pricing/columns.hpp"
#include "pricing/dividends.hpp"

namespace atalanta {

enum class Exercise : std::uint8_t { european, american };

// The error of a price that is aimed at, for a strike of 100: of American exercise with a yield alone (the
// largest), and where there are cash dividends (of most rows; see ladder/ladder.hpp).
struct Tolerance {
    double yield, cash;
};
inline constexpr Tolerance kFast = {1e-4, 2e-3};
inline constexpr Tolerance kStandard = {3e-5, 5e-4};
inline constexpr Tolerance kPrecise = {5e-7, 1e-5};
inline constexpr double kLeastTolerance = 1e-7, kLargestTolerance = 1e-2;

// What the rows of a call have in common.
struct Terms {
    Exercise exercise;
    DividendSchedules dividends;
    Tolerance tolerance;
};

// All of these: rows are independent, so that results do not depend on the batch or on threads (0: the
// default); a bad domain gives NaN; outputs must not overlap inputs and hold rows.size values each. They
// throw std::invalid_argument when ATALANTA_ISA is wrong, std::bad_alloc when there is no memory.

void price(const OptionRows& rows, const Terms& terms, double* out, int threads = 0);

// Fills the columns of order 1 that are not null; price, delta, gamma and theta together cost what price
// does. dividend_delta: dV/d(cash) of each entry that counts for a row, d-major: entry d of row i at
// dividend_delta[d * rows.size + i], d below the longest schedule; 0 where a row has fewer. May be null.
void greeks(const OptionRows& rows, const Terms& terms, const GreekColumns& out, double* dividend_delta,
            int threads = 0);

// start: volatilities to begin with, NaN or null where unknown. vol is NaN where status is not ok; status may
// be null.
void implied_vol(const QuotedRows& rows, const Terms& terms, const double* start, double* vol,
                 ImpliedVolStatus* status, int threads = 0);

}  // namespace atalanta
