// New arrays for results, uninitialised. Large ones live in the process's pool, whose memory is warm: the
// first touch of fresh memory costs more than a price. Small ones, and all when the pool is at its limit, are
// NumPy's own. Main entries: `result_array`, `result_columns`.
#pragma once

#include "bind/memory/process_pool.hpp"
#include "bind/rows.hpp"

namespace atalanta::bind {

// C-contiguous, of any type that pybind11 knows as a NumPy scalar.
py::array result_array(const py::dtype& dtype, const Shape& shape, Purpose purpose);

template <class Number>
py::array_t<Number, py::array::c_style | py::array::forcecast> result_array(const Shape& shape,
                                                                            Purpose purpose) {
    return result_array(py::dtype::of<Number>(), shape, purpose);
}

// A new array of columns along its first axis, each contiguous. Long ones each start a cache line, an odd
// number of lines after the one before: a vector of results stored across two lines costs twice, and columns
// at the same places of their pages would share few lines of the cache.
Doubles result_columns(const Shape& shape, Purpose purpose);

}  // namespace atalanta::bind
