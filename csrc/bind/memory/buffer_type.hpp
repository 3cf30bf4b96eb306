// The Python type `Buffer`: a block of a pool as an object. Arrays keep one as their base; it gives the block
// back when the last view has gone, in whatever thread that happens. Main entries: `new_buffer`,
// `array_in_pool`.
#pragma once

#include <pybind11/numpy.h>

#include <cstddef>

#include "memory/pool.hpp"

namespace atalanta::bind {

namespace py = pybind11;

struct PoolObject;

// Makes the type; called once, when the module is loaded. Null with an exception set on failure.
PyTypeObject* make_buffer_type();

// A buffer that owns `data`, a block of `bytes` bytes from the pool. `owner` keeps that pool alive; null: it
// is the process's, which never ends. `lent` says that an array is about to use it as its base, so that it
// cannot be released by hand. Null with an exception set; the block is then released.
PyObject* new_buffer(PoolObject* owner, memory::Pool& pool, void* data, std::size_t bytes, bool lent);

// A C-contiguous array with such a buffer as its base.
py::array array_in_pool(PoolObject* owner, memory::Pool& pool, void* data, std::size_t bytes, py::dtype dtype,
                        std::size_t dimensions, const Py_intptr_t* extents);

}  // namespace atalanta::bind
