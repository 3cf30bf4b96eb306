// The Python type `Awaited`: a call of a coroutine function behind a policy, itself a coroutine. It drives
// the function's own coroutine natively; when that fails, it goes on with the policy's `_arecover`. Entry:
// new_awaited.
#pragma once

#include "bind/reliability/policy_type.hpp"

namespace atalanta::bind {

PyTypeObject* make_awaited_type();

// Not begun before it is awaited. Takes over the references to the arguments; null with an exception set on
// failure.
PyObject* new_awaited(PolicyObject* policy, PyObject* function, PyObject* arguments, PyObject* keywords);

}  // namespace atalanta::bind
