#include "bind/reliability/begun.hpp"

#include <algorithm>

#include "bind/reliability/answer_type.hpp"

namespace atalanta::bind {
namespace {

// The absolute deadline that surrounds this call; 0 for none.
std::uint64_t surrounding_deadline() {
    PyObject* value = nullptr;
    if (PyContextVar_Get(deadline_variable(), nullptr, &value) < 0) throw py::error_already_set();
    if (value == nullptr) return 0;
    const double seconds = value == Py_None ? 0.0 : PyFloat_AsDouble(value);
    Py_DECREF(value);
    if (seconds == -1.0 && PyErr_Occurred()) throw py::error_already_set();
    return to_ns(seconds);
}

// Of what another policy answered the source counts: the one answer says what it says.
PyObject* flattened(PolicyObject* self, PyObject* answer, bool late) {
    PyObject* one = merged_answer(answer, late);
    if (one == nullptr) return nullptr;
    const Origin origin = origin_of(one);
    add(self, origin == Origin::live     ? Count::live
              : origin == Origin::cached ? Count::cached
                                         : Count::fallback);
    return one;
}

}  // namespace

Refusal begin(PolicyObject* self, Begun& begun) {
    begun.deadline_ns = surrounding_deadline();
    const bool timed = self->breaker != nullptr && self->breaker->breaker->times();
    if (timed || self->deadline_ns > 0 || begun.deadline_ns > 0) begun.start_ns = now_ns(self->clock);
    if (begun.deadline_ns > 0 && begun.start_ns >= begun.deadline_ns) return Refusal::deadline;
    if (self->deadline_ns > 0) {
        const std::uint64_t own = begun.start_ns + self->deadline_ns;
        begun.deadline_ns = begun.deadline_ns == 0 ? own : std::min(own, begun.deadline_ns);
    }
    const std::int64_t before = self->inside.fetch_add(1, std::memory_order_relaxed);
    if (self->most_inside > 0 && before >= self->most_inside) {
        leave(self);
        return Refusal::bulkhead;
    }
    try {
        if (enter(self, begun)) return Refusal::none;
    } catch (...) {
        leave(self);
        throw;
    }
    leave(self);
    return Refusal::breaker;
}

bool enter(PolicyObject* self, Begun& begun) {
    if (self->breaker == nullptr) return true;
    begun.permit = enter(self->breaker);
    if (begun.permit == reliability::kRefused) return false;
    if (self->breaker->breaker->times()) begun.start_ns = now_ns(self->clock);
    return true;
}

PyObject* finish(PolicyObject* self, const Begun& begun, PyObject* value) {
    bool late = false;
    try {
        if (self->breaker != nullptr) succeed(self->breaker, begun.permit, begun.start_ns);
        late = self->deadline_ns > 0 && now_ns(self->clock) > begun.deadline_ns;
    } catch (...) {
        Py_DECREF(value);
        throw;
    }
    if (self->token_gain > 0 && self->tokens.load(std::memory_order_relaxed) < self->most_tokens)
        self->tokens.fetch_add(self->token_gain, std::memory_order_relaxed);
    if (late) add(self, Count::late);
    if (is_answer(value)) return flattened(self, value, late);
    add(self, Count::live);
    return new_live_answer(value, late);
}

void leave(PolicyObject* self) noexcept {
    self->inside.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace atalanta::bind
