// What `await` does with an object, natively: what it takes, what it drives, how it throws into it.
#pragma once

#include <pybind11/pybind11.h>

namespace atalanta::bind {

// Once, before the rest. False with an exception set on failure.
bool prepare_awaitables();

bool can_be_awaited(PyObject* object);

// What `await` drives; null with an exception set on failure.
PyObject* driven(PyObject* awaitable);

// The end of a coroutine as the iterator protocol has it; takes over the reference to the result.
PyObject* as_iterator(PySendResult status, PyObject* result);

// Sets the exception that throw() was given.
void raise_given(PyObject* const* given, Py_ssize_t count);

// What inner.throw() gave: the value of a StopIteration is its return.
PySendResult thrown_into(PyObject* inner, PyObject* const* given, Py_ssize_t count, PyObject*& result);

}  // namespace atalanta::bind
