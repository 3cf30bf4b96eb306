// Rows for the GPU kernels: batches packed as the kernels read them, run by the emulation, joined to doubles;
// and the devices' flush-to-zero mode.
#pragma once

#include <algorithm>

#include "european_batch.hpp"
#include "gpu/emulated.hpp"
#include "pricing/european.hpp"

namespace atalanta::testing {

// x as `width` floats whose sum it is.
inline std::vector<float> parts_of(const std::vector<double>& column, int width) {
    std::vector<float> parts;
    for (double x : column) {
        for (int k = 0; k < width; ++k) {
            parts.push_back(static_cast<float>(x));
            x -= static_cast<double>(parts.back());
        }
    }
    return parts;
}

// Subnormal inputs and results of float arithmetic become zero while this lives, as on many devices.
class FlushToZero {
  public:
    explicit FlushToZero(bool wanted) : wanted_(wanted), before_(control()) {
        if (wanted) set_control(before_ | kFlush);
    }
    ~FlushToZero() {
        if (wanted_) set_control(before_);
    }
    FlushToZero(const FlushToZero&) = delete;
    FlushToZero& operator=(const FlushToZero&) = delete;

  private:
#if defined(__x86_64__)
    static constexpr unsigned kFlush = 0x8040;
    static unsigned control() { return __builtin_ia32_stmxcsr(); }
    static void set_control(unsigned value) { __builtin_ia32_ldmxcsr(value); }
#elif defined(__aarch64__)
    static constexpr unsigned kFlush = 1u << 24;
    static unsigned control() {
        unsigned long value;
        asm volatile("mrs %0, fpcr" : "=r"(value));
        return static_cast<unsigned>(value);
    }
    static void set_control(unsigned value) { asm volatile("msr fpcr, %0" : : "r"((unsigned long)value)); }
#endif
    bool wanted_;
    unsigned before_;
};

struct KernelRun {
    gpu::Widths widths;
    int results;
    void (*emulate)(const gpu::Arguments&);
};

// Columns are right, spot, strike, years, rate, dividend_yield, vol or price.
inline Outputs emulate(const KernelRun& kernel, const std::vector<double> (&columns)[7], bool last_is_price,
                       bool flush) {
    const int rows = static_cast<int>(columns[0].size()), width = kernel.widths.result;
    const int layout[gpu::kLayoutSize] = {rows, 1, 1, 1, 1, 1, 1, 1};
    std::vector<float> packed[7], value(static_cast<std::size_t>(rows * kernel.results * width), -1.0f);
    gpu::Arguments arguments{layout, {}, value.data()};
    for (std::size_t c = 0; c < 7; ++c) {
        const bool money = c == 1 || c == 2 || (c == 6 && last_is_price);
        packed[c] = parts_of(columns[c], c == 0 ? 1 : money ? kernel.widths.money : kernel.widths.plain);
        arguments.columns[c] = packed[c].data();
    }
    {
        const FlushToZero mode(flush);
        kernel.emulate(arguments);
    }
    Outputs out(static_cast<std::size_t>(kernel.results));
    const float* next = value.data();
    for (std::vector<double>& column : out) {
        for (int i = 0; i < rows; ++i, next += width) {
            column.push_back(static_cast<double>(next[0]) +
                             (width == 2 ? static_cast<double>(next[1]) : 0.0));
        }
    }
    return out;
}

// A market's options and more: spot 50 to 150, strikes e^-0.6 to e^0.6 of it, 0.02 to 2 years, vols 8 to 80
// %.
inline Row market_row(Random& random) {
    const double spot = random.uniform(50.0, 150.0);
    return {random.uniform(0.0, 1.0) < 0.5 ? 1 : -1,
            spot,
            spot * std::exp(random.uniform(-0.6, 0.6)),
            random.uniform(0.02, 2.0),
            random.uniform(-0.01, 0.08),
            random.uniform(-0.01, 0.05),
            random.uniform(0.08, 0.8)};
}

// The most elastic rows of the domain: little total volatility, 3 to 6 standard deviations out of the money.
inline Row elastic_row(Random& random) {
    const double spot = random.uniform(50.0, 150.0), years = random.log_uniform(0.001, 1.0);
    const double total = random.log_uniform(0.004, 0.03), rate = random.uniform(-0.02, 0.05);
    const double yield = random.uniform(0.0, 0.03), side = random.uniform(0.0, 1.0) < 0.5 ? 1.0 : -1.0;
    const double away = side * total * random.uniform(3.0, 6.0);
    return {side > 0.0 ? 1 : -1,     spot, spot * std::exp((rate - yield) * years + away), years, rate, yield,
            total / std::sqrt(years)};
}

}  // namespace atalanta::testing
