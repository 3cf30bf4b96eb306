// What the tests of American options share.
#pragma once

#include "european_batch.hpp"
#include "pricing/american/collocation.hpp"

namespace atalanta::testing {

// First-order outputs.
inline Outputs collocated(const Batch& batch, double tolerance, int threads = 1) {
    Outputs out(kGreeksOfOrder[1], std::vector<double>(batch.size(), -12345.0));
    GreekColumns columns{};
    for (std::size_t c = 0; c < out.size(); ++c) columns.data[c] = out[c].data();
    collocation_greeks(batch.rows(), tolerance, columns, threads);
    return out;
}

}  // namespace atalanta::testing
