#include "bind/memory/result_arrays.hpp"

#include <cstdint>

#include "bind/memory/buffer_type.hpp"

namespace atalanta::bind {
namespace {

constexpr std::size_t kLeastPooled = std::size_t{8} << 10;  // below, NumPy's allocator is as quick
constexpr std::size_t kLine = 8;                            // doubles in a cache line
constexpr std::size_t kRowsToAlign = 256;

// Bytes of an array, or 0 where it is not for the pool: NumPy has its own word on what is too large.
std::size_t pooled_bytes(std::size_t item_bytes, const Shape& shape) {
    std::size_t bytes = item_bytes;
    for (const py::ssize_t extent : shape) {
        if (__builtin_mul_overflow(bytes, static_cast<std::size_t>(extent), &bytes)) return 0;
    }
    return bytes >= kLeastPooled ? bytes : 0;
}

// Null when the pool has none, which it counts.
void* take(memory::Pool* pool, std::size_t bytes, Purpose purpose) {
    if (pool == nullptr) return nullptr;
    void* data = pool->acquire(bytes, tag_of(purpose));
    if (data == nullptr) pool->fell_back(tag_of(purpose));
    return data;
}

}  // namespace

py::array result_array(const py::dtype& dtype, const Shape& shape, Purpose purpose) {
    const std::size_t bytes = pooled_bytes(static_cast<std::size_t>(dtype.itemsize()), shape);
    memory::Pool* pool = bytes == 0 ? nullptr : process_pool();
    void* data = take(pool, bytes, purpose);
    if (data == nullptr) return py::array(dtype, shape);
    return array_in_pool(nullptr, *pool, data, bytes, dtype, shape.size(), shape.data());
}

Doubles result_columns(const Shape& shape, Purpose purpose) {
    const auto columns = static_cast<std::size_t>(shape[0]);
    std::size_t rows = 1;
    for (std::size_t d = 1; d < shape.size(); ++d) rows *= static_cast<std::size_t>(shape[d]);
    if (rows < kRowsToAlign) return result_array<double>(shape, purpose);
    const std::size_t lines = (rows + kLine - 1) / kLine | 1;
    const Doubles storage =
        result_array<double>({static_cast<py::ssize_t>((columns * lines + 1) * kLine)}, purpose);
    const auto address = reinterpret_cast<std::uintptr_t>(storage.data()) / sizeof(double);
    const double* first = storage.data() + (kLine - address % kLine) % kLine;
    Shape strides(shape.size(), sizeof(double));
    for (std::size_t d = shape.size() - 1; d > 1; --d) strides[d - 1] = strides[d] * shape[d];
    strides[0] = static_cast<py::ssize_t>(lines * kLine * sizeof(double));
    return Doubles(shape, strides, first, storage);
}

}  // namespace atalanta::bind
