#include "bind/reliability/policy_call.hpp"

#include "bind/arguments.hpp"
#include "bind/ending.hpp"
#include "bind/reliability/awaited_type.hpp"
#include "bind/reliability/begun.hpp"
#include "bind/reliability/border.hpp"
#include "bind/reliability/ticket_type.hpp"

namespace atalanta::bind {
namespace {

constexpr const char* kOrigin = "reliability.Policy";
PyObject *g_run = nullptr, *g_refused = nullptr, *g_recover = nullptr, *g_arun = nullptr;

PolicyObject* policy_of(PyObject* object) {
    return reinterpret_cast<PolicyObject*>(object);
}

// A call's own arguments: a tuple, and a dictionary or null where none has a name. Without the tuple, an
// error is set.
struct Gathered {
    py::object positional, keywords;
};

Gathered gather(PyObject* const* given, Py_ssize_t count, PyObject* keyword_names) {
    Gathered gathered{py::reinterpret_steal<py::object>(PyTuple_New(count - 1)), {}};
    if (!gathered.positional) return {};
    for (Py_ssize_t i = 1; i < count; ++i)
        PyTuple_SET_ITEM(gathered.positional.ptr(), i - 1, Py_NewRef(given[i]));
    const Py_ssize_t named = keyword_names == nullptr ? 0 : PyTuple_GET_SIZE(keyword_names);
    if (named > 0) gathered.keywords = py::reinterpret_steal<py::object>(PyDict_New());
    for (Py_ssize_t i = 0; i < named; ++i) {
        PyObject* name = PyTuple_GET_ITEM(keyword_names, i);
        if (!gathered.keywords || PyDict_SetItem(gathered.keywords.ptr(), name, given[count + i]) < 0)
            return {};
    }
    return gathered;
}

// self.name(first, second, function, arguments, keywords), with the call's own arguments gathered.
PyObject* hand_over(PolicyObject* self, PyObject* name, PyObject* first, PyObject* second,
                    PyObject* const* given, Py_ssize_t count, PyObject* keyword_names) {
    const Gathered gathered = gather(given, count, keyword_names);
    if (!gathered.positional) return nullptr;
    const py::object keywords = gathered.keywords ? gathered.keywords : py::dict();
    PyObject* arguments[] = {reinterpret_cast<PyObject*>(self), first,         second, given[0],
                             gathered.positional.ptr(),         keywords.ptr()};
    return without_unwinding([&] { return PyObject_VectorcallMethod(name, arguments, 6, nullptr); });
}

// Runs with the deadline in the context, where there is one of its own.
PyObject* run(PolicyObject* self, const Begun& begun, PyObject* const* given, Py_ssize_t count,
              PyObject* keyword_names) {
    const auto called = [&] {
        return without_unwinding([&] {
            return PyObject_Vectorcall(given[0], given + 1, static_cast<std::size_t>(count - 1),
                                       keyword_names);
        });
    };
    if (self->deadline_ns == 0) return called();
    const auto until =
        py::reinterpret_steal<py::object>(PyFloat_FromDouble(1e-9 * static_cast<double>(begun.deadline_ns)));
    const auto token = py::reinterpret_steal<py::object>(
        until ? PyContextVar_Set(deadline_variable(), until.ptr()) : nullptr);
    if (!token) throw py::error_already_set();
    PyObject* value = called();
    if (value != nullptr) {
        if (PyContextVar_Reset(deadline_variable(), token.ptr()) < 0) Py_CLEAR(value);
        return value;
    }
    PyObject *type, *raised, *trace;
    PyErr_Fetch(&type, &raised, &trace);
    if (PyContextVar_Reset(deadline_variable(), token.ptr()) < 0)
        PyErr_Clear();  // the call's own error says more
    PyErr_Restore(type, raised, trace);
    return nullptr;
}

[[noreturn]] void refuse_coroutine(PolicyObject* self, const Begun& begun, PyObject* coroutine) {
    if (self->breaker != nullptr) self->breaker->breaker->cancel(begun.permit);
    leave(self);
    const auto held = py::reinterpret_steal<py::object>(coroutine);
    held.attr("close")();
    raise_input_error(kOrigin,
                      "call got a coroutine function, which it cannot wait for; await acall instead");
}

PyObject* call(PolicyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* keyword_names) {
    if (count < 1) throw py::type_error("call() needs the function to call");
    if (!self->direct) return hand_over(self, g_run, Py_None, Py_None, given, count, keyword_names);
    Begun begun;
    const Refusal refusal = begin(self, begun);
    if (refusal != Refusal::none) {
        return hand_over(self, g_refused, refusal_name(refusal), Py_None, given, count, keyword_names);
    }
    PyObject* value = run(self, begun, given, count, keyword_names);
    if (value != nullptr && Py_TYPE(value) == &PyCoro_Type) refuse_coroutine(self, begun, value);
    if (value != nullptr) {
        leave(self);
        return finish(self, begun, value);
    }
    const auto error = py::reinterpret_steal<py::object>(taken_exception());
    const auto ticket = py::reinterpret_steal<py::object>(new_ticket(self, begun));
    if (!ticket) return nullptr;
    return hand_over(self, g_recover, ticket.ptr(), error.ptr(), given, count, keyword_names);
}

}  // namespace

bool prepare_policy_calls() {
    g_run = PyUnicode_InternFromString("_run");
    g_refused = PyUnicode_InternFromString("_refused");
    g_recover = PyUnicode_InternFromString("_recover");
    g_arun = PyUnicode_InternFromString("_arun");
    return PyErr_Occurred() == nullptr;
}

PyObject* policy_call(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keyword_names) {
    return bordered([&] { return call(policy_of(object), given, count, keyword_names); });
}

PyObject* policy_acall(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keyword_names) {
    return bordered([&]() -> PyObject* {
        if (count < 1) throw py::type_error("acall() needs the coroutine function to call");
        Gathered gathered = gather(given, count, keyword_names);
        if (!gathered.positional) return nullptr;
        if (policy_of(object)->timed) {
            if (!gathered.keywords) gathered.keywords = py::dict();
            PyObject* arguments[] = {object, given[0], gathered.positional.ptr(), gathered.keywords.ptr()};
            return PyObject_VectorcallMethod(g_arun, arguments, 4, nullptr);
        }
        return new_awaited(policy_of(object), Py_NewRef(given[0]), gathered.positional.release().ptr(),
                           gathered.keywords.release().ptr());
    });
}

}  // namespace atalanta::bind
