#include "bind/reliability/breaker_type.hpp"

#include <new>

#include "bind/reliability/breaker_methods.hpp"

namespace atalanta::bind {
namespace {

using reliability::Breaker;

PyTypeObject* g_type = nullptr;

BreakerObject* self_of(PyObject* object) {
    return reinterpret_cast<BreakerObject*>(object);
}

// Of alternatives Python holds a capsule.
constexpr const char* kAlternatives = "atalanta.alternatives";
using AlternativesPointer = std::shared_ptr<reliability::Alternatives>;

PyObject* adopt(PyTypeObject* type, std::shared_ptr<Breaker> breaker, PyObject* clock, PyObject* random) {
    auto* self = self_of(type->tp_alloc(type, 0));
    if (self == nullptr) return nullptr;
    new (&self->breaker) std::shared_ptr<Breaker>(std::move(breaker));
    self->clock = clock == Py_None ? nullptr : Py_XNewRef(clock);
    self->random = random == Py_None ? nullptr : Py_XNewRef(random);
    return reinterpret_cast<PyObject*>(self);
}

// The values were checked in Python: this only carries them over.
PyObject* make(PyTypeObject* type, PyObject* arguments, PyObject* keywords) {
    static const char* names[] = {
        "consecutive", "window",   "failure_ratio", "slow_ratio",  "slow",        "min_calls",
        "open_for",    "max_open", "jitter",        "probes",      "close_after", "probe_timeout",
        "clock",       "random",   "alternatives",  "shared_with", nullptr};
    reliability::Rules rules;
    double window = 30.0, slow = 0.0, open_for = 30.0, max_open = 240.0, probe_timeout = 30.0;
    PyObject *clock = Py_None, *random = Py_None, *alternatives = Py_None, *shared_with = Py_None;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|$IddddIdddIIdOOOO", const_cast<char**>(names),
                                     &rules.consecutive, &window, &rules.failure_ratio, &rules.slow_ratio,
                                     &slow, &rules.min_calls, &open_for, &max_open, &rules.jitter,
                                     &rules.probes, &rules.close_after, &probe_timeout, &clock, &random,
                                     &alternatives, &shared_with)) {
        return nullptr;
    }
    if (shared_with != Py_None) {
        if (!PyObject_TypeCheck(shared_with, g_type)) {
            PyErr_SetString(PyExc_TypeError, "shared_with must be a Breaker");
            return nullptr;
        }
        return adopt(type, self_of(shared_with)->breaker, clock, random);
    }
    AlternativesPointer group;
    if (alternatives != Py_None) {
        const auto* held =
            static_cast<AlternativesPointer*>(PyCapsule_GetPointer(alternatives, kAlternatives));
        if (held == nullptr) return nullptr;
        group = *held;
    }
    rules.window_ns = to_ns(window);
    rules.slow_ns = to_ns(slow);
    rules.open_ns = to_ns(open_for);
    rules.max_open_ns = to_ns(max_open);
    rules.probe_timeout_ns = to_ns(probe_timeout);
    try {
        return adopt(type, std::make_shared<Breaker>(rules, std::move(group)), clock, random);
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    }
}

int traverse(PyObject* object, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self_of(object)->clock);
    Py_VISIT(self_of(object)->random);
    return 0;
}

int clear(PyObject* object) {
    Py_CLEAR(self_of(object)->clock);
    Py_CLEAR(self_of(object)->random);
    return 0;
}

void deallocate(PyObject* object) {
    PyObject_GC_UnTrack(object);
    clear(object);
    self_of(object)->breaker.~shared_ptr();
    PyTypeObject* type = Py_TYPE(object);
    type->tp_free(object);
    Py_DECREF(type);
}

PyObject* text(std::string_view value) {
    return PyUnicode_FromStringAndSize(value.data(), static_cast<Py_ssize_t>(value.size()));
}

PyObject* get_state(PyObject* self, void*) {
    return text(reliability::kStateNames[static_cast<std::size_t>(self_of(self)->breaker->state())]);
}

PyObject* get_mode(PyObject* self, void*) {
    return text(reliability::kModeNames[static_cast<std::size_t>(self_of(self)->breaker->mode())]);
}

PyObject* get_generation(PyObject* self, void*) {
    return PyLong_FromUnsignedLongLong(self_of(self)->breaker->generation());
}

PyObject* get_run(PyObject* self, void*) {
    return PyLong_FromUnsignedLong(self_of(self)->breaker->run());
}

PyObject* get_retry_after(PyObject* self, void*) {
    try {
        const std::uint64_t wait = self_of(self)->breaker->retry_ns(now_ns(self_of(self)->clock));
        return PyFloat_FromDouble(wait == reliability::kForever ? Py_HUGE_VAL
                                                                : 1e-9 * static_cast<double>(wait));
    } catch (py::error_already_set& error) {
        error.restore();
        return nullptr;
    }
}

PyGetSetDef g_properties[] = {
    {"state", &get_state, nullptr, "closed, open or half_open.", nullptr},
    {"mode", &get_mode, nullptr, "automatic, or what was set by hand.", nullptr},
    {"generation", &get_generation, nullptr, "Raised by every change of state or mode.", nullptr},
    {"failures_in_a_row", &get_run, nullptr, "The run so far, up to twice the number that opens it.",
     nullptr},
    {"retry_after", &get_retry_after, nullptr,
     "Seconds until a call may be let through again; 0 when now, infinite when not by itself.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyType_Slot g_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(&make)},
    {Py_tp_dealloc, reinterpret_cast<void*>(&deallocate)},
    {Py_tp_traverse, reinterpret_cast<void*>(&traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(&clear)},
    {Py_tp_methods, g_breaker_methods},
    {Py_tp_getset, g_properties},
    {Py_tp_doc, const_cast<char*>("A circuit breaker. Use atalanta.reliability.Breaker.")},
    {0, nullptr}};

PyType_Spec g_spec = {"atalanta._core.Breaker", sizeof(BreakerObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, g_slots};

}  // namespace

PyTypeObject* make_breaker_type() {
    g_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&g_spec));
    return g_type;
}

BreakerObject* breaker_of(PyObject* object) {
    if (!PyObject_TypeCheck(object, g_type)) throw py::type_error("expected a Breaker");
    return self_of(object);
}

PyObject* new_breaker(std::shared_ptr<reliability::Breaker> breaker) {
    return adopt(g_type, std::move(breaker), nullptr, nullptr);
}

}  // namespace atalanta::bind
