// All pools of the process: each has a slot, under which every thread keeps its cache. Threads that end and
// forks find the pools here. Main entries: `enlist`, `delist`, `retire_thread`.
#pragma once

#include <cstdint>
#include <mutex>

#include "memory/thread_cache.hpp"

namespace atalanta::memory {

constexpr std::uint32_t kNoSlot = ~std::uint32_t{0};

// Guards the slots, and the caches of threads against pools that end. Taken before any lock of a pool.
std::mutex& registry_lock();

std::uint32_t enlist(Pool& pool);  // kNoSlot when kMostPools are alive
void delist(std::uint32_t slot);   // under the lock

// Gives back to each pool what the thread's caches hold, and frees them.
void retire_thread(ThreadSlots& slots) noexcept;

}  // namespace atalanta::memory
