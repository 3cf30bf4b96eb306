// `call` and `acall` of a policy, as Python's vectorcall has them. What does not simply succeed is handed to
// methods of the derived class: `_run`, `_refused`, `_recover`, `_arun`.
#pragma once

#include "bind/reliability/policy_type.hpp"

namespace atalanta::bind {

// Once, before the first call. False with an exception set on failure.
bool prepare_policy_calls();

PyObject* policy_call(PyObject* policy, PyObject* const* given, Py_ssize_t count, PyObject* keyword_names);
PyObject* policy_acall(PyObject* policy, PyObject* const* given, Py_ssize_t count, PyObject* keyword_names);

}  // namespace atalanta::bind
