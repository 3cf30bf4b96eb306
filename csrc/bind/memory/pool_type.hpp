// The Python type `Pool`: the native part of `atalanta.BufferPool`. `acquire` and `buffer` use CPython's
// protocols directly, because a general binding's handling of arguments costs more than a block.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#include "memory/pool.hpp"

namespace atalanta::bind {

namespace py = pybind11;

struct PoolObject {
    PyObject_HEAD memory::Pool* pool;
    PyObject* tags;           // name to number
    PyObject* last_tag_name;  // the one that was asked for last, kept alive, and its number
    memory::Tag last_tag;
    bool shared;  // the process's pool, which this object does not end
};

// Makes the type; null with an exception set on failure.
PyTypeObject* make_pool_type();

// The pool behind an object of that type or of one derived from it; TypeError for anything else.
memory::Pool& pool_of(PyObject* object);

// The number of a tag, which it gets at its first use; raises InputError when there are too many.
memory::Tag tag_number(PoolObject* self, PyObject* name);

// Raises what a refused request deserves: InputError, BufferLimitError or MemoryError.
[[noreturn]] void raise_refusal(const char* origin, memory::Pool& pool, memory::Refusal refusal,
                                std::size_t bytes);

}  // namespace atalanta::bind
