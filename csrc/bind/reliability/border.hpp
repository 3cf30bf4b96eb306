// The border of the types of this room: C++ exceptions become Python's.
#pragma once

#include <pybind11/pybind11.h>

#include <exception>

namespace atalanta::bind {

namespace py = pybind11;

// What the body gives; null with the exception set that it threw. Without a catch-all: see ending.hpp.
template <class Body>
PyObject* bordered(Body&& body) {
    try {
        return body();
    } catch (py::error_already_set& error) {
        error.restore();
    } catch (const py::builtin_exception& error) {
        error.set_error();
    } catch (const std::exception& error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
    }
    return nullptr;
}

}  // namespace atalanta::bind
