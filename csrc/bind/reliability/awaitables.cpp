#include "bind/reliability/awaitables.hpp"

#include "bind/reliability/moments.hpp"

namespace atalanta::bind {
namespace {

PyObject *g_throw = nullptr, *g_code = nullptr;

// A generator whose function `types.coroutine` has marked.
bool is_generator_based(PyObject* object) {
    if (!PyGen_CheckExact(object)) return false;
    const auto code = py::reinterpret_steal<py::object>(PyObject_GetAttr(object, g_code));
    if (!code) PyErr_Clear();
    return code && PyCode_Check(code.ptr()) &&
           (reinterpret_cast<PyCodeObject*>(code.ptr())->co_flags & CO_ITERABLE_COROUTINE) != 0;
}

}  // namespace

bool prepare_awaitables() {
    g_throw = PyUnicode_InternFromString("throw");
    g_code = PyUnicode_InternFromString("gi_code");
    return PyErr_Occurred() == nullptr;
}

bool can_be_awaited(PyObject* object) {
    const PyAsyncMethods* slots = Py_TYPE(object)->tp_as_async;
    return PyCoro_CheckExact(object) || (slots != nullptr && slots->am_await != nullptr) ||
           is_generator_based(object);
}

PyObject* driven(PyObject* awaitable) {
    if (PyCoro_CheckExact(awaitable) || is_generator_based(awaitable)) return Py_NewRef(awaitable);
    PyObject* iterator = Py_TYPE(awaitable)->tp_as_async->am_await(awaitable);
    if (iterator == nullptr || PyIter_Check(iterator)) return iterator;
    PyErr_Format(PyExc_TypeError, "__await__() returned non-iterator of type '%.100s'",
                 Py_TYPE(iterator)->tp_name);
    Py_DECREF(iterator);
    return nullptr;
}

PyObject* as_iterator(PySendResult status, PyObject* result) {
    if (status == PYGEN_NEXT || result == nullptr) return result;
    // An Answer is neither a tuple nor an exception: it may be given as it is.
    PyErr_SetObject(PyExc_StopIteration, result);
    Py_DECREF(result);
    return nullptr;
}

void raise_given(PyObject* const* given, Py_ssize_t count) {
    if (PyExceptionInstance_Check(given[0])) {
        PyErr_SetObject(PyExceptionInstance_Class(given[0]), given[0]);
    } else {
        PyErr_SetObject(given[0], count > 1 ? given[1] : nullptr);
    }
}

// As `await` has it, an iterator without
// throw() ends with what is thrown: a cancellation must not become an AttributeError, which is a failure.
PySendResult thrown_into(PyObject* inner, PyObject* const* given, Py_ssize_t count, PyObject*& result) {
    if (PyObject_HasAttr(inner, g_throw) == 0) {
        raise_given(given, count);
        return PYGEN_ERROR;
    }
    PyObject* arguments[4] = {inner, nullptr, nullptr, nullptr};
    for (Py_ssize_t i = 0; i < count && i < 3; ++i) arguments[i + 1] = given[i];
    result = PyObject_VectorcallMethod(g_throw, arguments, static_cast<std::size_t>(count) + 1, nullptr);
    if (result != nullptr) return PYGEN_NEXT;
    if (!PyErr_ExceptionMatches(PyExc_StopIteration)) return PYGEN_ERROR;
    const auto stop = py::reinterpret_steal<py::object>(taken_exception());
    result = PyObject_GetAttrString(stop.ptr(), "value");
    return result == nullptr ? PYGEN_ERROR : PYGEN_RETURN;
}

}  // namespace atalanta::bind
