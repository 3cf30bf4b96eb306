#include "memory/pool.hpp"

#include <algorithm>
#include <stdexcept>

#include "memory/checking.hpp"
#include "memory/pool_access.hpp"
#include "memory/registry.hpp"

namespace atalanta::memory {
namespace {

constexpr std::size_t kLeastReserve = std::size_t{64} << 30;

std::size_t reserve_for(const PoolOptions& options) {
    if (options.reserve_bytes > 0) return options.reserve_bytes;
    return std::max(kLeastReserve, 2 * pages::physical_bytes());
}

}  // namespace

Pool::Pool(const PoolOptions& options) : options_(options), central_(reserve_for(options)) {
    if (!central_.valid()) throw std::runtime_error("the system refuses a range of addresses for the pool");
    slot_ = enlist(*this);
    if (slot_ == kNoSlot) {
        throw std::runtime_error(std::to_string(kMostPools) +
                                 " pools are alive, which is the most there can be");
    }
    Tag untagged = 0;
    intern("", untagged);
    guard_every_ = options.guard_every;
    limit_ = options.limit_bytes;
    mode_ = (options.limit_bytes > 0 ? limited : 0u) | (options.guard_every > 0 ? guarding : 0u);
}

Pool::~Pool() {
    stop_housekeeper();
    const std::lock_guard lock(registry_lock());
    delist(slot_);
    while (caches_ != nullptr) {
        ThreadCache* cache = caches_;
        caches_ = cache->next;
        cache->slots->caches[slot_].store(nullptr, std::memory_order_relaxed);
        cache->place_for_quick().store(&g_closed_cache, std::memory_order_relaxed);
        ThreadCache::destroy(cache);
    }
    for (Tag tag = 0; tag < tag_count_; ++tag) delete tag_states_[tag].load(std::memory_order_relaxed);
}

std::uint32_t Pool::class_for(std::size_t bytes) const {
    if (bytes <= plain_) return class_of(bytes);
    if (bytes > kLargestRequest) return kClasses;
    const std::size_t page = options_.page_bytes;
    std::uint32_t size_class = class_of((bytes + page - 1) / page * page);
    while (class_bytes(size_class) % page != 0) ++size_class;
    return size_class;
}

// The quick ways below are written for few instructions: whatever is not usual leaves by a call at the end. A
// size that no block has belongs to a class that never has a free one.
[[gnu::always_inline]] inline void* Pool::acquire_plain(std::size_t bytes, Refusal* refusal) noexcept {
    const std::uint32_t size_class = class_of_some(bytes);
    ThreadSlots& slots = *t_slots;
    ThreadCache* cache = slots.enter(slot_);
    std::byte* block;
    if (!cache->magazine(size_class).pop(block)) [[unlikely]] {
        slots.leave();
        return acquire_slowly(bytes, 0, refusal, nullptr);
    }
    cache->acquired(bytes, classes_.bytes[size_class]);
    slots.leave();
    allow(block, bytes);
    central_.arena().mark_of_block(block).store(mark_of(size_class), std::memory_order_release);
    return block;
}

void* Pool::acquire(std::size_t bytes) noexcept {
    return acquire_plain(bytes, nullptr);
}

void* Pool::acquire(std::size_t bytes, Tag tag, Refusal* refusal) noexcept {
    return tag == 0 ? acquire_plain(bytes, refusal) : acquire_tagged(bytes, tag, refusal);
}

void* Pool::acquire_tagged(std::size_t bytes, Tag tag, Refusal* refusal) noexcept {
    const std::uint32_t size_class = class_of_some(bytes);
    ThreadSlots& slots = *t_slots;
    ThreadCache* cache = slots.enter(slot_);
    std::byte* block;
    if (!cache->magazine(size_class).pop(block)) [[unlikely]] {
        slots.leave();
        return acquire_slowly(bytes, tag, refusal, nullptr);
    }
    cache->acquired(bytes, classes_.bytes[size_class]);
    cache->acquired_by(tag, bytes, classes_.bytes[size_class]);
    slots.leave();
    return hand_out_specially(block, bytes, tag, size_class, 0, false, 0);
}

Released Pool::release(void* address) noexcept {
    const Arena& arena = central_.arena();
    const std::size_t line = arena.line_of(address);
    if (line >= arena.lines()) [[unlikely]]
        return release_slowly(address);
    const Mark mark = arena.mark_of_line(line).load(std::memory_order_relaxed);
    if (static_cast<Mark>(mark - 1) < kClasses) [[likely]] {
        return release_plain(static_cast<std::byte*>(address), class_of_mark(mark), arena.mark_of_line(line));
    }
    return (mark & ~kMarkClass) == kDescribed ? release_tagged(static_cast<std::byte*>(address), mark)
                                              : release_slowly(address);
}

// The class comes from the size, so that the next acquire need not wait until the mark was read; that is only
// compared.
Released Pool::release(void* address, std::size_t bytes) noexcept {
    const Arena& arena = central_.arena();
    const std::size_t line = arena.line_of(address);
    if (line >= arena.lines()) [[unlikely]]
        return release(address);
    const std::uint32_t size_class = class_of_some(bytes);
    std::atomic<Mark>& place = arena.mark_of_line(line);
    if (place.load(std::memory_order_relaxed) != mark_of(size_class)) [[unlikely]]
        return release(address);
    return release_plain(static_cast<std::byte*>(address), size_class, place);
}

// One block may exceed the budget, so that the largest is warm when it comes back at once.
[[gnu::always_inline]] inline Released Pool::release_plain(std::byte* block, std::uint32_t size_class,
                                                           std::atomic<Mark>& place) noexcept {
    ThreadSlots& slots = *t_slots;
    ThreadCache* cache = slots.enter(slot_);
    const std::int64_t room = cache->room.load(std::memory_order_relaxed);
    if (room < least_room_.load(std::memory_order_relaxed) || !cache->magazine(size_class).push(block))
        [[unlikely]] {
        slots.leave();
        return release_slowly(block);
    }
    place.store(0, std::memory_order_relaxed);
    forbid(block, classes_.bytes[size_class]);
    return finish_release(slots, cache->released(classes_.bytes[size_class], room));
}

[[gnu::always_inline]] inline Released Pool::finish_release(ThreadSlots& slots, std::int64_t room) noexcept {
    slots.leave();
    if (room < kLittleCached && !housekeeping_.load(std::memory_order_relaxed)) [[unlikely]]
        wake_housekeeper();
    return Released::yes;
}

Released Pool::release_tagged(std::byte* block, Mark mark) noexcept {
    const std::uint32_t size_class = class_of_mark(mark);
    const std::size_t block_bytes = class_bytes(size_class);
    const Tag tag = central_.info_of(block)->tag();
    ThreadSlots& slots = *t_slots;
    ThreadCache* cache = slots.enter(slot_);
    const std::int64_t room = cache->room.load(std::memory_order_relaxed);
    if (room < least_room_.load(std::memory_order_relaxed) || !cache->magazine(size_class).push(block))
        [[unlikely]] {
        slots.leave();
        return release_slowly(block);
    }
    central_.arena().mark_of_block(block).store(0, std::memory_order_relaxed);
    forbid(block, block_bytes);
    cache->released_by(tag, block_bytes);
    return finish_release(slots, cache->released(block_bytes, room));
}

}  // namespace atalanta::memory
