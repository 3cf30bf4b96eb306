// American options without an expiry, or with so much volatility or drift that one cannot be told: Merton
// (1973).
#pragma once

#include "pricing/american/collocation_regime.hpp"

namespace atalanta {

struct PerpetualPut {
    double boundary;                             // the put is exercised at or below it
    double value, delta, gamma, vega, rho, phi;  // above it; theta is 0
};

// On a unit strike, from the put's spot, rate and yield. Requires rate > 0, or rate = 0 and yield < 0.
PerpetualPut perpetual_put(double spot, double rate, double dividend_yield, double vol) noexcept;

}  // namespace atalanta
