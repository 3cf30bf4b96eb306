// Where blocks lie that no thread holds: slabs per class for small blocks, page runs for the others. No block
// has an owner: any thread may give back what another took, in batches, which makes a release across threads
// an ordinary one. Main entries: `take`, `give`, `trim`.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "memory/arena.hpp"
#include "memory/span.hpp"

namespace atalanta::memory {

// Held for some blocks' worth of pointer work.
class SpinLock {
  public:
    void lock() noexcept {
        while (taken_.test_and_set(std::memory_order_acquire)) std::this_thread::yield();
    }
    void unlock() noexcept { taken_.clear(std::memory_order_release); }

  private:
    std::atomic_flag taken_;
};

class Central {
  public:
    explicit Central(std::size_t reserve_bytes);
    ~Central();
    Central(const Central&) = delete;
    Central& operator=(const Central&) = delete;

    bool valid() const { return arena_.base() != nullptr && spans_ != nullptr; }
    const Arena& arena() const { return arena_; }

    // Up to `wanted` blocks of a class (one where a block is a run of its own); how many there were. `cold`
    // grows by the bytes that have to be fetched from the system when they are touched.
    std::size_t take(std::uint32_t size_class, std::byte** blocks, std::size_t wanted,
                     std::size_t& cold) noexcept;
    void give(std::uint32_t size_class, std::byte* const* blocks, std::size_t count,
              std::uint32_t now_ms) noexcept;

    // Where the facts of a block are; null when there is no memory for them. Of a block that somebody holds.
    BlockInfo* info_of(const std::byte* block) const noexcept;

    // The tag that had the block last, of those that had it; 0: none had.
    Tag last_tag(const std::byte* block) const noexcept {
        const Span* span = span_of(block);
        const BlockInfo* infos = span->infos.load(std::memory_order_acquire);
        return infos == nullptr ? 0 : infos[span->index_of(block)].tag();
    }

    // Gives memory back that lies free since `until_ms`, until at most `keep` free bytes are left;
    // `whole`: in huge pages only.
    std::size_t trim(std::size_t keep, std::uint32_t until_ms, std::uint32_t now_ms,
                     bool whole = false) noexcept;

    // Fetches memory for a block of the class and leaves it free; the bytes fetched.
    std::size_t warm_up(std::uint32_t size_class, std::uint32_t now_ms) noexcept;

    // Free runs that hold memory; runs in use, slabs among them.
    std::size_t warm_free_bytes() const noexcept { return warm_free_.load(std::memory_order_relaxed); }
    std::size_t used_run_bytes() const noexcept { return used_.load(std::memory_order_relaxed); }
    // Blocks of slabs that no thread has.
    std::size_t slab_free_bytes() noexcept;

    // each(block, its mark, class bytes, facts or null) for every live block; no run is given back meanwhile.
    template <class Each>
    void visit_live(Each&& each) {
        const std::lock_guard lock(arena_lock_);
        arena_.visit_pages([&](std::size_t page) {
            Span* span = spans_[page].load(std::memory_order_relaxed);
            if (span == nullptr || span->run.first != page) return;
            BlockInfo* infos = span->infos.load(std::memory_order_acquire);
            for (std::uint32_t i = 0; i < span->count; ++i) {
                std::atomic<Mark>& mark = arena_.mark_at(span->block(i));
                if (!is_live(mark.load(std::memory_order_acquire))) continue;
                each(span->block(i), mark, span->block_bytes, infos == nullptr ? nullptr : infos + i);
            }
        });
    }

    void lock_all();    // before a fork
    void unlock_all();  // after it, in both processes

  private:
    struct Depot {
        SpinLock lock;
        Span* partial = nullptr;  // slabs with a free block, the one in use longest first
        std::size_t free_bytes = 0;
    };

    std::size_t take_from_slabs(std::uint32_t size_class, std::byte** blocks, std::size_t wanted,
                                std::size_t& cold) noexcept;
    void give_to_slabs(std::uint32_t size_class, std::byte* const* blocks, std::size_t count,
                       std::uint32_t now_ms) noexcept;
    Span* span_of(const std::byte* block) const noexcept {
        return spans_[arena_.page_of(block)].load(std::memory_order_acquire);
    }
    Span* new_span(std::uint32_t size_class, std::size_t& cold) noexcept;
    void free_span(Span* span, std::uint32_t now_ms) noexcept;
    Span* span_object() noexcept;
    void note_counts() noexcept;
    static void unlink(Depot& depot, Span* span);

    Arena arena_;
    std::atomic<Span*>* spans_ = nullptr;  // by page: where a block may begin
    std::size_t spans_bytes_ = 0;
    std::mutex trim_lock_;  // runs on their way to the system count as used: a trim waits for another
    std::mutex arena_lock_;
    std::vector<std::unique_ptr<Span[]>> span_chunks_;
    Span* idle_spans_ = nullptr;
    std::atomic<std::size_t> warm_free_{0}, used_{0};
    Depot depots_[kFirstRunClass];
};

}  // namespace atalanta::memory
