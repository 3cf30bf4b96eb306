// The Python type `Answer`: a value, and where it is from. Made on every call of a policy, which is why it is
// native.
#pragma once

#include <pybind11/pybind11.h>

namespace atalanta::bind {

// Makes the type; null with an exception set on failure.
PyTypeObject* make_answer_type();

// A live answer: takes over the reference to `value`. Null with an exception set on failure.
PyObject* new_live_answer(PyObject* value, bool late);

}  // namespace atalanta::bind
