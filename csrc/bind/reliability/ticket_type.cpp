#include "bind/reliability/ticket_type.hpp"

#include <exception>

namespace atalanta::bind {
namespace {

struct TicketObject {
    PyObject_HEAD PolicyObject* policy;
    Begun begun;
    bool inside, untold;
};

PyTypeObject* g_type = nullptr;

TicketObject* self_of(PyObject* object) {
    return reinterpret_cast<TicketObject*>(object);
}

void cancel(TicketObject* self) {
    if (self->untold && self->policy->breaker != nullptr)
        self->policy->breaker->breaker->cancel(self->begun.permit);
    self->untold = false;
}

void close(TicketObject* self) {
    cancel(self);
    if (self->inside) leave(self->policy);
    self->inside = false;
}

void deallocate(PyObject* object) {
    PyObject_GC_UnTrack(object);
    TicketObject* self = self_of(object);
    close(self);
    Py_DECREF(reinterpret_cast<PyObject*>(self->policy));
    PyTypeObject* type = Py_TYPE(object);
    type->tp_free(object);
    Py_DECREF(type);
}

// The policy is let go of by the end of the ticket alone: no cycle leads through a running call for long.
int traverse(PyObject* object, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(object));
    return 0;
}

PyObject* py_succeed(PyObject* object, PyObject* value) {
    TicketObject* self = self_of(object);
    if (!self->untold) {
        PyErr_SetString(PyExc_RuntimeError, "[reliability.Ticket] its end was told before");
        return nullptr;
    }
    self->untold = false;
    PyObject* answer = nullptr;
    try {
        answer = finish(self->policy, self->begun, Py_NewRef(value));
    } catch (py::error_already_set& error) {
        error.restore();
    }
    close(self);
    return answer;
}

PyObject* py_fail(PyObject* object, PyObject*) {
    TicketObject* self = self_of(object);
    try {
        if (self->untold && self->policy->breaker != nullptr)
            fail(self->policy->breaker, self->begun.permit, self->begun.start_ns);
    } catch (py::error_already_set& error) {
        error.restore();
        return nullptr;
    }
    self->untold = false;
    Py_RETURN_NONE;
}

PyObject* py_cancel(PyObject* object, PyObject*) {
    cancel(self_of(object));
    Py_RETURN_NONE;
}

// Once more, after its end was told; False when the breaker refuses.
PyObject* py_again(PyObject* object, PyObject*) {
    TicketObject* self = self_of(object);
    cancel(self);
    try {
        self->untold = enter(self->policy, self->begun);
    } catch (py::error_already_set& error) {
        error.restore();
        return nullptr;
    }
    return PyBool_FromLong(self->untold);
}

PyObject* py_close(PyObject* object, PyObject*) {
    close(self_of(object));
    Py_RETURN_NONE;
}

PyObject* get_deadline(PyObject* object, void*) {
    const std::uint64_t deadline = self_of(object)->begun.deadline_ns;
    if (deadline == 0) Py_RETURN_NONE;
    return PyFloat_FromDouble(1e-9 * static_cast<double>(deadline));
}

PyMethodDef g_methods[] = {
    {"succeed", &py_succeed, METH_O, nullptr},    {"fail", &py_fail, METH_NOARGS, nullptr},
    {"cancel", &py_cancel, METH_NOARGS, nullptr}, {"again", &py_again, METH_NOARGS, nullptr},
    {"close", &py_close, METH_NOARGS, nullptr},   {nullptr, nullptr, 0, nullptr}};

PyGetSetDef g_properties[] = {{"deadline", &get_deadline, nullptr, nullptr, nullptr},
                              {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyType_Slot g_slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(&deallocate)},
                         {Py_tp_traverse, reinterpret_cast<void*>(&traverse)},
                         {Py_tp_methods, g_methods},
                         {Py_tp_getset, g_properties},
                         {Py_tp_doc, const_cast<char*>("A call that a policy let in.")},
                         {0, nullptr}};

PyType_Spec g_spec = {"atalanta._core.Ticket", sizeof(TicketObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, g_slots};

}  // namespace

PyTypeObject* make_ticket_type() {
    g_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&g_spec));
    return g_type;
}

PyObject* new_ticket(PolicyObject* policy, const Begun& begun) {
    auto* self = self_of(g_type->tp_alloc(g_type, 0));
    if (self == nullptr) {
        if (policy->breaker != nullptr) policy->breaker->breaker->cancel(begun.permit);
        leave(policy);
        return nullptr;
    }
    Py_INCREF(reinterpret_cast<PyObject*>(policy));
    self->policy = policy;
    self->begun = begun;
    self->inside = self->untold = true;
    return reinterpret_cast<PyObject*>(self);
}

}  // namespace atalanta::bind
