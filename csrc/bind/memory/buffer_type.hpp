// The Python type `Buffer`: a block of a pool as an object. Arrays keep one as their base; it gives the block
// back when the last view has gone, in whatever thread that happens. Main entries: `new_buffer`,
// `buffer_type`.
#pragma once

#include <Python.h>

#include <cstddef>

namespace atalanta::bind {

struct PoolObject;

// Makes the type; called once, when the module is loaded. Null with an exception set on failure.
PyTypeObject* make_buffer_type();

// A buffer that owns `data`, a block of `bytes` bytes from the pool. `lent` says that an array is about to
// use it as its base, so that it cannot be released by hand. Null with an exception set; the block is then
// released.
PyObject* new_buffer(PoolObject* pool, void* data, std::size_t bytes, bool lent);

}  // namespace atalanta::bind
