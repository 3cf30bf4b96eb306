// The pool and its threads: caches that come and go, counters brought together, modes, forks.
#include <new>

#include "memory/pool_access.hpp"
#include "memory/registry.hpp"

namespace atalanta::memory {
namespace {

void raise(std::atomic<std::int64_t>& most, std::int64_t value) {
    std::int64_t seen = most.load(std::memory_order_relaxed);
    while (value > seen && !most.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
    }
}

// The quick way in relies on a barrier that this system lacks.
bool never_light() {
    return kLightEntry && !g_asymmetric;
}

}  // namespace

ThreadCache* Pool::cache_of_this_thread() noexcept {
    if (ThreadCache* cache = own_cache(slot_); cache != nullptr) return cache;
    ThreadSlots* slots = slots_of_this_thread();
    return slots == nullptr ? nullptr : new_cache(*slots);
}

ThreadCache* Pool::new_cache(ThreadSlots& slots) noexcept {
    ThreadCache* cache = ThreadCache::create();
    if (cache == nullptr) return nullptr;
    cache->slots = &slots;
    cache->slot = slot_;
    slots.caches[slot_].store(cache, std::memory_order_relaxed);
    const std::lock_guard lock(caches_lock_);
    if (mode_.load(std::memory_order_relaxed) != 0 || never_light()) {
        cache->gate.store(ThreadCache::kSpecial);
    } else {
        cache->place_for_quick().store(cache, std::memory_order_relaxed);
    }
    cache->next = caches_;
    caches_ = cache;
    return cache;
}

// One at a time uses it; null when there is no memory for it.
ThreadCache* Pool::shared_cache() noexcept {
    if (shared_ != nullptr) return shared_;
    if (shared_slots_ == nullptr) shared_slots_.reset(new (std::nothrow) ThreadSlots);
    if (shared_slots_ != nullptr) shared_ = new_cache(*shared_slots_);
    return shared_;
}

// Called by the thread that ends, or in a forked child for a thread that it does not have.
void Pool::retire(ThreadCache* cache) noexcept {
    flush(*cache, 0, now_ms());
    {
        const std::lock_guard lock(caches_lock_);
        fold(*cache);
        ThreadCache** link = &caches_;
        while (*link != cache) link = &(*link)->next;
        *link = cache->next;
    }
    ThreadCache::destroy(cache);
}

// The counters' owner is the caller, or outside and its gate closed.
void Pool::fold_tag(ThreadCache& cache, Tag tag) noexcept {
    TagCounters& counters = cache.tags[tag];
    TagState& state = state_of(tag);
    const auto move = [](auto& from, auto& to) {
        to.fetch_add(from.load(std::memory_order_relaxed), std::memory_order_relaxed);
        from.store(0, std::memory_order_relaxed);
    };
    raise(state.high,
          state.live.load(std::memory_order_relaxed) + counters.peak.load(std::memory_order_relaxed));
    state.live.fetch_add(static_cast<std::int64_t>(counters.taken.load(std::memory_order_relaxed) -
                                                   counters.given.load(std::memory_order_relaxed)),
                         std::memory_order_relaxed);
    move(counters.acquires, state.acquires);
    move(counters.misses, state.misses);
    move(counters.requested, state.requested);
    move(counters.taken, state.taken);
    counters.given.store(0, std::memory_order_relaxed);
    counters.peak.store(0, std::memory_order_relaxed);
}

void Pool::fold_total(ThreadCache& cache) noexcept {
    const std::int64_t room = cache.room.load(std::memory_order_relaxed);
    const std::int64_t idle_room = cache.idle_room.load(std::memory_order_relaxed);
    raise(total_.high, total_.live.load(std::memory_order_relaxed) +
                           cache.most_room.load(std::memory_order_relaxed) - idle_room);
    total_.live.fetch_add(room - idle_room, std::memory_order_relaxed);
    cache.idle_room.store(room, std::memory_order_relaxed);
    cache.most_room.store(room, std::memory_order_relaxed);
}

void Pool::fold(ThreadCache& cache) noexcept {
    std::uint32_t tags = 0;
    {
        const std::lock_guard lock(tags_lock_);
        tags = tag_count_;
    }
    for (Tag tag = 0; tag < tags; ++tag) {
        const TagCounters& counters = cache.tags[tag];
        if ((counters.acquires.load(std::memory_order_relaxed) |
             counters.given.load(std::memory_order_relaxed)) != 0) {
            fold_tag(cache, tag);
        }
    }
    for (std::uint32_t size_class = 0; size_class < kClasses; ++size_class) {
        const std::uint64_t pops = cache.magazines[size_class].pops();
        const std::uint64_t acquires = pops - cache.told_pops[size_class];
        if (acquires == 0) continue;
        cache.told_pops[size_class] = pops;
        total_.acquires.fetch_add(acquires, std::memory_order_relaxed);
        total_.taken.fetch_add(acquires * class_bytes(size_class), std::memory_order_relaxed);
    }
    total_.requested.fetch_add(cache.requested.exchange(0, std::memory_order_relaxed),
                               std::memory_order_relaxed);
    fold_total(cache);
}

// Nobody is in the middle of a quick operation when this returns: all who come later see the new mode.
void Pool::set_mode(std::uint32_t set, std::uint32_t clear) {
    const std::lock_guard lock(caches_lock_);
    const std::uint32_t mode = (mode_.load(std::memory_order_relaxed) & ~clear) | set;
    mode_.store(mode, std::memory_order_release);
    const Claim claim(caches_);
    for (ThreadCache* cache = caches_; cache != nullptr; cache = cache->next) {
        if (mode != 0 || never_light()) {
            cache->gate.fetch_or(ThreadCache::kSpecial, std::memory_order_release);
        } else {
            cache->gate.fetch_and(~ThreadCache::kSpecial, std::memory_order_release);
        }
    }
}

void Pool::before_fork() {
    shared_lock_.lock();
    housekeeper_lock_.lock();
    caches_lock_.lock();
    Claim::close(caches_);
    tags_lock_.lock();
    watchers_lock_.lock();
    faults_lock_.lock();
    quarantine_lock_.lock();
    recorder_lock_.lock();
    central_.lock_all();
}

// The child has this thread only: no housekeeper, and the other threads' caches belong to nobody.
void Pool::after_fork(bool child) {
    central_.unlock_all();
    recorder_lock_.unlock();
    quarantine_lock_.unlock();
    faults_lock_.unlock();
    watchers_lock_.unlock();
    tags_lock_.unlock();
    Claim::open(caches_);
    caches_lock_.unlock();
    if (child) {
        housekeeping_.store(false, std::memory_order_relaxed);
        new (&housekeeper_) std::thread;  // the old one is of another process
        new (&housekeeper_wake_) std::condition_variable;
    }
    housekeeper_lock_.unlock();
    shared_lock_.unlock();
    if (!child) return;
    for (ThreadCache* cache = caches_; cache != nullptr;) {
        ThreadCache* next = cache->next;
        if (cache != shared_ && cache != own_cache(slot_)) retire(cache);  // starts no thread in here
        cache = next;
    }
}

}  // namespace atalanta::memory
