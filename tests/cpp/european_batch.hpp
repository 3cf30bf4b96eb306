// European rows for the tests: batches that own their columns, all outputs of a kernel row in calls of any
// size, comparison of bits, and reproducible ordinary and hostile rows.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "pricing/dispatch.hpp"

namespace atalanta::testing {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kOutputs = 13;

struct Row {
    int right;
    double spot, strike, years, rate, dividend_yield, vol;
};

using Outputs = std::vector<std::vector<double>>;  // [output][row]

struct Batch {
    std::vector<std::int8_t> right;
    std::vector<double> columns[6];

    void add(const Row& row) {
        const double values[] = {row.spot, row.strike, row.years, row.rate, row.dividend_yield, row.vol};
        right.push_back(static_cast<std::int8_t>(row.right));
        for (std::size_t c = 0; c < 6; ++c) columns[c].push_back(values[c]);
    }
    std::size_t size() const { return right.size(); }
    OptionRows rows() const {
        const auto column = [&](std::size_t c) { return Column<double>{columns[c].data(), false}; };
        return {size(),   {right.data(), false}, column(0), column(1), column(2), column(3), column(4),
                column(5)};
    }
};

// All outputs of an order, in calls of at most `chunk` rows.
inline Outputs run(const KernelSet& kernels, int order, const OptionRows& rows, std::size_t chunk) {
    Outputs out(kGreeksOfOrder[order], std::vector<double>(rows.size, -12345.0));
    GreekColumns columns{};
    for (std::size_t c = 0; c < out.size(); ++c) columns.data[c] = out[c].data();
    const auto greeks = order == 1   ? kernels.european->greeks_order_1
                        : order == 2 ? kernels.european->greeks_order_2
                                     : kernels.european->greeks_order_3;
    for (std::size_t first = 0; first < rows.size; first += chunk) {
        const std::size_t count = rows.size - first < chunk ? rows.size - first : chunk;
        if (order == 0) {
            kernels.european->price(rows.slice(first, count), out[0].data() + first);
        } else {
            greeks(rows.slice(first, count), columns.from(first));
        }
    }
    return out;
}

inline Outputs run(const KernelSet& kernels, const Batch& batch, int order = 3, std::size_t chunk = 1 << 20) {
    return run(kernels, order, batch.rows(), chunk);
}

// NaN equals NaN; otherwise every bit counts, the sign of zero too.
inline bool same_bits(double a, double b) {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

inline std::size_t differing(const Outputs& a, const Outputs& b) {
    std::size_t count = 0;
    for (std::size_t c = 0; c < a.size() && c < b.size(); ++c) {
        for (std::size_t i = 0; i < a[c].size(); ++i) count += !same_bits(a[c][i], b[c][i]);
    }
    return count;
}

inline std::vector<const KernelSet*> available() {
    std::vector<const KernelSet*> sets;
    for (const KernelSet* row : kernel_sets()) {
        if (supported(*row)) sets.push_back(row);
    }
    return sets;
}

inline bool is_fused(const KernelSet& kernels) {
    return kernels.required.fma || kernels.required.neon;
}

// A reproducible stream of doubles in [low, high).
struct Random {
    std::uint64_t state = 88172645463325252ULL;

    double uniform(double low, double high) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        return low + (high - low) * static_cast<double>(state >> 11) * 0x1p-53;
    }
    double log_uniform(double low, double high) { return std::exp(uniform(std::log(low), std::log(high))); }
    template <std::size_t N>
    double pick(const double (&values)[N]) {
        return values[static_cast<std::size_t>(uniform(0.0, N))];
    }
};

// Ordinary rows: calendar, moneyness and vol far wider than a market's.
inline Row ordinary_row(Random& random) {
    const double spot = random.log_uniform(1.0, 1000.0), years = random.log_uniform(1e-6, 40.0);
    const double vol = random.log_uniform(1e-4, 8.0), deviations = random.uniform(-9.0, 9.0);
    return {random.uniform(0.0, 1.0) < 0.5 ? 1 : -1,
            spot,
            spot * std::exp(deviations * vol * std::sqrt(years)),
            years,
            random.uniform(-0.02, 0.08),
            random.uniform(-0.01, 0.05),
            vol};
}

// Rows of every kind of badness, mixed with good values.
inline Row hostile_row(Random& random) {
    constexpr double amounts[] = {0.0,   -0.0, 5e-324, 1e-300, 1e-160,  1e-8, 1.0,   99.0, 100.0,
                                  100.0, 1e8,  1e160,  1e300,  1.7e308, kInf, -kInf, -1.0, kNaN};
    constexpr double rates[] = {0.0, 0.02, 0.05, -0.05, 3.0, -3.0, 500.0, -500.0, 1e200, kInf, -kInf, kNaN};
    constexpr double rights[] = {1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 0.0, 2.0, -128.0, 127.0};
    const auto amount = [&] { return random.uniform(0.0, 1.0) < 0.6 ? 100.0 : random.pick(amounts); };
    const auto small = [&] { return random.uniform(0.0, 1.0) < 0.6 ? 0.3 : random.pick(amounts); };
    const auto rate = [&] { return random.uniform(0.0, 1.0) < 0.6 ? 0.02 : random.pick(rates); };
    return {static_cast<int>(random.pick(rights)), amount(), amount(), small(), rate(), rate(), small()};
}

inline Batch mixed_batch(std::size_t size) {
    Batch batch;
    Random random;
    for (std::size_t i = 0; i < size; ++i) {
        batch.add(random.uniform(0.0, 1.0) < 0.8 ? ordinary_row(random) : hostile_row(random));
    }
    return batch;
}

}  // namespace atalanta::testing
