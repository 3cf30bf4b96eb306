#include "bind/reliability/moments.hpp"

#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>

#include "bind/ending.hpp"

namespace atalanta::bind {
namespace {

double called(PyObject* function) {
    const auto result = py::reinterpret_steal<py::object>(
        without_unwinding([function] { return PyObject_CallNoArgs(function); }));
    if (!result) throw py::error_already_set();
    const double value = PyFloat_AsDouble(result.ptr());
    if (value == -1.0 && PyErr_Occurred()) throw py::error_already_set();
    return value;
}

}  // namespace

std::uint64_t now_ns(PyObject* clock) {
    if (clock != nullptr) return to_ns(called(clock));
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

double chance(PyObject* random) {
    if (random != nullptr) return called(random);
    static std::atomic<std::uint64_t> state{now_ns(nullptr)};
    std::uint64_t mixed = state.fetch_add(0x9e3779b97f4a7c15u, std::memory_order_relaxed);
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return static_cast<double>((mixed ^ (mixed >> 31)) >> 11) * 0x1p-53;
}

std::uint64_t to_ns(double seconds) noexcept {
    if (!(seconds > 0.0)) return 0;
    const double ns = std::nearbyint(seconds * 1e9);
    return ns < 9e18 ? static_cast<std::uint64_t>(ns) : std::uint64_t{9'000'000'000'000'000'000u};
}

PyObject* taken_exception() {
#if PY_VERSION_HEX >= 0x030c0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    if (trace != nullptr) PyException_SetTraceback(value, trace);
    Py_XDECREF(type);
    Py_XDECREF(trace);
    return value;
#endif
}

}  // namespace atalanta::bind
