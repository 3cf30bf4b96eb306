// The forward that the calls and puts of one expiry agree on, with its standard error: put-call parity,
// weighted and robust, for a discount that is known. The method is that of atalanta.market.analysis.parity,
// pair by pair on the stack. Main entry: fit_forward.
#pragma once

#include <cstddef>
#include <span>

namespace atalanta::streaming {

inline constexpr std::size_t kMostPairs = 32;  // that take part in a fit

struct ParityPair {
    double strike;
    double parity;  // mid of the call less that of the put
    double spread;  // root of the sum of the squares of both spreads; above 0
};

struct ParityForward {
    double forward;    // NaN where the pairs tell none
    double error;      // its standard error
    double effective;  // pairs that tell it: those far away or off the line count less
};

// Up to kMostPairs pairs; more are left out.
ParityForward fit_forward(std::span<const ParityPair> pairs, double discount) noexcept;

}  // namespace atalanta::streaming
