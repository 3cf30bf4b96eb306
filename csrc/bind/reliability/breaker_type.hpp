// The Python type `Breaker`: the native breaker under the same memory, with Python's clock and chance where
// they are injected. A change calls the method `_changed`, which the package's own class overrides.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#include "bind/reliability/moments.hpp"
#include "reliability/breaker.hpp"

namespace atalanta::bind {

struct BreakerObject {
    PyObject_HEAD std::shared_ptr<reliability::Breaker> breaker;
    PyObject *clock, *random;  // null: the system's
};

// Makes the type; null with an exception set on failure.
PyTypeObject* make_breaker_type();

// The object behind `object`, a Breaker or a class derived from it; TypeError for anything else.
BreakerObject* breaker_of(PyObject* object);

// A new object over a breaker that native code uses too.
PyObject* new_breaker(std::shared_ptr<reliability::Breaker> breaker);

// Calls `_changed` where something changed.
void tell(BreakerObject* self, const reliability::Outcome& outcome);

// As the native ones, told to `_changed`. The time is read where it is needed.
std::uint64_t enter(BreakerObject* self);
void succeed(BreakerObject* self, std::uint64_t permit, std::uint64_t start_ns);
void fail(BreakerObject* self, std::uint64_t permit, std::uint64_t start_ns);

}  // namespace atalanta::bind
