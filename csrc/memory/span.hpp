// A run of pages cut into blocks of one class, and what is known of each block. Blocks carry no header: their
// facts lie apart, so that an overflow cannot reach them and the blocks stay aligned.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "memory/arena.hpp"

namespace atalanta::memory {

using Tag = std::uint32_t;
constexpr Tag kTags = 1024;  // tag 0: untagged

// Bits of a block's state; 0: free. A poisoned block is free and filled with a pattern.
enum BlockState : std::uint32_t { kLive = 1, kGuarded = 2, kCharged = 4, kPoisoned = 8 };

// Written by whoever holds the block, read by reports at any time.
struct BlockInfo {
    std::atomic<std::uint64_t> size_and_tag{0};  // requested bytes (48 bits), tag; free in a span: the next one
    std::atomic<std::uint32_t> birth_ms{0};
    std::atomic<std::uint32_t> state{0};  // of BlockState

    static constexpr int kTagShift = 48;
    static constexpr std::uint64_t kSizeMask = (std::uint64_t{1} << kTagShift) - 1;

    std::size_t requested() const { return size_and_tag.load(std::memory_order_relaxed) & kSizeMask; }
    Tag tag() const { return static_cast<Tag>(size_and_tag.load(std::memory_order_relaxed) >> kTagShift); }
    void describe(std::size_t requested, Tag tag, std::uint32_t now_ms) {
        size_and_tag.store(requested | std::uint64_t{tag} << kTagShift, std::memory_order_relaxed);
        birth_ms.store(now_ms, std::memory_order_relaxed);
    }
};

struct Block {
    std::byte* data = nullptr;
    BlockInfo* info = nullptr;
};

constexpr std::uint32_t kNoBlock = ~std::uint32_t{0};

struct Span {
    std::byte* base = nullptr;
    std::uint64_t reciprocal = 0;  // 2^32 / block size, rounded up; 0 for a span of one block
    std::size_t block_bytes = 0;
    std::uint32_t size_class = 0;
    std::uint32_t count = 0;
    BlockInfo* infos = nullptr;
    PageRun run;
    BlockInfo single;
    // Of slabs, under the lock of their class:
    std::uint32_t out = 0;              // blocks that are live or in a magazine
    std::uint32_t first_free = kNoBlock;
    std::uint32_t fresh = 0;            // blocks from here on were never handed out
    std::uint32_t emptied_ms = 0;
    Span *previous = nullptr, *next = nullptr;

    // The block that begins at `address`, if one does.
    Block at(std::byte* address) {
        const auto offset = static_cast<std::size_t>(address - base);
        const std::size_t index = offset * reciprocal >> 32;
        if (index >= count || index * block_bytes != offset) return {};
        return {address, infos + index};
    }
};

}  // namespace atalanta::memory
