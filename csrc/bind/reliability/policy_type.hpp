// The Python type `PolicyCore`: what every call of a policy costs while all is well, natively. A call that is
// refused or fails is handed to methods of the derived class: `_refused`, `_recover`; one that is not direct
// to `_run`.
#pragma once

#include <pybind11/pybind11.h>

#include <array>
#include <atomic>
#include <cstdint>

#include "bind/reliability/breaker_type.hpp"

namespace atalanta::bind {

enum class Count : std::uint8_t { live, late, fallback, cached, refused, failed, retries, hedges };
inline constexpr std::size_t kCounts = 8;
enum class Refusal : std::uint8_t { none, deadline, bulkhead, breaker };

struct PolicyObject {
    PyObject_HEAD BreakerObject* breaker;  // or null
    PyObject* clock;                       // null: the system's
    std::uint64_t deadline_ns;             // 0: none
    std::int64_t most_inside;              // calls at a time; 0: any number
    std::int64_t token_gain, most_tokens;  // of retries and hedges, in thousandths; a success gains
    bool direct, timed;                    // functions natively; coroutine functions not natively
    std::atomic<std::int64_t> inside, tokens;
    std::array<std::atomic<std::uint64_t>, kCounts> counts;
};

// A call that began.
struct Begun {
    std::uint64_t permit = reliability::kUncounted;
    std::uint64_t start_ns = 0;     // 0: nobody wants to know
    std::uint64_t deadline_ns = 0;  // absolute; 0: none
};

PyTypeObject* make_policy_type();

// The absolute deadline of what runs, in seconds of the policy's clock: a context variable.
PyObject* deadline_variable();

Refusal begin(PolicyObject* policy, Begun& begun);
// The breaker's part of it alone.
bool enter(PolicyObject* policy, Begun& begun);
// The answer of a call that succeeded; takes over the reference to `value`. Null with an exception set on
// failure.
PyObject* finish(PolicyObject* policy, const Begun& begun, PyObject* value);
void leave(PolicyObject* policy) noexcept;
// As Python's methods take it; a borrowed reference.
PyObject* refusal_name(Refusal refusal);

}  // namespace atalanta::bind
