// The Python type `PolicyCore`: what every call of a policy costs while all is well, natively: see
// `policy_call` and `begun`.
#pragma once

#include <pybind11/pybind11.h>

#include <array>
#include <atomic>
#include <cstdint>

#include "bind/reliability/breaker_type.hpp"

namespace atalanta::bind {

enum class Count : std::uint8_t {
    live,
    late,
    fallback,
    cached,
    refused,
    failed,
    retries,
    hedges,
    left_behind
};
inline constexpr std::size_t kCounts = 9;

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

PyTypeObject* make_policy_type();

// The absolute deadline of what runs, in seconds of the policy's clock: a context variable.
PyObject* deadline_variable();

inline void add(PolicyObject* policy, Count count) noexcept {
    policy->counts[static_cast<std::size_t>(count)].fetch_add(1, std::memory_order_relaxed);
}

}  // namespace atalanta::bind
