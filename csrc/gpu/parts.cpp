#include "gpu/parts.hpp"

#include "base/thread_pool.hpp"

namespace atalanta::gpu {
namespace {

constexpr std::size_t kGrain = 1 << 15;  // rows of a thread at a time

template <int width>
void split_rows(const double* __restrict column, std::size_t rows, float* __restrict parts) {
    for (std::size_t i = 0; i < rows; ++i) {
        double left = column[i];
        for (int k = 0; k < width; ++k) {
            const float part = static_cast<float>(left);
            parts[i * width + static_cast<std::size_t>(k)] = part;
            left -= static_cast<double>(part);
        }
    }
}

}  // namespace

void split(const double* column, std::size_t rows, int width, float* parts) {
    const auto rows_of = width == 1 ? split_rows<1> : width == 2 ? split_rows<2> : split_rows<3>;
    parallel_ranges(rows, kGrain, 0, [&](std::size_t first, std::size_t count) {
        rows_of(column + first, count, parts + first * static_cast<std::size_t>(width));
    });
}

void join(const float* pairs, std::size_t rows, double* column) {
    parallel_ranges(rows, kGrain, 0, [&](std::size_t first, std::size_t count) {
        for (std::size_t i = first; i < first + count; ++i) {
            column[i] = static_cast<double>(pairs[2 * i]) + static_cast<double>(pairs[2 * i + 1]);
        }
    });
}

}  // namespace atalanta::gpu
