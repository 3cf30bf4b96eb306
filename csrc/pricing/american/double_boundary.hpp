// American options whose early exercise pays only in between two spots: puts with q < r < 0 and, by the
// symmetry of spot with strike and rate with yield, calls with r < q < 0. Andersen and Lake, "Fast American
// option pricing: the double-boundary case", Wilmott 2021. Entries: double_boundary_greeks,
// double_boundary_edges. Ordinary C++, compiled once; the same bits on every processor.
#pragma once

#include <span>

#include "pricing/columns.hpp"

namespace atalanta {

// right: +1 call, -1 put.
bool is_double_boundary(double right, double rate, double dividend_yield) noexcept;

// |yield| times years of a put, |rate| times years of a call: beyond it the edges cannot be told from their
// rounding, and were found wrongly without a sign of it.
inline constexpr double kLargestDoubleExponent = 10.0;

// Of the chosen rows; those outside the regime, outside the domain or beyond the largest exponent become NaN.
// Fills the columns of order 1 that are not null. tolerance: largest error of a price on a strike of 100, met
// down to 3e-7 up to an exponent of 2.3, to 1e-5 beyond. An option that is exercised now is worth its
// intrinsic value and has no sensitivity but delta. Chosen rows that follow each other with the same rates,
// vol and years share the work.
void double_boundary_greeks(const OptionRows& rows, std::span<const std::size_t> chosen, double tolerance,
                            const GreekColumns& out) noexcept;

// The spots between which a row is exercised with remaining[k] times its years left, at [k * rows.size +
// row]; NaN where exercise pays nowhere any more. remaining: 0 to 1.
void double_boundary_edges(const OptionRows& rows, double tolerance, const double* remaining,
                           std::size_t times, double* lower, double* upper) noexcept;

}  // namespace atalanta
