#include "bind/reliability/breaker_type.hpp"

#include <algorithm>
#include <exception>
#include <string>

#include "bind/arguments.hpp"

namespace atalanta::bind {
namespace {

using reliability::Breaker;

constexpr const char* kOrigin = "reliability.Breaker";
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

// What a listener raises is told where nobody has to catch it: it is not the caller's.
void tell(BreakerObject* self, const reliability::Outcome& outcome) {
    if (outcome.change == reliability::Change::none) return;
    PyObject* told = PyObject_CallMethod(
        reinterpret_cast<PyObject*>(self), "_changed", "ssKd",
        reliability::kChangeNames[static_cast<std::size_t>(outcome.change)].data(),
        reliability::kCauseNames[static_cast<std::size_t>(outcome.cause)].data(),
        static_cast<unsigned long long>(outcome.generation), 1e-9 * static_cast<double>(outcome.open_ns));
    if (told == nullptr) PyErr_WriteUnraisable(reinterpret_cast<PyObject*>(self));
    Py_XDECREF(told);
}

std::uint64_t took_ns(std::uint64_t start_ns, std::uint64_t now) {
    return now - std::min(start_ns, now);
}

// A permit is a whole number to Python; -1 is one that no breaker gave.
std::uint64_t permit_from(PyObject* value) {
    const unsigned long long permit = PyLong_AsUnsignedLongLong(value);
    if (permit == static_cast<unsigned long long>(-1) && PyErr_Occurred()) throw py::error_already_set();
    return permit;
}

std::uint64_t start_from(PyObject* took, std::uint64_t now) {
    if (took == nullptr) return now;
    double seconds = 0.0;
    if (!read_number(took, seconds) || !(seconds >= 0.0))
        raise_input_error(kOrigin, "took is " + repr_of(took) + "; it must be seconds from 0 up");
    return now - std::min(now, to_ns(seconds));
}

py::object py_enter(BreakerObject* self, PyObject* const*, Py_ssize_t) {
    const std::uint64_t permit = enter(self);
    if (permit == reliability::kRefused) return py::none();
    return py::reinterpret_steal<py::object>(PyLong_FromUnsignedLongLong(permit));
}

py::object told_with(BreakerObject* self, PyObject* const* given, Py_ssize_t count,
                     void (*tell_it)(BreakerObject*, std::uint64_t, std::uint64_t)) {
    if (count < 1 || count > 2) throw py::type_error("takes a permit, and optionally the seconds it took");
    const std::uint64_t permit = permit_from(given[0]);
    // The start is only known by its distance from now.
    const bool timed = count == 2 && self->breaker->times();
    tell_it(self, permit, timed ? start_from(given[1], now_ns(self->clock)) : reliability::kForever);
    return py::none();
}

py::object py_succeed(BreakerObject* self, PyObject* const* given, Py_ssize_t count) {
    return told_with(self, given, count, &succeed);
}

py::object py_fail(BreakerObject* self, PyObject* const* given, Py_ssize_t count) {
    return told_with(self, given, count, &fail);
}

py::object py_cancel(BreakerObject* self, PyObject* const* given, Py_ssize_t count) {
    if (count != 1) throw py::type_error("takes a permit");
    self->breaker->cancel(permit_from(given[0]));
    return py::none();
}

py::object py_set_mode(BreakerObject* self, PyObject* const* given, Py_ssize_t count) {
    if (count != 1) throw py::type_error("takes a mode");
    const std::string wanted = text_of(given[0]);
    const auto& names = reliability::kModeNames;
    const auto found = std::find(names.begin(), names.end(), wanted);
    if (found == names.end()) {
        raise_input_error(kOrigin, "mode is " + repr_of(given[0]) +
                                       "; it must be automatic, forced_open, disabled or metrics_only");
    }
    const auto before = self->breaker->set_mode(static_cast<reliability::Mode>(found - names.begin()));
    return py::str(std::string(names[static_cast<std::size_t>(before)]));
}

py::object py_reset(BreakerObject* self, PyObject* const*, Py_ssize_t) {
    tell(self, self->breaker->reset());
    return py::none();
}

py::object py_changed(BreakerObject*, PyObject* const*, Py_ssize_t) {
    return py::none();
}

py::object py_figures(BreakerObject* self, PyObject* const*, Py_ssize_t) {
    const reliability::Figures now = self->breaker->figures();
    py::dict all;
    all["refused"] = now.refused;
    all["failed"] = now.failed;
    all["opened"] = now.opened;
    all["spared"] = now.spared;
    all["would_open"] = now.would_open;
    all["stale"] = now.stale;
    return std::move(all);
}

using Method = py::object (*)(BreakerObject*, PyObject* const*, Py_ssize_t);

template <Method method>
PyObject* bordered(PyObject* self, PyObject* const* given, Py_ssize_t count) {
    try {
        return method(self_of(self), given, count).release().ptr();
    } catch (py::error_already_set& error) {
        error.restore();
    } catch (const py::builtin_exception& error) {
        error.set_error();
    } catch (const std::exception& error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
    }
    return nullptr;
}

template <Method method>
PyMethodDef method_definition(const char* name, const char* documentation) {
    return {name, reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(&bordered<method>)), METH_FASTCALL,
            documentation};
}

PyMethodDef g_methods[] = {
    method_definition<&py_enter>("enter",
                                 "enter($self, /)\n--\n\nThe permit of a call that is let through, a whole "
                                 "number; None where the breaker refuses."),
    method_definition<&py_succeed>(
        "succeed",
        "succeed($self, permit, took=0.0, /)\n--\n\nThe call of that permit succeeded, after `took` seconds. "
        "Raises InputError for a duration that is none."),
    method_definition<&py_fail>("fail",
                                "fail($self, permit, took=0.0, /)\n--\n\nThe call of that permit failed, "
                                "after `took` seconds. Raises InputError for a duration that is none."),
    method_definition<&py_cancel>("cancel",
                                  "cancel($self, permit, /)\n--\n\nThe call of that permit ended without "
                                  "telling anything of the callee."),
    method_definition<&py_set_mode>(
        "set_mode",
        "set_mode($self, mode, /)\n--\n\nSet by hand: automatic, forced_open, disabled or metrics_only; "
        "returns the mode before. Raises InputError for another."),
    method_definition<&py_reset>("reset", "reset($self, /)\n--\n\nClosed, as new; modes set by hand stay."),
    method_definition<&py_figures>("figures",
                                   "figures($self, /)\n--\n\nCounts since it was made: refused, failed, "
                                   "opened, spared, would_open, stale."),
    method_definition<&py_changed>("_changed", nullptr),
    {nullptr, nullptr, 0, nullptr}};

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
    {Py_tp_methods, g_methods},
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

std::uint64_t enter(BreakerObject* self) {
    const std::uint64_t permit = self->breaker->try_enter();
    if (permit != reliability::kRefused) return permit;
    const reliability::Entry entry = self->breaker->enter(now_ns(self->clock));
    tell(self, entry.outcome);
    return entry.permit;
}

void succeed(BreakerObject* self, std::uint64_t permit, std::uint64_t start_ns) {
    if (self->breaker->try_succeed(permit)) return;
    const std::uint64_t now = now_ns(self->clock), took = took_ns(start_ns, now);
    if (self->breaker->try_succeed(permit, now, took)) return;
    tell(self, self->breaker->succeed(permit, now, took, chance(self->random)));
}

void fail(BreakerObject* self, std::uint64_t permit, std::uint64_t start_ns) {
    const std::uint64_t now = now_ns(self->clock);
    tell(self, self->breaker->fail(permit, now, took_ns(start_ns, now), chance(self->random)));
}

}  // namespace atalanta::bind
