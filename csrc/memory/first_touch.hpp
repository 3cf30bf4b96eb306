// The first touch of memory that had to be fetched. The system clears pages then, which takes longer than the
// work that fills them and says nothing of it: done before that work, by as many threads, and timed apart.
// Entries: touch_first, touching_ns.
#pragma once

#include <cstddef>
#include <cstdint>

namespace atalanta::memory {

// Whole pages of the pool within the range; contents are kept. Where the system has larger ones, nothing is
// touched ahead. threads: 0 for the default.
void touch_first(void* begin, std::size_t bytes, int threads) noexcept;

// What touch_first has taken on this thread so far.
std::uint64_t touching_ns() noexcept;

}  // namespace atalanta::memory
