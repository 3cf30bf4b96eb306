// What the public functions of collocation.hpp are made of: a few hundred rows at a time.
#pragma once

#include "pricing/columns.hpp"

namespace atalanta {

inline constexpr std::size_t kPieceRows = 256;

// At most kPieceRows rows; as collocation_greeks.
void piece_greeks(const OptionRows& rows, double tolerance, const GreekColumns& out) noexcept;

// At most kPieceRows rows; as collocation_implied_vol.
void piece_implied_vol(const QuotedRows& rows, double tolerance, const double* start, double* vol,
                       ImpliedVolStatus* status) noexcept;

// At most kPieceRows rows; as collocation_boundary, where time k of row i goes to [k * stride + i].
void piece_boundary(const OptionRows& rows, double tolerance, const double* remaining, std::size_t times,
                    std::size_t stride, double* out, double* other) noexcept;

}  // namespace atalanta
