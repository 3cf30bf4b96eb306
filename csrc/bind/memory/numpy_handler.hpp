// A pool as NumPy's memory handler (NEP 49). Main entries: `numpy_handler`, `set_numpy_handler`.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>

namespace atalanta::bind {

namespace py = pybind11;

// A handler that takes arrays of at least `least_bytes` from the pool, under a tag, and leaves others to the
// handler in force now; those too for which the pool has no memory, if `fall_back`. It and the pool live for
// ever: an array remembers the handler that made it.
py::object numpy_handler(py::object pool, std::size_t least_bytes, const py::str& tag, bool fall_back);

// Puts a handler in force in this context (None: NumPy's own); the one before.
py::object set_numpy_handler(const py::object& handler);

}  // namespace atalanta::bind
