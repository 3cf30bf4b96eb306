// What each thread keeps for itself: a stack of free blocks per size class (a magazine) and counters. Its owner
// enters without any atomic read-modify-write; whoever else needs it (the housekeeper, reports, a fork) closes
// the gate and waits until the owner is outside. Main entries: `ThreadCache::enter`, `own_cache`, `Claim`.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "memory/pages.hpp"
#include "memory/size_class.hpp"
#include "memory/span.hpp"

namespace atalanta::memory {

class Pool;

constexpr std::uint32_t kMagazineBlocks = 30;
constexpr std::uint32_t kFirstHugeClass = class_of((std::size_t{64} << 20) + 1);

constexpr std::uint32_t magazine_limit(std::uint32_t size_class) {
    return size_class < kFirstLargeClass ? kMagazineBlocks : size_class < kFirstHugeClass ? 8 : 2;
}

// Of a counter that one thread writes and any may read.
template <class Number>
inline void add(std::atomic<Number>& counter, std::type_identity_t<Number> amount) {
    counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

struct alignas(64) Magazine {
    std::atomic<std::uint32_t> count, pops;
    Block blocks[kMagazineBlocks];
};

// Since the counts were last collected; `peak` is the most that `live` has been.
struct alignas(64) TagCounters {
    std::atomic<std::uint64_t> acquires, releases, misses, requested, taken;
    std::atomic<std::int64_t> live, peak;

    void acquired(std::size_t bytes, std::size_t block_bytes) {
        add(acquires, 1);
        add(requested, bytes);
        add(taken, block_bytes);
        const std::int64_t now =
            live.load(std::memory_order_relaxed) + static_cast<std::int64_t>(block_bytes);
        live.store(now, std::memory_order_relaxed);
        if (now > peak.load(std::memory_order_relaxed)) peak.store(now, std::memory_order_relaxed);
    }
    void released(std::size_t block_bytes) {
        add(releases, 1);
        add(live, -static_cast<std::int64_t>(block_bytes));
    }
};

// False where the system lacks the asymmetric barrier (see pages.hpp).
extern bool g_asymmetric;

// Lives in zeroed pages of its own: what a thread never uses costs nothing.
struct ThreadCache {
    static constexpr std::uint32_t kClaimed = 1, kSpecial = 2;  // of `gate`

    std::atomic<std::uint32_t> busy, gate;
    std::atomic<std::size_t> cached_bytes;
    std::atomic<std::int64_t> live, peak;  // over all tags
    std::uint32_t guard_turn;
    ThreadCache* next;                        // in the pool's list
    std::atomic<ThreadCache*>* owner_slot;    // where the thread looks for it
    Magazine magazines[kClasses];
    TagCounters tags[kTags];
    std::uint32_t seen_pops[kClasses], idle_since_ms[kClasses];  // the housekeeper's

    static ThreadCache* create() noexcept;
    static void destroy(ThreadCache* cache) noexcept;

    // True: inside, with nothing special going on. False: inside too, but look at `gate`.
    bool enter() {
        if (g_asymmetric) {
            busy.store(1, std::memory_order_relaxed);
            std::atomic_signal_fence(std::memory_order_seq_cst);
            return gate.load(std::memory_order_acquire) == 0;
        }
        busy.store(1, std::memory_order_seq_cst);
        return gate.load(std::memory_order_seq_cst) == 0;
    }
    void leave() { busy.store(0, std::memory_order_release); }

    // Inside, with the gate open for anything but claims.
    void enter_patiently() {
        for (;;) {
            enter();
            if ((gate.load(std::memory_order_acquire) & kClaimed) == 0) return;
            leave();
            std::this_thread::yield();
        }
    }

    bool pop(std::uint32_t size_class, Block& block) {
        Magazine& magazine = magazines[size_class];
        const std::uint32_t count = magazine.count.load(std::memory_order_relaxed);
        if (count == 0) return false;
        block = magazine.blocks[count - 1];
        magazine.count.store(count - 1, std::memory_order_relaxed);
        add(magazine.pops, 1);
        add(cached_bytes, 0 - class_bytes(size_class));
        return true;
    }
    // One block may exceed the budget, so that the largest block is warm when it comes back at once.
    bool push(std::uint32_t size_class, const Block& block, std::size_t budget) {
        Magazine& magazine = magazines[size_class];
        const std::uint32_t count = magazine.count.load(std::memory_order_relaxed);
        const std::size_t cached = cached_bytes.load(std::memory_order_relaxed);
        if (count >= magazine_limit(size_class) || cached > budget) return false;
        magazine.blocks[count] = block;
        magazine.count.store(count + 1, std::memory_order_relaxed);
        cached_bytes.store(cached + class_bytes(size_class), std::memory_order_relaxed);
        return true;
    }
    // Takes out the lower part of a magazine, which was used the longest ago.
    std::uint32_t take_oldest(std::uint32_t size_class, std::uint32_t wanted, Block* blocks);

    void acquired(Tag tag, std::size_t bytes, std::size_t block_bytes) {
        tags[tag].acquired(bytes, block_bytes);
        const std::int64_t now =
            live.load(std::memory_order_relaxed) + static_cast<std::int64_t>(block_bytes);
        live.store(now, std::memory_order_relaxed);
        if (now > peak.load(std::memory_order_relaxed)) peak.store(now, std::memory_order_relaxed);
    }
    void released(Tag tag, std::size_t block_bytes) {
        tags[tag].released(block_bytes);
        add(live, -static_cast<std::int64_t>(block_bytes));
    }
};

// The caches of this thread, one place per pool; null before the first use and after the thread's end.
constexpr std::uint32_t kMostPools = 256;
struct ThreadSlots {
    std::atomic<ThreadCache*> caches[kMostPools];
};
extern constinit thread_local ThreadSlots* t_slots;

inline ThreadCache* own_cache(std::uint32_t slot) {
    ThreadSlots* slots = t_slots;
    return slots == nullptr ? nullptr : slots->caches[slot].load(std::memory_order_relaxed);
}

// Makes the slots of this thread if it has none and is not ending; null if it can have none.
ThreadSlots* slots_of_this_thread() noexcept;

// Closes the gates of a list of caches up to `end` and waits until their owners are outside; opens them at the
// end. The caller holds the lock that guards the list.
class Claim {
  public:
    explicit Claim(ThreadCache* first, ThreadCache* end = nullptr) : first_(first), end_(end) { close(first, end); }
    ~Claim() { open(first_, end_); }
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;

    static void close(ThreadCache* first, ThreadCache* end = nullptr);
    static void open(ThreadCache* first, ThreadCache* end = nullptr);

  private:
    ThreadCache *first_, *end_;
};

}  // namespace atalanta::memory
