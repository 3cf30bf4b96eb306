// Time and chance for breakers and policies: the system's, or what Python injected. Null stands for the
// system's.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>

namespace atalanta::bind {

namespace py = pybind11;

// Raises whatever the clock raises.
std::uint64_t now_ns(PyObject* clock);

// In [0, 1).
double chance(PyObject* random);

// A duration in seconds as nanoseconds, rounded; 0 for what is not above 0, the largest for what is too long.
std::uint64_t to_ns(double seconds) noexcept;

// Takes the exception that is set, with its traceback; a new reference.
PyObject* taken_exception();

}  // namespace atalanta::bind
