#include "memory/thread_cache.hpp"

#include <algorithm>
#include <new>

#include "memory/registry.hpp"

namespace atalanta::memory {

bool g_asymmetric = pages::prepare_asymmetric_barrier();

ThreadCache g_closed_cache;
ThreadSlots g_closed_slots;
constinit thread_local ThreadSlots* t_slots = &g_closed_slots;

namespace {

// At the thread's end its blocks go back; releases that come later find no cache and take the slow way.
struct ThreadEnd {
    bool ended = false;
    ~ThreadEnd() {
        ended = true;
        ThreadSlots* slots = t_slots;
        t_slots = &g_closed_slots;
        if (slots == &g_closed_slots) return;
        retire_thread(*slots);
        delete slots;
    }
};

thread_local ThreadEnd t_end;

}  // namespace

void ThreadSlots::close_all() {
    for (auto& cache : quick) cache.store(&g_closed_cache, std::memory_order_relaxed);
}

void prepare_closed_slots() {
    g_closed_cache.room = -1;  // and all of its magazines are empty
    g_closed_slots.close_all();
}

ThreadSlots* slots_of_this_thread() noexcept {
    if (t_slots != &g_closed_slots) return t_slots;
    ThreadSlots* slots = t_end.ended ? nullptr : new (std::nothrow) ThreadSlots;
    if (slots == nullptr) return nullptr;
    slots->close_all();
    return t_slots = slots;
}

ThreadCache* ThreadCache::create() noexcept {
    void* memory = pages::reserve(sizeof(ThreadCache));
    if (memory == nullptr) return nullptr;
    if (!pages::commit(memory, sizeof(ThreadCache))) {
        pages::unreserve(memory, sizeof(ThreadCache));
        return nullptr;
    }
    auto* cache = static_cast<ThreadCache*>(memory);  // all members are valid as zeros
    cache->room = cache->most_room = cache->idle_room = kMagazineBudget;
    return cache;
}

void ThreadCache::destroy(ThreadCache* cache) noexcept {
    pages::unreserve(cache, sizeof(ThreadCache));
}

std::uint32_t ThreadCache::take_oldest(std::uint32_t size_class, std::uint32_t wanted, std::byte** blocks) {
    Magazine& magazine = magazines[size_class];
    const std::uint32_t count = magazine.count();
    const std::uint32_t taken = std::min(count, wanted);
    std::copy_n(magazine.blocks, taken, blocks);
    std::copy(magazine.blocks + taken, magazine.blocks + count, magazine.blocks);
    magazine.state.store(magazine.state.load(std::memory_order_relaxed) - taken, std::memory_order_relaxed);
    moved_out(taken * class_bytes(size_class));
    return taken;
}

void Claim::close(ThreadCache* first, ThreadCache* end) {
    for (ThreadCache* cache = first; cache != end; cache = cache->next) {
        cache->gate.fetch_or(ThreadCache::kClaimed, std::memory_order_seq_cst);
        cache->place_for_quick().store(&g_closed_cache, std::memory_order_seq_cst);
    }
    if (g_asymmetric) pages::heavy_barrier();
    for (ThreadCache* cache = first; cache != end; cache = cache->next) {
        while (cache->slots->busy.load(std::memory_order_seq_cst) != 0) std::this_thread::yield();
    }
}

void Claim::open(ThreadCache* first, ThreadCache* end) {
    for (ThreadCache* cache = first; cache != end; cache = cache->next) {
        const std::uint32_t before = cache->gate.fetch_and(~ThreadCache::kClaimed, std::memory_order_release);
        if ((before & ThreadCache::kSpecial) == 0)
            cache->place_for_quick().store(cache, std::memory_order_release);
    }
}

}  // namespace atalanta::memory
