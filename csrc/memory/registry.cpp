#include "memory/registry.hpp"

#include <pthread.h>

#include "memory/pool.hpp"

namespace atalanta::memory {
namespace {

Pool* g_pools[kMostPools];

template <class Each>
void each_pool(Each&& each) {
    for (Pool* pool : g_pools) {
        if (pool != nullptr) each(*pool);
    }
}

// A fork copies one thread only. It waits until no other is inside a cache or holds a lock of ours, so that
// the child finds everything whole.
void before_fork() {
    registry_lock().lock();
    each_pool([](Pool& pool) { pool.before_fork(); });
}

void after_fork_in_parent() {
    each_pool([](Pool& pool) { pool.after_fork(false); });
    registry_lock().unlock();
}

void after_fork_in_child() {
    g_asymmetric = pages::prepare_asymmetric_barrier();
    each_pool([](Pool& pool) { pool.after_fork(true); });
    registry_lock().unlock();
}

}  // namespace

std::mutex& registry_lock() {
    static std::mutex& lock = *new std::mutex;  // threads may end after static objects did
    return lock;
}

std::uint32_t enlist(Pool& pool) {
    const std::lock_guard lock(registry_lock());
    [[maybe_unused]] static const int forks =
        (prepare_closed_slots(), pthread_atfork(&before_fork, &after_fork_in_parent, &after_fork_in_child));
    for (std::uint32_t slot = 0; slot < kMostPools; ++slot) {
        if (g_pools[slot] != nullptr) continue;
        g_pools[slot] = &pool;
        return slot;
    }
    return kNoSlot;
}

void delist(std::uint32_t slot) {
    g_pools[slot] = nullptr;
}

void retire_thread(ThreadSlots& slots) noexcept {
    const std::lock_guard lock(registry_lock());
    for (std::uint32_t slot = 0; slot < kMostPools; ++slot) {
        ThreadCache* cache = slots.caches[slot].load(std::memory_order_relaxed);
        if (cache == nullptr) continue;
        g_pools[slot]->retire(cache);
        g_pools[slot]->wake_housekeeper_if_needed();
    }
}

}  // namespace atalanta::memory
