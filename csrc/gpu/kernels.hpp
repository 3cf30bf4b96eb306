// The device-neutral kernels: their text for Metal and CUDA, and the same text compiled for the host.
// Entries: kernels(), kernel_header(). All kernels have the parameters (layout, right, spot, strike, years,
// rate, dividend_yield, last; value), `last` being vol or price.
#pragma once

#include <span>
#include <string_view>

namespace atalanta::gpu {

inline constexpr int kLayoutSize = 8;  // rows, and the step of each of the seven columns: 0 or 1

// Floats per row of spot, strike and price; of years, rate, dividend_yield and vol; and of a result.
struct Widths {
    int money, plain, result;
};

struct Arguments {
    const int* layout;
    const float* columns[7];  // right, spot, strike, years, rate, dividend_yield, last
    float* value;
};

struct Kernel {
    std::string_view name, last, body;
    Widths widths;
    int results;  // columns of the output
    void (*emulate)(const Arguments&);
};

std::span<const Kernel> kernels();
std::string_view kernel_header();

}  // namespace atalanta::gpu
