// Breakers, policies, tickets and answers for Python, and the time of a native guard.
#include <pybind11/pybind11.h>

#include <chrono>
#include <memory>

#include "bind/module.hpp"
#include "bind/reliability/answer_type.hpp"
#include "bind/reliability/awaited_type.hpp"
#include "bind/reliability/breaker_type.hpp"
#include "bind/reliability/policy_type.hpp"
#include "bind/reliability/ticket_type.hpp"

namespace atalanta::bind {
namespace {

constexpr const char* kAlternatives = "atalanta.alternatives";
using AlternativesPointer = std::shared_ptr<reliability::Alternatives>;

py::capsule new_alternatives() {
    auto held = std::make_unique<AlternativesPointer>(std::make_shared<reliability::Alternatives>());
    return py::capsule(held.release(), kAlternatives, [](PyObject* capsule) {
        delete static_cast<AlternativesPointer*>(PyCapsule_GetPointer(capsule, kAlternatives));
    });
}

reliability::Alternatives& alternatives_of(const py::capsule& capsule) {
    const auto* held = static_cast<AlternativesPointer*>(PyCapsule_GetPointer(capsule.ptr(), kAlternatives));
    if (held == nullptr) throw py::error_already_set();
    return **held;
}

// Nanoseconds of a guarded call that does nothing, as native code writes it; with the clock where it is
// counted.
double time_guard(const py::handle& object, std::uint64_t calls, bool read_clock) {
    reliability::Breaker& breaker = *breaker_of(object.ptr())->breaker;
    const py::gil_scoped_release released;
    const std::uint64_t first = now_ns(nullptr);
    std::uint64_t refused = 0;
    for (std::uint64_t i = 0; i < calls; ++i) {
        const std::uint64_t permit = breaker.try_enter();
        const std::uint64_t now = read_clock ? now_ns(nullptr) : first;
        if (permit == reliability::kRefused)
            ++refused;
        else if (!breaker.try_succeed(permit, now, 0))
            breaker.succeed(permit, now, 0, 0.0);
    }
    const double passed = static_cast<double>(now_ns(nullptr) - first);
    return refused > 0 ? -1.0 : passed / static_cast<double>(calls);
}

void add_type(py::module_& module, const char* name, PyTypeObject* type) {
    if (type == nullptr) throw py::error_already_set();
    module.attr(name) = py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(type));
}

}  // namespace

void bind_reliability(py::module_& module) {
    add_type(module, "Answer", make_answer_type());
    add_type(module, "Breaker", make_breaker_type());
    add_type(module, "PolicyCore", make_policy_type());
    add_type(module, "Ticket", make_ticket_type());
    add_type(module, "Awaited", make_awaited_type());
    module.attr("DEADLINE") = py::reinterpret_borrow<py::object>(deadline_variable());
    module.def("monotonic", [] { return 1e-9 * static_cast<double>(now_ns(nullptr)); });
    module.def("new_alternatives", &new_alternatives);
    module.def(
        "available_alternatives",
        [](const py::capsule& capsule) { return alternatives_of(capsule).available(); },
        py::arg("alternatives"));
    module.def(
        "join_alternatives", [](const py::capsule& capsule) { alternatives_of(capsule).join(); },
        py::arg("alternatives"));
    module.def("time_guard", &time_guard, py::arg("breaker"), py::arg("calls"), py::arg("read_clock"));
}

}  // namespace atalanta::bind
