// A call that a policy let in, from its beginning to its end: deadline, place, permit. Entries: begin,
// finish.
#pragma once

#include "bind/reliability/policy_type.hpp"

namespace atalanta::bind {

enum class Refusal : std::uint8_t { none, deadline, bulkhead, breaker };

struct Begun {
    std::uint64_t permit = reliability::kUncounted;
    std::uint64_t start_ns = 0;     // 0: nobody wants to know
    std::uint64_t deadline_ns = 0;  // absolute; 0: none
};

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
