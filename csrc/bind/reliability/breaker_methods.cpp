// The methods of the Python type `Breaker`.
#include "bind/reliability/breaker_methods.hpp"

#include <algorithm>
#include <string>

#include "bind/arguments.hpp"
#include "bind/reliability/border.hpp"

namespace atalanta::bind {
namespace {

constexpr const char* kOrigin = "reliability.Breaker";

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
PyObject* called(PyObject* self, PyObject* const* given, Py_ssize_t count) {
    return bordered(
        [&] { return method(reinterpret_cast<BreakerObject*>(self), given, count).release().ptr(); });
}

template <Method method>
PyMethodDef method_definition(const char* name, const char* documentation) {
    return {name, reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(&called<method>)), METH_FASTCALL,
            documentation};
}

}  // namespace

PyMethodDef g_breaker_methods[] = {
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

}  // namespace atalanta::bind
