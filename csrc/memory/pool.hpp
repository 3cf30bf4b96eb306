// The buffer pool: blocks of any size, aligned to 64 bytes, at a few nanoseconds each while they are reused.
// Any thread may release what another acquired. Memory that lies idle goes back to the system by itself.
// Nothing here throws but the constructor. Main entries: `acquire`, `release`, `trim`.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "memory/central.hpp"
#include "memory/predictor.hpp"
#include "memory/repetition.hpp"
#include "memory/span.hpp"
#include "memory/thread_cache.hpp"
#include "memory/trace.hpp"

namespace atalanta::memory {

struct PoolOptions {
    std::size_t limit_bytes = 0;    // of live blocks together; 0: none
    std::size_t cache_bytes = 0;    // the most free memory that is kept while busy; 0: adaptive
    std::size_t reserve_bytes = 0;  // of addresses; 0: twice the memory of the machine, at least 64 GiB
    std::uint32_t idle_ms = 40;     // free memory goes back after it,
    std::size_t idle_bytes = std::size_t{1} << 20;     // but for so much
    std::uint32_t guard_every = 0;                     // 1: every block is guarded, n: one in n, 0: none
    std::size_t page_bytes = pages::kAcceleratorPage;  // blocks of this size or more fill such pages; 0: no
    bool prefault = true;                              // fetch predicted memory ahead, off the caller's path
};

enum class Refusal { none, limit, memory, too_large };
// `not_live`: a block of the pool, but released before, or no block begins at that address.
enum class Released { yes, not_ours, not_live, overrun };

struct TagFigures {
    std::uint64_t acquires = 0, misses = 0, requested = 0, taken = 0;
    std::int64_t live = 0, high_water = 0;
    std::uint64_t cached = 0, fallbacks = 0;
};

struct PoolFigures {
    TagFigures total;
    std::size_t held = 0, cached = 0, high_water_held = 0, cap = 0, limit = 0;
    std::uint64_t given_back = 0, prefaulted = 0, trims = 0, refused = 0, faults = 0;
    std::uint32_t threads = 0;
    bool housekeeper = false;
};

// Untagged blocks are not described: their requested size is that of the block, their age -1.
struct LiveBlock {
    const void* address;
    Tag tag;
    std::size_t requested, block_bytes;
    std::int64_t age_ms;
};

// What a guard found.
struct GuardFault {
    enum Kind { overrun, written_after_release } kind;
    const void* address;
    std::size_t requested;
    Tag tag;
};

// Bytes that pools have given this thread so far whose first touch fetches them from the system.
std::uint64_t fetched_by_this_thread() noexcept;

class Pool {
  public:
    explicit Pool(const PoolOptions& options);  // std::runtime_error: no addresses, or too many pools
    ~Pool();                                    // no other thread may be using the pool
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    // At least `bytes` bytes; null, with the reason, when there are none.
    void* acquire(std::size_t bytes) noexcept;
    void* acquire(std::size_t bytes, Tag tag, Refusal* refusal = nullptr) noexcept;
    Released release(void* address) noexcept;
    // Quicker, with the size that was asked for; a wrong one does no harm.
    Released release(void* address, std::size_t bytes) noexcept;

    // For callers that took memory from elsewhere because `acquire` gave none: it is counted.
    void fell_back(Tag tag) noexcept { state_of(tag).fallbacks.fetch_add(1, std::memory_order_relaxed); }

    // As `acquire`, and all zeros.
    void* acquire_zeroed(std::size_t bytes, Tag tag = 0) noexcept;
    // Keeps what fits; null leaves the old block as it was.
    void* resize(void* address, std::size_t bytes) noexcept;
    bool owns(const void* address) const noexcept { return central_.arena().contains(address); }
    // Bytes of a live block that may be used: as requested with a tag, else all of it. 0 for anything else.
    std::size_t usable_bytes(const void* address) const noexcept;

    bool intern(std::string_view name, Tag& tag);  // false: kTags are taken
    bool find(std::string_view name, Tag& tag) const;
    std::vector<std::string> tag_names() const;
    Prediction prediction(Tag tag) const;
    Predictor predictor(Tag tag) const;  // a copy

    // Gives back all free memory, of every thread's magazines too; bytes given back.
    std::size_t trim() noexcept;
    bool set_limit(std::size_t bytes);  // 0: none; false: more is live
    std::size_t limit() const { return limit_.load(std::memory_order_relaxed); }
    void set_guard(std::uint32_t every);
    std::uint32_t guard() const { return guard_every_.load(std::memory_order_relaxed); }
    std::vector<GuardFault> take_faults();
    // Memory is short: gives back all that is free and keeps next to nothing free for a while; bytes given
    // back.
    std::size_t relieve(std::uint32_t for_ms) noexcept;
    // After every release under a limit a byte is written to these descriptors.
    void watch(int descriptor);
    void unwatch(int descriptor);

    void start_recording();
    std::vector<TraceEvent> stop_recording();

    PoolFigures figures();
    std::vector<TagFigures> figures_by_tag();  // in the order of `tag_names`
    std::vector<LiveBlock> live_blocks();
    std::size_t block_bytes_for(std::size_t bytes) const { return class_bytes(class_for(bytes)); }

    // For the registry.
    void retire(ThreadCache* cache) noexcept;
    void wake_housekeeper_if_needed() noexcept;
    void before_fork();
    void after_fork(bool child);

  private:
    enum Mode : std::uint32_t { limited = 1, recording = 2, guarding = 4 };
    struct TagState {
        std::string name;
        std::atomic<std::uint64_t> acquires{0}, misses{0}, requested{0}, taken{0}, fallbacks{0};
        std::atomic<std::int64_t> live{0}, high{0};
        mutable std::atomic_flag predicting;
        std::unique_ptr<Predictor> predictor;
    };
    class Access;

    std::uint32_t class_for(std::size_t bytes) const;  // kClasses when it is too large
    void* acquire_plain(std::size_t bytes, Refusal* refusal) noexcept;
    void* acquire_tagged(std::size_t bytes, Tag tag, Refusal* refusal) noexcept;
    void* hand_out_specially(std::byte* block, std::size_t bytes, Tag tag, std::uint32_t size_class,
                             std::uint32_t mode, bool guarded, Mark flags) noexcept;
    void* acquire_slowly(std::size_t bytes, Tag tag, Refusal* refusal, std::size_t* cold) noexcept;
    void* refuse(Refusal* refusal, Refusal why) noexcept;
    Released release_plain(std::byte* block, std::uint32_t size_class, std::atomic<Mark>& place) noexcept;
    Released finish_release(ThreadSlots& slots, std::int64_t room) noexcept;
    Released release_tagged(std::byte* block, Mark mark) noexcept;
    Released release_slowly(void* address) noexcept;
    void count_as_given(ThreadCache& cache, std::uint32_t size_class, Tag tag) noexcept;
    void give_directly(ThreadCache& cache, std::byte* block, std::uint32_t size_class, Tag tag,
                       std::uint32_t now) noexcept;
    void put_away(std::byte* block, std::uint32_t size_class, Tag tag) noexcept;
    Mark mark_at(const void* address) const noexcept {
        const Arena& arena = central_.arena();
        const std::size_t line = arena.line_of(address);
        return line < arena.lines() ? arena.mark_of_line(line).load(std::memory_order_acquire) : Mark{0};
    }
    bool describe(std::byte* block, std::size_t bytes, Tag tag) noexcept;
    std::byte* refill(ThreadCache& cache, std::uint32_t size_class, std::size_t& cold) noexcept;
    void make_room() noexcept;
    void settle() noexcept;
    void flush(ThreadCache& cache, std::uint32_t first_class, std::uint32_t now) noexcept;

    ThreadCache* cache_of_this_thread() noexcept;
    ThreadCache* new_cache(ThreadSlots& slots) noexcept;
    ThreadCache* shared_cache() noexcept;
    void fold(ThreadCache& cache) noexcept;
    void fold_tag(ThreadCache& cache, Tag tag) noexcept;
    void fold_total(ThreadCache& cache) noexcept;
    void set_mode(std::uint32_t set, std::uint32_t clear);
    TagState& state_of(Tag tag) const { return *tag_states_[tag].load(std::memory_order_acquire); }
    TagFigures read(const TagState& state) const;

    bool charge(std::size_t bytes) noexcept;
    void refund(std::size_t bytes) noexcept;
    void record(const void* address, std::size_t bytes, Tag tag) noexcept;
    void notice(std::size_t bytes, Tag tag) noexcept;
    void expect(std::size_t bytes) noexcept;

    bool wants_guard(ThreadCache& cache) noexcept;
    void arm(std::byte* block, std::size_t bytes, std::size_t block_bytes) noexcept;
    bool intact(const std::byte* block, std::size_t bytes, std::size_t block_bytes) const noexcept;
    void poison(std::byte* block, std::size_t block_bytes) noexcept;
    bool quarantine(std::byte* block, std::uint32_t size_class, Tag tag) noexcept;
    void release_quarantine(std::size_t keep) noexcept;
    void check_poison(const std::byte* block, std::size_t block_bytes) noexcept;
    void report(const GuardFault& fault) noexcept;

    std::uint32_t now_ms() noexcept;
    std::size_t cap_bytes() noexcept;
    void note_peak() noexcept;
    std::size_t bounded(double bytes) const noexcept;
    std::size_t within_limit(std::size_t cap) const noexcept;
    double recurring_bytes() const noexcept;
    void give_back_beyond(double bytes) noexcept;
    std::size_t magazine_bytes() noexcept;
    std::size_t trimmable_bytes() noexcept;
    std::size_t idle_bytes() const noexcept;
    std::size_t worth_trimming() const noexcept;
    void wake_housekeeper() noexcept;
    void stop_housekeeper() noexcept;
    void keep_house() noexcept;
    bool is_busy() noexcept;
    void take_idle_magazines(std::uint32_t now, std::uint32_t idle_ms) noexcept;
    void ask_for(std::size_t bytes) noexcept;
    void fetch(const std::vector<std::uint32_t>& predicted) noexcept;

    const PoolOptions options_;
    // Up to here the class alone decides.
    const std::size_t plain_ = options_.page_bytes > 0 ? options_.page_bytes - 1 : kLargestRequest;
    std::uint32_t slot_;
    const ClassTable classes_;  // beside what else a call reads
    Central central_;
    std::atomic<std::int64_t> least_room_{
        0};  // of a thread's magazines; less is beyond their share of the cap
    std::atomic<std::uint32_t> mode_{0};
    std::atomic<std::uint32_t> clock_ms_{0};
    const std::uint64_t started_ms_ = pages::coarse_ms();

    mutable std::mutex caches_lock_;  // guards the list and everybody's claims
    ThreadCache* caches_ = nullptr;
    ThreadCache* shared_ = nullptr;  // for threads that can have no cache; under shared_lock_
    std::unique_ptr<ThreadSlots> shared_slots_;
    std::mutex shared_lock_;

    mutable std::mutex tags_lock_;
    std::uint32_t tag_count_ = 0;
    std::atomic<TagState*> tag_states_[kTags] = {};
    TagState total_;  // what the tags, untagged apart, are part of

    std::mutex limit_lock_;
    std::atomic<std::size_t> limit_{0};
    std::atomic<std::int64_t> charged_{0};
    std::mutex watchers_lock_;
    std::vector<int> watchers_;

    std::atomic<std::uint32_t> guard_every_{0};
    std::mutex faults_lock_;
    std::vector<GuardFault> faults_;
    std::atomic<std::uint64_t> fault_count_{0};
    std::mutex quarantine_lock_;
    std::deque<std::pair<std::byte*, std::uint32_t>> quarantine_;  // block and class, the oldest first

    std::mutex recorder_lock_;
    std::vector<TraceEvent> recorded_;

    Repetition repetition_;
    std::atomic<double> live_peak_{0.0};
    std::atomic<std::uint32_t> live_peak_ms_{0};
    std::atomic<std::size_t> high_held_{0};
    std::atomic<std::uint32_t> relief_until_ms_{0};
    std::atomic<std::uint64_t> given_back_{0}, prefaulted_{0}, trims_{0}, refused_{0};

    std::atomic<bool> housekeeping_{false};
    std::mutex housekeeper_lock_;
    std::condition_variable housekeeper_wake_;
    std::thread housekeeper_;
    bool ending_ = false;
    std::vector<std::uint32_t> predicted_;  // classes to fetch
    std::uint64_t seen_pops_ = 0;           // the housekeeper's
};

}  // namespace atalanta::memory
