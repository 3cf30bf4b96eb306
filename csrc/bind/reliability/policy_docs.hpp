// The documentation of a policy's calls, as Python shows it.
#pragma once

namespace atalanta::bind {

inline constexpr const char* kCallDoc = R"(call($self, function, /, *args, **kwargs)
--

Call a function behind this policy.

Args:
    function: what is called; not a coroutine function.
    args: its arguments, and those of the fallbacks.
    kwargs: likewise by name.

Returns:
    An `Answer`: the value, its `source` ('live', 'fallback:NAME' or 'cached'), its `age` in seconds, whether it is
    `late`, and the error that is the `cause` where it is not live.

Raises:
    BreakerOpenError: the breaker is open, and no fallback answered.
    BulkheadFullError: as many calls as are allowed are under way, and no fallback answered.
    DeadlineError: the deadline passed, and no fallback answered.
    InputError: a coroutine function; or the function raised it, as it may any other error.
)";

inline constexpr const char* kAcallDoc = R"(acall($self, function, /, *args, **kwargs)
--

`call` for a coroutine function, to be awaited. A deadline cancels it; a hedge runs as a task beside it.

Args:
    function: what is called, and awaited.
    args: its arguments, and those of the fallbacks.
    kwargs: likewise by name.

Returns:
    An `Answer`, as `call`.

Raises:
    BreakerOpenError: as `call`.
    BulkheadFullError: as `call`.
    DeadlineError: as `call`.
    InputError: it does not run in an event loop, or what it uses belongs to another one.
)";

}  // namespace atalanta::bind
