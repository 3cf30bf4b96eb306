// The Python type `Answer`: a value, and where it is from. Made on every call of a policy, which is why it is
// native.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>

namespace atalanta::bind {

// Makes the type; null with an exception set on failure.
PyTypeObject* make_answer_type();

bool is_answer(PyObject* object) noexcept;

enum class Origin : std::uint8_t { live, fallback, cached };
Origin origin_of(PyObject* answer);

// An answer as it stands, late if it was or if `late`; takes over the reference to it. Null with an exception
// set on failure.
PyObject* merged_answer(PyObject* answer, bool late);

// A live answer: takes over the reference to `value`. Null with an exception set on failure.
PyObject* new_live_answer(PyObject* value, bool late);

}  // namespace atalanta::bind
