// American options with a continuous yield and no cash dividends, by collocation of the exercise boundary.
// Any rates: where exercise never pays the value is the European one. Rows are independent of each other.
#pragma once

#include "pricing/columns.hpp"

namespace atalanta {

// tolerance: the largest error of a price for a strike of 100, from 1e-7 to 1e-2. Fills the columns of order 1
// that are not null; NaN where a row's domain is bad.
void collocation_greeks(const OptionRows& rows, double tolerance, const GreekColumns& out, int threads);

}  // namespace atalanta
