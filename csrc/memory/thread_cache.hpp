// What each thread keeps for itself: a stack of free blocks per size class (a magazine) and counters. Its
// owner enters without any atomic read-modify-write; whoever else needs it (the housekeeper, reports, a fork)
// closes the gate and waits until the owner is outside. Main entries: `ThreadCache::enter`, `own_cache`,
// `Claim`.
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
constexpr std::uint32_t kFirstUnprovenClass = class_of((std::size_t{8} << 20) + 1);  // see `comes_back`

constexpr std::int64_t kMagazineBudget = std::int64_t{8}
                                         << 20;  // bytes of a thread at most, and one block more

constexpr std::uint32_t magazine_limit(std::uint32_t size_class) {
    return size_class < kFirstLargeClass ? kMagazineBlocks : size_class < kFirstHugeClass ? 8 : 2;
}

struct MagazineLimits {
    std::uint8_t of[kClasses];
    constexpr MagazineLimits() : of() {
        for (std::uint32_t c = 0; c < kClasses; ++c) of[c] = static_cast<std::uint8_t>(magazine_limit(c));
    }
};
inline constexpr MagazineLimits kMagazineLimits;

// Of a counter that one thread writes and any may read.
template <class Number>
inline void add(std::atomic<Number>& counter, std::type_identity_t<Number> amount) {
    counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

// The count of blocks, and above it how many were ever taken: what is not used for a while goes back.
struct alignas(64) Magazine {
    static constexpr int kCountBits = 8;
    static constexpr std::uint64_t kOnePop = std::uint64_t{1} << kCountBits;
    std::atomic<std::uint64_t> state;
    std::byte* blocks[kMagazineBlocks];

    std::uint32_t count() const {
        return static_cast<std::uint32_t>(state.load(std::memory_order_relaxed) % kOnePop);
    }
    std::uint64_t pops() const { return state.load(std::memory_order_relaxed) / kOnePop; }
};

// Since the counts were last collected; `peak` is the most that taken - given has been.
struct alignas(64) TagCounters {
    std::atomic<std::uint64_t> acquires, misses, requested, taken, given;
    std::atomic<std::int64_t> peak;
};

// False where the system lacks the asymmetric barrier (see pages.hpp). Gates are then never open: everybody
// takes the slow way, which does without.
extern bool g_asymmetric;
#ifdef ATALANTA_LIGHT_ENTRY
constexpr bool kLightEntry = true;
#else
constexpr bool kLightEntry = false;
#endif

// Lives in zeroed pages of its own: what a thread never uses costs nothing.
struct ThreadCache {
    static constexpr std::uint32_t kClaimed = 1, kSpecial = 2;  // of `gate`

    std::atomic<std::uint32_t> busy, gate;
    // Since the counts were last collected: requested bytes. How many blocks of which class were acquired,
    // the magazines know.
    std::atomic<std::uint64_t> requested;
    // What the magazines may still take before they have more than the budget. An acquire adds the block's
    // bytes and a release takes them away, so that the bytes of live blocks are this less `idle_room`, which
    // changes only when blocks come and go by another way. `most_room`: where it was highest.
    std::atomic<std::int64_t> room, most_room, idle_room;
    std::uint32_t guard_turn;
    std::uint32_t last_large;               // class of the last block beyond the budget that was released
    ThreadCache* next;                      // in the pool's list
    std::atomic<ThreadCache*>* owner_slot;  // where the thread looks for it
    Magazine magazines[kClasses];
    TagCounters tags[kTags];
    std::uint64_t seen_pops[kClasses], told_pops[kClasses];  // the housekeeper's; those collected
    std::uint32_t idle_since_ms[kClasses];
    bool comes_back[kClasses];  // blocks beyond the budget that are asked for again right after their release

    static ThreadCache* create() noexcept;
    static void destroy(ThreadCache* cache) noexcept;

    // True: inside, with nothing special going on. False: inside too, but look at `gate`.
    bool enter() {
        if constexpr (kLightEntry) {
            busy.store(1, std::memory_order_relaxed);
            std::atomic_signal_fence(std::memory_order_seq_cst);
            return gate.load(std::memory_order_acquire) == 0;
        }
        return enter_heavily();
    }
    bool enter_heavily() {
        busy.store(1, std::memory_order_seq_cst);
        return gate.load(std::memory_order_seq_cst) == 0;
    }
    void leave() { busy.store(0, std::memory_order_release); }

    // Inside, with the gate open for anything but claims.
    void enter_patiently() {
        for (;;) {
            enter_heavily();
            if ((gate.load(std::memory_order_acquire) & kClaimed) == 0) return;
            leave();
            std::this_thread::yield();
        }
    }

    // What the magazines hold; others may read between two stores of the owner.
    std::size_t cached_bytes() const {
        const std::int64_t bytes = kMagazineBudget - room.load(std::memory_order_relaxed);
        return bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
    }
    // A block of the class may not go into its magazine: there is enough in all of them, or it is very large
    // and none of its size has ever been asked for again.
    bool unwanted(std::uint32_t size_class, std::int64_t least_room) const {
        return room.load(std::memory_order_relaxed) < least_room ||
               (size_class >= kFirstUnprovenClass && !comes_back[size_class]);
    }
    bool over_budget(std::int64_t least_room) const {
        return room.load(std::memory_order_relaxed) < least_room;
    }

    // Null when there is none.
    std::byte* pop(std::uint32_t size_class) {
        Magazine& magazine = magazines[size_class];
        const std::uint64_t state = magazine.state.load(std::memory_order_relaxed);
        const auto count = static_cast<std::uint32_t>(state % Magazine::kOnePop);
        if (count == 0) return nullptr;
        magazine.state.store(state + Magazine::kOnePop - 1, std::memory_order_relaxed);
        return magazine.blocks[count - 1];
    }
    bool push(std::uint32_t size_class, std::byte* block) {
        Magazine& magazine = magazines[size_class];
        const std::uint64_t state = magazine.state.load(std::memory_order_relaxed);
        const auto count = static_cast<std::uint32_t>(state % Magazine::kOnePop);
        if (count >= kMagazineLimits.of[size_class]) return false;
        magazine.blocks[count] = block;
        magazine.state.store(state + 1, std::memory_order_relaxed);
        return true;
    }
    // Takes out the lower part of a magazine, which was used the longest ago.
    std::uint32_t take_oldest(std::uint32_t size_class, std::uint32_t wanted, std::byte** blocks);

    // A block from a magazine becomes live, a live one goes to a magazine; the room then.
    void acquired(std::size_t bytes, std::size_t block_bytes) {
        add(requested, bytes);
        const std::int64_t now =
            room.load(std::memory_order_relaxed) + static_cast<std::int64_t>(block_bytes);
        room.store(now, std::memory_order_relaxed);
        raise(most_room, now);
    }
    std::int64_t released(std::size_t block_bytes) {
        const std::int64_t now =
            room.load(std::memory_order_relaxed) - static_cast<std::int64_t>(block_bytes);
        room.store(now, std::memory_order_relaxed);
        return now;
    }
    // Blocks move between the magazines and elsewhere.
    void moved_in(std::size_t bytes) { shift(-static_cast<std::int64_t>(bytes)); }
    void moved_out(std::size_t bytes) { shift(static_cast<std::int64_t>(bytes)); }

    // The same for a tag's own counters; what has none is the rest.
    void acquired_by(Tag tag, std::size_t bytes, std::size_t block_bytes) {
        TagCounters& counters = tags[tag];
        add(counters.acquires, 1);
        add(counters.requested, bytes);
        const std::uint64_t taken = counters.taken.load(std::memory_order_relaxed) + block_bytes;
        counters.taken.store(taken, std::memory_order_relaxed);
        raise(counters.peak,
              static_cast<std::int64_t>(taken - counters.given.load(std::memory_order_relaxed)));
    }
    void released_by(Tag tag, std::size_t block_bytes) { add(tags[tag].given, block_bytes); }

  private:
    void shift(std::int64_t bytes) {
        add(room, bytes);
        add(most_room, bytes);
        add(idle_room, bytes);
    }
    static void raise(std::atomic<std::int64_t>& most, std::int64_t value) {
        if (value > most.load(std::memory_order_relaxed)) most.store(value, std::memory_order_relaxed);
    }
};

// The caches of this thread, one place per pool. Before the first use and after the thread's end, each is one
// whose gate is never open.
constexpr std::uint32_t kMostPools = 256;
struct ThreadSlots {
    std::atomic<ThreadCache*> caches[kMostPools];
};
extern ThreadCache g_closed_cache;
extern ThreadSlots g_closed_slots;
extern constinit thread_local ThreadSlots* t_slots;

inline ThreadCache* slot_cache(std::uint32_t slot) {
    return t_slots->caches[slot].load(std::memory_order_relaxed);
}
// Null when this thread has none.
inline ThreadCache* own_cache(std::uint32_t slot) {
    ThreadCache* cache = slot_cache(slot);
    return cache == &g_closed_cache ? nullptr : cache;
}

void prepare_closed_slots();  // before the first pool

// Makes the slots of this thread if it has none and is not ending; null if it can have none.
ThreadSlots* slots_of_this_thread() noexcept;

// Closes the gates of a list of caches up to `end` and waits until their owners are outside; opens them at
// the end. The caller holds the lock that guards the list.
class Claim {
  public:
    explicit Claim(ThreadCache* first, ThreadCache* end = nullptr) : first_(first), end_(end) {
        close(first, end);
    }
    ~Claim() { open(first_, end_); }
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;

    static void close(ThreadCache* first, ThreadCache* end = nullptr);
    static void open(ThreadCache* first, ThreadCache* end = nullptr);

  private:
    ThreadCache *first_, *end_;
};

}  // namespace atalanta::memory
