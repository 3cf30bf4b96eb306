// What each thread keeps for itself: a stack of free blocks per size class (a magazine) and counters. Its
// owner enters without any atomic read-modify-write; whoever else needs it (the housekeeper, reports, a fork)
// hides it from the quick way, closes the gate of the patient one and waits until the owner is outside. Main
// entries: `ThreadSlots::enter`, `ThreadCache::enter_patiently`, `Claim`.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "memory/pages.hpp"
#include "memory/repetition.hpp"
#include "memory/size_class.hpp"
#include "memory/span.hpp"

namespace atalanta::memory {

class Pool;

constexpr std::uint32_t kMagazineBlocks = 30;
constexpr std::uint32_t kFirstUnprovenClass = class_of((std::size_t{8} << 20) + 1);  // see `comes_back`

constexpr std::int64_t kMagazineBudget = std::int64_t{8}
                                         << 20;  // bytes of a thread at most, and one block more

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

    // False: there is none.
    bool pop(std::byte*& block) {
        const std::uint64_t now = state.load(std::memory_order_relaxed), blocks_now = now % kOnePop;
        if (blocks_now == 0) [[unlikely]]
            return false;
        block = blocks[blocks_now - 1];
        state.store(now + kOnePop - 1, std::memory_order_relaxed);
        return true;
    }
    // False: it is full.
    bool push(std::byte* block) {
        const std::uint64_t now = state.load(std::memory_order_relaxed), blocks_now = now % kOnePop;
        if (blocks_now >= kMagazineBlocks) [[unlikely]]
            return false;
        blocks[blocks_now] = block;
        state.store(now + 1, std::memory_order_relaxed);
        return true;
    }
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

struct ThreadCache;

// The caches of a thread, one place per pool. The quick way uses those in `quick`, where the closed one
// stands while another thread has the cache or something special is going on: nothing can be taken from it,
// and nothing be put into it.
constexpr std::uint32_t kMostPools = 256;
struct ThreadSlots {
    std::atomic<std::uint32_t> busy;  // the thread is inside one of its caches
    std::atomic<ThreadCache*> quick[kMostPools], caches[kMostPools];

    void close_all();

    // Inside until `leave`, whichever cache it is.
    ThreadCache* enter(std::uint32_t slot) {
        if constexpr (kLightEntry) {
            busy.store(1, std::memory_order_relaxed);
            std::atomic_signal_fence(std::memory_order_seq_cst);
            return (quick + slot)->load(std::memory_order_acquire);
        }
        busy.store(1, std::memory_order_seq_cst);
        return quick[slot].load(std::memory_order_seq_cst);
    }
    void leave() { busy.store(0, std::memory_order_release); }
};

// Lives in zeroed pages of its own: what a thread never uses costs nothing.
struct ThreadCache {
    static constexpr std::uint32_t kClaimed = 1, kSpecial = 2;  // of `gate`; special: the quick way is closed

    // Since the counts were last collected: requested bytes. How many blocks of which class were acquired,
    // the magazines know.
    std::atomic<std::uint64_t> requested;
    // What the magazines may still take before they have more than the budget. An acquire adds the block's
    // bytes and a release takes them away, so that the bytes of live blocks are this less `idle_room`, which
    // changes only when blocks come and go by another way. `most_room`: where it was highest.
    std::atomic<std::int64_t> room, most_room, idle_room;
    std::atomic<std::uint32_t> gate;
    std::uint32_t guard_turn;
    std::uint32_t last_large;  // class of the last block beyond the budget that was released
    std::uint32_t slot;
    ThreadSlots* slots;                     // where the thread looks for it
    ThreadCache* next;                      // in the pool's list
    Magazine magazines[kThinkableClasses];  // those from kClasses on are always empty
    TagCounters tags[kTags];
    std::uint64_t seen_pops[kClasses], told_pops[kClasses];  // the housekeeper's; those collected
    std::uint32_t idle_since_ms[kClasses];
    bool comes_back[kClasses];  // blocks beyond the budget that are asked for again right after their release
    Repetition::Trail trail;    // runs that the magazines did not have

    // With pointers GCC computes the address of a magazine once, with an index twice.
    Magazine& magazine(std::uint32_t size_class) { return *(magazines + size_class); }

    static ThreadCache* create() noexcept;
    static void destroy(ThreadCache* cache) noexcept;

    // Inside, with the gate open for anything but claims.
    void enter_patiently() {
        for (;;) {
            slots->busy.store(1, std::memory_order_seq_cst);
            if ((gate.load(std::memory_order_seq_cst) & kClaimed) == 0) return;
            leave();
            std::this_thread::yield();
        }
    }
    void leave() { slots->leave(); }
    std::atomic<ThreadCache*>& place_for_quick() { return slots->quick[slot]; }

    // What the magazines hold; others may read between two stores of the owner.
    std::size_t cached_bytes() const {
        const std::int64_t bytes = kMagazineBudget - room.load(std::memory_order_relaxed);
        return bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
    }
    bool over_budget(std::int64_t least_room) const {
        return room.load(std::memory_order_relaxed) < least_room;
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
        return released(block_bytes, room.load(std::memory_order_relaxed));
    }
    std::int64_t released(std::size_t block_bytes, std::int64_t before) {
        const std::int64_t now = before - static_cast<std::int64_t>(block_bytes);
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

extern ThreadCache g_closed_cache;
extern ThreadSlots g_closed_slots;  // of threads that have none yet, and of those that end
extern constinit thread_local ThreadSlots* t_slots;

// Null when this thread has none.
inline ThreadCache* own_cache(std::uint32_t slot) {
    return t_slots->caches[slot].load(std::memory_order_relaxed);
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
