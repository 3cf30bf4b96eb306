// How a hot function enters Python: a vectorcall, the border for exceptions, the GIL around the work.
#pragma once

#include <exception>
#include <new>

#include "bind/arguments.hpp"

namespace atalanta::bind {

// Below this many rows of the closed form, letting other threads run costs more than the work. Rows of
// another method count for as many: each takes microseconds.
constexpr std::size_t kRowsToReleaseGil = 256;

class ReleasedGil {
  public:
    explicit ReleasedGil(std::size_t rows)
        : state_(rows >= kRowsToReleaseGil ? PyEval_SaveThread() : nullptr) {}
    ~ReleasedGil() {
        if (state_ != nullptr) PyEval_RestoreThread(state_);  // never unwinds, see ending.hpp
    }
    ReleasedGil(const ReleasedGil&) = delete;
    ReleasedGil& operator=(const ReleasedGil&) = delete;

  private:
    PyThreadState* state_;
};

// Interned for the life of the process, as the functions are.
template <std::size_t N>
std::array<PyObject*, N> interned(const char* const (&names)[N]) {
    std::array<PyObject*, N> objects;
    for (std::size_t i = 0; i < N; ++i) objects[i] = PyUnicode_InternFromString(names[i]);
    return objects;
}

using Function = py::object (*)(PyObject* const*, Py_ssize_t, PyObject*);

// The border: C++ exceptions become Python's. Not noexcept, and without a catch-all: see ending.hpp.
template <Function function>
PyObject* guarded(PyObject*, PyObject* const* given, Py_ssize_t positional, PyObject* keywords) {
    try {
        return function(given, positional, keywords).release().ptr();
    } catch (py::error_already_set& error) {
        error.restore();
    } catch (const py::builtin_exception& error) {
        error.set_error();
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
    } catch (const std::exception& error) {
        PyErr_SetString(PyExc_ValueError, error.what());
    }
    return nullptr;
}

// home: the module whose attribute `name` is, for pickle; attribute: the name in the extension.
template <Function function>
void add_function(py::module_& module, const char* home, const char* attribute, const char* name,
                  const char* documentation) {
    static PyMethodDef definition = {
        name, reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(&guarded<function>)),
        METH_FASTCALL | METH_KEYWORDS, documentation};
    const py::str module_name(home);
    PyObject* object = PyCFunction_NewEx(&definition, nullptr, module_name.ptr());
    if (object == nullptr) throw py::error_already_set();
    module.attr(attribute) = py::reinterpret_steal<py::object>(object);
}

template <Function function>
void add_function(py::module_& module, const char* name, const char* documentation) {
    add_function<function>(module, "atalanta", name, name, documentation);
}

}  // namespace atalanta::bind
