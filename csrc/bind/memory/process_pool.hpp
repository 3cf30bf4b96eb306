// The pool that the whole process shares, `atalanta.buffers.default_pool`. It is made at its first use and
// never ends: arrays may die after everything else. Main entry: `process_pool`.
#pragma once

#include "memory/pool.hpp"

namespace atalanta::bind {

// What functions of this package take memory for; each is a tag of the pool.
enum class Purpose : std::uint32_t { price, greeks, implied_vol, early_exercise, ladder, streaming };

// Null when the system refuses the addresses.
memory::Pool* process_pool() noexcept;

// 0, untagged, when the pool could not be made.
memory::Tag tag_of(Purpose purpose) noexcept;

}  // namespace atalanta::bind
