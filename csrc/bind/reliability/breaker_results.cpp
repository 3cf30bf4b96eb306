// A call let through and its result, told to the native breaker, and what that changed to Python.
#include <algorithm>

#include "bind/reliability/breaker_type.hpp"

namespace atalanta::bind {
namespace {

std::uint64_t took_ns(std::uint64_t start_ns, std::uint64_t now) {
    return now - std::min(start_ns, now);
}

}  // namespace

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
