#include "memory/thread_cache.hpp"

#include <algorithm>
#include <new>

#include "memory/registry.hpp"

namespace atalanta::memory {

bool g_asymmetric = pages::prepare_asymmetric_barrier();

constinit thread_local ThreadSlots* t_slots = nullptr;

namespace {

// At the thread's end its blocks go back; releases that come later find no cache and take the slow way.
struct ThreadEnd {
    bool ended = false;
    ~ThreadEnd() {
        ended = true;
        ThreadSlots* slots = t_slots;
        t_slots = nullptr;
        if (slots == nullptr) return;
        retire_thread(*slots);
        delete slots;
    }
};

thread_local ThreadEnd t_end;

}  // namespace

ThreadSlots* slots_of_this_thread() noexcept {
    if (t_slots == nullptr && !t_end.ended) t_slots = new (std::nothrow) ThreadSlots{};
    return t_slots;
}

ThreadCache* ThreadCache::create() noexcept {
    void* memory = pages::reserve(sizeof(ThreadCache));
    if (memory == nullptr) return nullptr;
    if (!pages::commit(memory, sizeof(ThreadCache))) {
        pages::unreserve(memory, sizeof(ThreadCache));
        return nullptr;
    }
    return static_cast<ThreadCache*>(memory);  // all members are valid as zeros
}

void ThreadCache::destroy(ThreadCache* cache) noexcept { pages::unreserve(cache, sizeof(ThreadCache)); }

std::uint32_t ThreadCache::take_oldest(std::uint32_t size_class, std::uint32_t wanted, Block* blocks) {
    Magazine& magazine = magazines[size_class];
    const std::uint32_t count = magazine.count.load(std::memory_order_relaxed);
    const std::uint32_t taken = std::min(count, wanted);
    std::copy_n(magazine.blocks, taken, blocks);
    std::copy(magazine.blocks + taken, magazine.blocks + count, magazine.blocks);
    magazine.count.store(count - taken, std::memory_order_relaxed);
    add(cached_bytes, 0 - taken * class_bytes(size_class));
    return taken;
}

void Claim::close(ThreadCache* first, ThreadCache* end) {
    for (ThreadCache* cache = first; cache != end; cache = cache->next) {
        cache->gate.fetch_or(ThreadCache::kClaimed, std::memory_order_seq_cst);
    }
    if (g_asymmetric) pages::heavy_barrier();
    for (ThreadCache* cache = first; cache != end; cache = cache->next) {
        while (cache->busy.load(std::memory_order_seq_cst) != 0) std::this_thread::yield();
    }
}

void Claim::open(ThreadCache* first, ThreadCache* end) {
    for (ThreadCache* cache = first; cache != end; cache = cache->next) {
        cache->gate.fetch_and(~ThreadCache::kClaimed, std::memory_order_release);
    }
}

}  // namespace atalanta::memory
