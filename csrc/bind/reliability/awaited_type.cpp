#include "bind/reliability/awaited_type.hpp"

#include <exception>
#include <string>

#include "bind/arguments.hpp"
#include "bind/ending.hpp"
#include "bind/reliability/awaitables.hpp"
#include "bind/reliability/ticket_type.hpp"

namespace atalanta::bind {
namespace {

enum class Stage : std::uint8_t { waiting, calling, recovering, ended };

struct AwaitedObject {
    PyObject_HEAD PolicyObject* policy;
    PyObject *function, *arguments, *keywords;
    PyObject* inner;  // what is driven
    Begun begun;
    Stage stage;
    bool running;  // somebody drives, closes or throws into it
};

PyTypeObject* g_type = nullptr;
PyObject *g_recover = nullptr, *g_refused = nullptr, *g_close = nullptr;

AwaitedObject* self_of(PyObject* object) {
    return reinterpret_cast<AwaitedObject*>(object);
}

// One at a time, and never from within itself: what it drives would be dropped while it runs.
class Running {
  public:
    explicit Running(AwaitedObject* self) noexcept : self_(self), first_(!self->running) {
        if (!first_) PyErr_SetString(PyExc_ValueError, "coroutine already executing");
        self->running = true;
    }
    ~Running() {
        if (first_) self_->running = false;
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    explicit operator bool() const noexcept { return first_; }

  private:
    AwaitedObject* self_;
    bool first_;
};

// What was taken by begin() and told to nobody.
void give_back(AwaitedObject* self) {
    if (self->stage == Stage::calling) {
        if (self->policy->breaker != nullptr) self->policy->breaker->breaker->cancel(self->begun.permit);
        leave(self->policy);
    }
    self->stage = Stage::ended;
}

// Goes on with a coroutine of the policy's; null with an exception set on failure.
bool go_on_with(AwaitedObject* self, PyObject* coroutine) {
    Py_XDECREF(self->inner);
    self->inner = coroutine;
    self->stage = coroutine == nullptr ? Stage::ended : Stage::recovering;
    return coroutine != nullptr;
}

// Python's own methods want a dictionary in any case.
bool has_keywords(AwaitedObject* self) {
    if (self->keywords == nullptr) self->keywords = PyDict_New();
    return self->keywords != nullptr;
}

// The error that is set becomes the policy's business.
bool recover(AwaitedObject* self) {
    const auto error = py::reinterpret_steal<py::object>(taken_exception());
    const auto ticket = py::reinterpret_steal<py::object>(new_ticket(self->policy, self->begun));
    self->stage = Stage::ended;  // the ticket has it all
    if (!ticket || !has_keywords(self)) return false;
    PyObject* given[] = {reinterpret_cast<PyObject*>(self->policy),
                         ticket.ptr(),
                         error.ptr(),
                         self->function,
                         self->arguments,
                         self->keywords};
    return go_on_with(self, PyObject_VectorcallMethod(g_recover, given, 6, nullptr));
}

bool start(AwaitedObject* self) {
    self->stage = Stage::ended;
    const Refusal refusal = begin(self->policy, self->begun);
    if (refusal != Refusal::none) {
        if (!has_keywords(self)) return false;
        PyObject* given[] = {reinterpret_cast<PyObject*>(self->policy), refusal_name(refusal),
                             self->arguments, self->keywords};
        return go_on_with(self, PyObject_VectorcallMethod(g_refused, given, 4, nullptr));
    }
    self->stage = Stage::calling;
    const auto awaitable = py::reinterpret_steal<py::object>(
        without_unwinding([self] { return PyObject_Call(self->function, self->arguments, self->keywords); }));
    if (awaitable && !can_be_awaited(awaitable.ptr())) {  // the caller's mistake, and no failure
        raise_input_error("reliability.Policy", "acall got a function that is none to be awaited (it gave " +
                                                    std::string(Py_TYPE(awaitable.ptr())->tp_name) +
                                                    "); use call");
    }
    self->inner = awaitable ? driven(awaitable.ptr()) : nullptr;
    return self->inner != nullptr || recover(self);
}

// What the inner coroutine gave. True when it is to be driven on, because another took its place.
bool settle(AwaitedObject* self, PySendResult& status, PyObject*& result) {
    if (status == PYGEN_NEXT) return false;
    if (self->stage == Stage::calling && status == PYGEN_ERROR) return recover(self);
    if (self->stage == Stage::calling) {
        self->stage = Stage::ended;
        leave(self->policy);
        result = finish(self->policy, self->begun, result);
        status = result == nullptr ? PYGEN_ERROR : PYGEN_RETURN;
    }
    self->stage = Stage::ended;
    Py_CLEAR(self->inner);
    return false;
}

// With Running held.
PySendResult drive_on(AwaitedObject* self, PyObject* value, PyObject** result) {
    *result = nullptr;
    try {
        if (self->stage == Stage::ended || (self->stage != Stage::waiting && self->inner == nullptr)) {
            PyErr_SetString(PyExc_RuntimeError, "[reliability.Policy] cannot reuse already awaited acall()");
            return PYGEN_ERROR;
        }
        if (self->stage == Stage::waiting && !start(self)) return PYGEN_ERROR;
        for (;; value = Py_None) {
            PySendResult status = without_unwinding([&] { return PyIter_Send(self->inner, value, result); });
            if (!settle(self, status, *result)) return status;
        }
    } catch (py::error_already_set& error) {
        error.restore();
    } catch (const std::exception& error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
    }
    give_back(self);
    *result = nullptr;
    return PYGEN_ERROR;
}

PySendResult drive(AwaitedObject* self, PyObject* value, PyObject** result) {
    *result = nullptr;
    const Running running(self);
    return running ? drive_on(self, value, result) : PYGEN_ERROR;
}

PySendResult send_slot(PyObject* object, PyObject* value, PyObject** result) {
    return drive(self_of(object), value, result);
}

PyObject* next_slot(PyObject* object) {
    PyObject* result = nullptr;
    const PySendResult status = drive(self_of(object), Py_None, &result);
    return as_iterator(status, result);
}

PyObject* py_send(PyObject* object, PyObject* value) {
    PyObject* result = nullptr;
    const PySendResult status = drive(self_of(object), value, &result);
    return as_iterator(status, result);
}

PyObject* py_throw(PyObject* object, PyObject* const* given, Py_ssize_t count) {
    AwaitedObject* self = self_of(object);
    if (count < 1 || count > 3) {
        PyErr_SetString(PyExc_TypeError, "throw() takes an exception");
        return nullptr;
    }
    const Running running(self);
    if (!running) return nullptr;
    if (self->inner == nullptr) {
        give_back(self);
        raise_given(given, count);
        return nullptr;
    }
    PyObject* result = nullptr;
    try {
        PySendResult status = thrown_into(self->inner, given, count, result);
        if (settle(self, status, result)) status = drive_on(self, Py_None, &result);
        return as_iterator(status, result);
    } catch (py::error_already_set& error) {
        error.restore();
    } catch (const std::exception& error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
    }
    give_back(self);
    return nullptr;
}

PyObject* py_close(PyObject* object, PyObject*) {
    AwaitedObject* self = self_of(object);
    const Running running(self);
    if (!running) return nullptr;
    PyObject* inner = self->inner;
    self->inner = nullptr;
    PyObject* closed = inner == nullptr ? Py_NewRef(Py_None) : nullptr;
    if (inner != nullptr && PyObject_HasAttr(inner, g_close) != 0)
        closed = PyObject_CallMethodNoArgs(inner, g_close);
    else if (inner != nullptr)
        closed = Py_NewRef(Py_None);
    give_back(self);
    Py_XDECREF(inner);
    return closed;
}

int traverse(PyObject* object, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(reinterpret_cast<PyObject*>(self_of(object)->policy));
    Py_VISIT(self_of(object)->function);
    Py_VISIT(self_of(object)->arguments);
    Py_VISIT(self_of(object)->keywords);
    Py_VISIT(self_of(object)->inner);
    return 0;
}

// Its policy goes with the object itself: what was taken is given back to it.
int clear(PyObject* object) {
    Py_CLEAR(self_of(object)->function);
    Py_CLEAR(self_of(object)->arguments);
    Py_CLEAR(self_of(object)->keywords);
    Py_CLEAR(self_of(object)->inner);
    return 0;
}

void deallocate(PyObject* object) {
    PyObject_GC_UnTrack(object);
    AwaitedObject* self = self_of(object);
    if (self->stage == Stage::waiting && self->function != nullptr) {
        PyObject *type, *value, *trace;
        PyErr_Fetch(&type, &value, &trace);
        if (PyErr_WarnEx(PyExc_RuntimeWarning, "[reliability.Policy] acall() was never awaited", 1) < 0)
            PyErr_WriteUnraisable(object);
        PyErr_Restore(type, value, trace);
    }
    clear(object);
    give_back(self);
    Py_XDECREF(reinterpret_cast<PyObject*>(self->policy));
    PyTypeObject* type = Py_TYPE(object);
    type->tp_free(object);
    Py_DECREF(type);
}

PyMethodDef g_methods[] = {
    {"send", &py_send, METH_O, nullptr},
    {"throw", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(&py_throw)), METH_FASTCALL, nullptr},
    {"close", &py_close, METH_NOARGS, nullptr},
    {"__class_getitem__", &Py_GenericAlias, METH_O | METH_CLASS, nullptr},
    {nullptr, nullptr, 0, nullptr}};

PyType_Slot g_slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(&deallocate)},
                         {Py_tp_traverse, reinterpret_cast<void*>(&traverse)},
                         {Py_tp_clear, reinterpret_cast<void*>(&clear)},
                         {Py_tp_iter, reinterpret_cast<void*>(&PyObject_SelfIter)},
                         {Py_tp_iternext, reinterpret_cast<void*>(&next_slot)},
                         {Py_am_await, reinterpret_cast<void*>(&PyObject_SelfIter)},
                         {Py_am_send, reinterpret_cast<void*>(&send_slot)},
                         {Py_tp_methods, g_methods},
                         {Py_tp_doc, const_cast<char*>("A coroutine: what `Policy.acall` returns.")},
                         {0, nullptr}};

PyType_Spec g_spec = {"atalanta._core.Awaited", sizeof(AwaitedObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, g_slots};

}  // namespace

PyTypeObject* make_awaited_type() {
    g_recover = PyUnicode_InternFromString("_arecover");
    g_refused = PyUnicode_InternFromString("_arefused");
    g_close = PyUnicode_InternFromString("close");
    if (PyErr_Occurred() || !prepare_awaitables()) return nullptr;
    g_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&g_spec));
    return g_type;
}

PyObject* new_awaited(PolicyObject* policy, PyObject* function, PyObject* arguments, PyObject* keywords) {
    auto* self = self_of(g_type->tp_alloc(g_type, 0));
    if (self == nullptr) {
        Py_DECREF(function);
        Py_XDECREF(arguments);
        Py_XDECREF(keywords);
        return nullptr;
    }
    Py_INCREF(reinterpret_cast<PyObject*>(policy));
    self->policy = policy;
    self->function = function;
    self->arguments = arguments;
    self->keywords = keywords;
    self->inner = nullptr;
    self->begun = {};
    self->stage = Stage::waiting;
    return reinterpret_cast<PyObject*>(self);
}

}  // namespace atalanta::bind
