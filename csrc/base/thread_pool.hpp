// A small pool of pinned threads that splits a range of rows. The caller works too; a pool that is busy,
// a small range or a count of one runs everything on the caller. Rows are independent, so results do not
// depend on the count.
#pragma once

#include <cstddef>

namespace atalanta {

// Threads used where a call does not say: ATALANTA_THREADS, else the processors this process may run on.
int default_threads() noexcept;

// Sets the default and returns the one before; counts below 1 restore the automatic choice.
int set_default_threads(int threads) noexcept;

// What ATALANTA_THREADS holds when it is not a whole number from 1 to 1024, else null.
const char* invalid_threads_variable() noexcept;

namespace detail {
using RangeBody = void (*)(void* context, std::size_t first, std::size_t count);
void run_over_threads(std::size_t size, std::size_t grain, int threads, RangeBody body, void* context);
}  // namespace detail

// Calls body(first, count) over [0, size) in pieces of `grain` rows on up to `threads` threads (0: default).
// The body must not throw.
template <class Body>
void parallel_ranges(std::size_t size, std::size_t grain, int threads, Body&& body) {
    if (size <= grain) {
        body(std::size_t{0}, size);
        return;
    }
    detail::run_over_threads(
        size, grain, threads,
        [](void* context, std::size_t first, std::size_t count) {
            (*static_cast<Body*>(context))(first, count);
        },
        &body);
}

}  // namespace atalanta
