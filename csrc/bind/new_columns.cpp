#include "bind/new_columns.hpp"

#include <cstdint>

namespace atalanta::bind {
namespace {

constexpr std::size_t kLine = 8;  // doubles in a cache line
constexpr std::size_t kRowsToAlign = 256;

}  // namespace

Doubles new_columns(const Shape& shape) {
    const auto columns = static_cast<std::size_t>(shape[0]);
    std::size_t rows = 1;
    for (std::size_t d = 1; d < shape.size(); ++d) rows *= static_cast<std::size_t>(shape[d]);
    if (rows < kRowsToAlign) return Doubles(shape);
    const std::size_t lines = (rows + kLine - 1) / kLine | 1;
    Doubles storage(static_cast<py::ssize_t>((columns * lines + 1) * kLine));
    const auto address = reinterpret_cast<std::uintptr_t>(storage.data()) / sizeof(double);
    const double* first = storage.data() + (kLine - address % kLine) % kLine;
    Shape strides(shape.size(), sizeof(double));
    for (std::size_t d = shape.size() - 1; d > 1; --d) strides[d - 1] = strides[d] * shape[d];
    strides[0] = static_cast<py::ssize_t>(lines * kLine * sizeof(double));
    return Doubles(shape, strides, first, storage);
}

}  // namespace atalanta::bind
