// A run of pages cut into blocks of one class, and what is known of each block. Blocks carry no header: their
// facts lie apart, so that an overflow cannot reach them and the blocks stay aligned.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "memory/arena.hpp"

namespace atalanta::memory {

using Tag = std::uint32_t;
constexpr Tag kTags = 1024;  // tag 0: untagged

// The mark of the cache line at which a block begins: its class while it is live, and flags. One load
// tells whether an address is a live block of the pool, and of which class. 0: no live block begins here.
using Mark = std::uint16_t;
constexpr Mark kMarkClass = 0x3FF;
constexpr Mark kDescribed = 0x400, kGuarded = 0x800, kCharged = 0x1000;  // of live blocks
constexpr Mark kPoisoned = 0x2000;                                       // free, and filled with a pattern
constexpr Mark kFenced = 0x4000;    // live, and the pages behind what was asked for allow no access
constexpr Mark kUnproven = 0x8000;  // live, and too large to be kept: see `ThreadCache::comes_back`
static_assert(kClasses <= kMarkClass + 1);

constexpr Mark mark_of(std::uint32_t size_class) {
    return static_cast<Mark>(size_class);
}
constexpr bool is_live(Mark mark) {
    return (mark & kMarkClass) != 0;
}
constexpr std::uint32_t class_of_mark(Mark mark) {
    return mark & kMarkClass;
}

// Of blocks with a tag or a guard; written by whoever holds the block, read by reports at any time.
struct BlockInfo {
    std::atomic<std::uint64_t> size_and_tag{0};  // requested bytes (48 bits), tag
    std::atomic<std::uint32_t> birth_ms{0};

    static constexpr int kTagShift = 48;
    static constexpr std::uint64_t kSizeMask = (std::uint64_t{1} << kTagShift) - 1;

    std::size_t requested() const { return size_and_tag.load(std::memory_order_relaxed) & kSizeMask; }
    Tag tag() const { return static_cast<Tag>(size_and_tag.load(std::memory_order_relaxed) >> kTagShift); }
    void describe(std::size_t requested, Tag tag, std::uint32_t now_ms) {
        size_and_tag.store(requested | std::uint64_t{tag} << kTagShift, std::memory_order_relaxed);
        birth_ms.store(now_ms, std::memory_order_relaxed);
    }
};

constexpr std::uint16_t kNoBlock = 0xFFFF;

struct Span {
    std::byte* base = nullptr;
    std::uint64_t reciprocal = 0;  // 2^32 / block size, rounded up; 0 for a span of one block
    std::size_t block_bytes = 0;
    std::uint32_t size_class = 0;
    std::uint32_t count = 0;
    std::atomic<BlockInfo*> infos{nullptr};  // of a slab: made when the first of its blocks is described
    PageRun run;
    BlockInfo single;
    // Of slabs, under the lock of their class:
    std::uint32_t out = 0;  // blocks that are live or in a magazine
    std::uint16_t first_free = kNoBlock;
    std::uint16_t fresh = 0;                 // blocks from here on were never handed out
    std::unique_ptr<std::uint16_t[]> after;  // the free block after each free one
    Span *previous = nullptr, *next = nullptr;

    // Of an address at which a block begins.
    std::uint32_t index_of(const std::byte* address) const {
        return static_cast<std::uint32_t>(static_cast<std::size_t>(address - base) * reciprocal >> 32);
    }
    std::byte* block(std::uint32_t index) const { return base + index * block_bytes; }
};

}  // namespace atalanta::memory
