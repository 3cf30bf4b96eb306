// What the tests of American options share.
#pragma once

#include "european_batch.hpp"
#include "pricing/american/collocation.hpp"

namespace atalanta::testing {

constexpr double kTolerances[] = {1e-4, 3e-5, 5e-7, 1e-7};

// First-order outputs, in calls of at most `chunk` rows.
inline Outputs collocated(const Batch& batch, double tolerance, int threads = 1,
                          std::size_t chunk = 1 << 20) {
    Outputs out(kGreeksOfOrder[1], std::vector<double>(batch.size(), -12345.0));
    GreekColumns columns{};
    for (std::size_t c = 0; c < out.size(); ++c) columns.data[c] = out[c].data();
    for (std::size_t first = 0; first < batch.size(); first += chunk) {
        const std::size_t count = batch.size() - first < chunk ? batch.size() - first : chunk;
        collocation_greeks(batch.rows().slice(first, count), tolerance, columns.from(first), threads);
    }
    return out;
}

inline Outputs collocated(const Row& row, double tolerance) {
    Batch batch;
    batch.add(row);
    return collocated(batch, tolerance);
}

inline double collocated_price(const Row& row, double tolerance) {
    return collocated(row, tolerance)[0][0];
}

// Runs with every instruction set that the machine has, and puts the one before back.
template <class Body>
void with_every_instruction_set(Body&& body) {
    const KernelSet& before = active_kernels();
    for (const KernelSet* kernels : available()) {
        select_kernels(kernels->name);
        body(*kernels);
    }
    select_kernels(before.name);
}

// Wider than any market: total vol of 0.001 to 6, every sign of carry, exercise that pays and that does not.
inline Row american_row_of(Random& random) {
    const double years = random.log_uniform(0.001, 6.0), vol = random.log_uniform(0.03, 2.5);
    const double deviations = random.uniform(-1.5, 1.5), total_vol = vol * std::sqrt(years);
    const double strike = 100.0, spot = strike * std::exp(deviations * (total_vol < 1.0 ? total_vol : 1.0));
    const double right = random.uniform(0.0, 1.0) < 0.5 ? 1.0 : -1.0;
    const double own = random.uniform(0.0, 0.12), other = random.uniform(-0.03, 0.12);
    return {right > 0.0 ? 1 : -1,      spot, strike, years, right > 0.0 ? other : own,
            right > 0.0 ? own : other, vol};
}

inline Batch american_batch(std::size_t size) {
    Batch batch;
    Random random;
    for (std::size_t i = 0; i < size; ++i) batch.add(american_row_of(random));
    return batch;
}

inline double intrinsic(const Row& row) {
    return row.right * (row.spot - row.strike);
}

}  // namespace atalanta::testing
