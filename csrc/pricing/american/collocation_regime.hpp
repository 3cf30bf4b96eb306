// Which method an American option with a continuous yield needs, told by the row's own numbers alone: a
// result must not depend on the batch that the row came in.
#pragma once

#include "pricing/columns.hpp"

namespace atalanta {

struct AmericanRow {
    double right, spot, strike, years, rate, dividend_yield, vol;

    bool is_call() const { return right > 0.0; }
    // As a put: the call's spot is the put's strike, its rate the put's yield.
    double put_spot() const { return is_call() ? strike : spot; }
    double put_strike() const { return is_call() ? spot : strike; }
    double put_rate() const { return is_call() ? dividend_yield : rate; }
    double put_yield() const { return is_call() ? rate : dividend_yield; }
};

AmericanRow american_row(const OptionRows& rows, std::size_t i) noexcept;

enum class Regime : std::uint8_t {
    undefined,        // a bad domain
    certain,          // nothing random: no time, vol, spot or strike
    european,         // exercise never pays
    double_boundary,  // it pays between two boundaries
    perpetual,        // so much vol, or drift away from exercise, that the expiry cannot be told from none
    collocation,      // below one boundary, in the form of a put
};

Regime regime_of(const AmericanRow& row) noexcept;

// Whether the drift takes the spot so far from exercise, in deviations, that the expiry plays no part: the
// option is perpetual to a billionth of its value. Requires that exercise pays.
bool drift_rules(const AmericanRow& row) noexcept;

// Index of kCollocationSizes that keeps the error of this row within tolerance.
std::size_t collocation_class(const AmericanRow& row, double tolerance) noexcept;

}  // namespace atalanta
