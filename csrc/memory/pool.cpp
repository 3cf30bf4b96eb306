#include "memory/pool.hpp"

#include <algorithm>
#include <cstring>
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
        throw std::runtime_error(std::to_string(kMostPools) + " pools are alive, which is the most there can be");
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
        if (cache->owner_slot != nullptr) cache->owner_slot->store(nullptr, std::memory_order_relaxed);
        ThreadCache::destroy(cache);
    }
    for (Tag tag = 0; tag < tag_count_; ++tag) delete tag_states_[tag].load(std::memory_order_relaxed);
}

std::uint32_t Pool::class_for(std::size_t bytes) const {
    const std::size_t page = options_.page_bytes;
    if (bytes > kLargestRequest) return kClasses;
    if (page == 0 || bytes < page) return class_of(bytes);
    std::uint32_t size_class = class_of((bytes + page - 1) / page * page);
    while (class_bytes(size_class) % page != 0) ++size_class;
    return size_class;
}

void* Pool::hand_out(const Block& block, std::size_t bytes, Tag tag, std::uint32_t state) noexcept {
    block.info->describe(bytes, tag, clock_ms_.load(std::memory_order_relaxed));
    block.info->state.store(state, std::memory_order_release);
    allow(block.data, bytes);
    if (tag != 0) notice(bytes, tag);
    return block.data;
}

void* Pool::acquire(std::size_t bytes, Tag tag, Refusal* refusal) noexcept {
    const std::uint32_t size_class = class_for(bytes);
    if (ThreadCache* cache = own_cache(slot_); cache != nullptr && size_class < kClasses) [[likely]] {
        Block block;
        if (cache->enter() && cache->pop(size_class, block)) [[likely]] {
            cache->acquired(tag, bytes, class_bytes(size_class));
            cache->leave();
            return hand_out(block, bytes, tag, kLive);
        }
        cache->leave();
    }
    Refusal unread;
    return acquire_slowly(bytes, tag, refusal == nullptr ? unread : *refusal, nullptr);
}

Released Pool::release(void* address) noexcept {
    std::uint32_t size_class = 0;
    const Block block = central_.locate(address, size_class);
    if (block.data == nullptr) return Released::not_ours;
    if (block.info->state.load(std::memory_order_relaxed) != kLive) [[unlikely]] return release_slowly(address);
    ThreadCache* cache = own_cache(slot_);
    if (cache == nullptr) [[unlikely]] return release_slowly(address);
    if (cache->enter()) [[likely]] {
        const Tag tag = block.info->tag();
        block.info->state.store(0, std::memory_order_relaxed);
        forbid(block.data, class_bytes(size_class));
        if (cache->push(size_class, block, budget_)) [[likely]] {
            cache->released(tag, class_bytes(size_class));
            const std::size_t cached = cache->cached_bytes.load(std::memory_order_relaxed);
            cache->leave();
            if (cached > kWorthTrimming && !housekeeping_.load(std::memory_order_relaxed)) [[unlikely]] {
                wake_housekeeper();
            }
            return Released::yes;
        }
        block.info->state.store(kLive, std::memory_order_relaxed);
    }
    cache->leave();
    return release_slowly(address);
}

void* Pool::acquire_slowly(std::size_t bytes, Tag tag, Refusal& refusal, std::size_t* cold) noexcept {
    refusal = Refusal::none;
    const std::uint32_t mode = mode_.load(std::memory_order_acquire);
    const Access access(*this);
    const bool guarded = (mode & guarding) != 0 && access && wants_guard(*access);
    const std::uint32_t size_class = class_for(guarded ? bytes + kCanaryBytes : bytes);
    if (size_class >= kClasses) return refuse(refusal, Refusal::too_large);
    if (!access) return refuse(refusal, Refusal::memory);
    const std::size_t block_bytes = class_bytes(size_class);
    if ((mode & limited) != 0 && !charge(block_bytes)) return refuse(refusal, Refusal::limit);
    Block block;
    std::size_t fetched = 0;
    access->enter_patiently();
    const bool cached = access->pop(size_class, block);
    access->leave();
    if (!cached && !refill(*access, size_class, block, fetched)) {
        if ((mode & limited) != 0) refund(block_bytes);
        return refuse(refusal, Refusal::memory);
    }
    access->enter_patiently();
    access->acquired(tag, bytes, block_bytes);
    if (fetched > 0) add(access->tags[tag].misses, 1);
    fold_tag(*access, tag);
    fold_total(*access);
    access->leave();
    if (fetched > 0) make_room();
    if (cold != nullptr) *cold = fetched;
    return hand_out_specially(block, bytes, tag, mode, guarded, block_bytes);
}

void* Pool::hand_out_specially(const Block& block, std::size_t bytes, Tag tag, std::uint32_t mode, bool guarded,
                               std::size_t block_bytes) noexcept {
    allow(block.data, block_bytes);
    const std::uint32_t before = block.info->state.load(std::memory_order_relaxed);
    if (guarded && (before & kPoisoned) != 0) check_poison(block, block_bytes);
    if (guarded) arm(block, bytes, block_bytes);
    if (!guarded) forbid(block.data + bytes, block_bytes - bytes);
    now_ms();
    const std::uint32_t state = kLive | (guarded ? kGuarded : 0u) | ((mode & limited) != 0 ? kCharged : 0u);
    void* address = hand_out(block, bytes, tag, state);
    if ((mode & recording) != 0) record(address, bytes, tag);
    return address;
}

// From here to the end: the state decides who releases, should two threads try.
Released Pool::release_slowly(void* address) noexcept {
    std::uint32_t size_class = 0;
    const Block block = central_.locate(address, size_class);
    if (block.data == nullptr) return Released::not_ours;
    std::uint32_t state = block.info->state.load(std::memory_order_acquire);
    const std::size_t block_bytes = class_bytes(size_class);
    do {
        if ((state & kLive) == 0) return Released::twice;
    } while (!block.info->state.compare_exchange_weak(state, 0, std::memory_order_acq_rel));
    allow(block.data, block_bytes);
    const Tag tag = block.info->tag();
    const bool whole = (state & kGuarded) == 0 || intact(block, block_bytes);
    if (!whole) report({GuardFault::overrun, address, block.info->requested(), tag});
    if ((state & kGuarded) != 0) poison(block, block_bytes);
    forbid(block.data, block_bytes);
    if ((mode_.load(std::memory_order_acquire) & recording) != 0) record(address, 0, tag);
    put_away(block, size_class, tag);
    if ((state & kCharged) != 0) refund(block_bytes);
    return whole ? Released::yes : Released::overrun;
}

// Into the thread's magazine; what that has too much of goes to everybody.
void Pool::put_away(const Block& block, std::uint32_t size_class, Tag tag) noexcept {
    const std::uint32_t now = now_ms();
    const Access access(*this);
    if (!access) {  // without a cache nothing is counted
        central_.give(size_class, &block, 1, now);
        return;
    }
    if (access->cached_bytes.load(std::memory_order_relaxed) > budget_) flush(*access, kFirstRunClass, now);
    if (access->cached_bytes.load(std::memory_order_relaxed) > budget_) flush(*access, 0, now);
    Block older[kMagazineBlocks];
    std::uint32_t count = 0;
    access->enter_patiently();
    access->released(tag, class_bytes(size_class));
    fold_tag(*access, tag);
    fold_total(*access);
    if (!access->push(size_class, block, budget_)) {
        count = access->take_oldest(size_class, (magazine_limit(size_class) + 1) / 2, older);
        access->push(size_class, block, ~std::size_t{0});
    }
    access->leave();
    if (count > 0) central_.give(size_class, older, count, now);
    if (!housekeeping_.load(std::memory_order_relaxed) &&
        access->cached_bytes.load(std::memory_order_relaxed) + central_.warm_free_bytes() > kWorthTrimming) {
        wake_housekeeper();
    }
}

void Pool::flush(ThreadCache& cache, std::uint32_t first_class, std::uint32_t now) noexcept {
    Block blocks[kMagazineBlocks];
    for (std::uint32_t size_class = first_class; size_class < kClasses; ++size_class) {
        if (cache.magazines[size_class].count.load(std::memory_order_relaxed) == 0) continue;
        cache.enter_patiently();
        const std::uint32_t count = cache.take_oldest(size_class, kMagazineBlocks, blocks);
        cache.leave();
        if (count > 0) central_.give(size_class, blocks, count, now);
    }
}

// A run for a large block may be made of what the thread's own magazines hold in other sizes.
bool Pool::refill(ThreadCache& cache, std::uint32_t size_class, Block& block, std::size_t& cold) noexcept {
    const std::uint32_t now = now_ms();
    if (size_class >= kFirstRunClass && central_.warm_free_bytes() < class_bytes(size_class)) {
        flush(cache, kFirstRunClass, now);
    }
    Block blocks[kMagazineBlocks];
    const std::uint32_t wanted = (magazine_limit(size_class) + 1) / 2;
    std::size_t count = central_.take(size_class, blocks, wanted, cold);
    if (count == 0) {
        trim();
        count = central_.take(size_class, blocks, 1, cold);
    }
    if (count == 0) return false;
    block = blocks[0];
    std::size_t kept = 1;
    cache.enter_patiently();
    while (kept < count && cache.push(size_class, blocks[kept], budget_)) ++kept;
    cache.leave();
    if (kept < count) central_.give(size_class, blocks + kept, count - kept, now);
    return true;
}

void* Pool::acquire_zeroed(std::size_t bytes, Tag tag) noexcept {
    std::size_t cold = 0;
    Refusal refusal;
    void* address = acquire_slowly(bytes, tag, refusal, &cold);
    const bool run = class_for(bytes) >= kFirstMediumClass && guard() == 0;
    if (address != nullptr && !(run && cold >= class_bytes(class_for(bytes)))) std::memset(address, 0, bytes);
    return address;
}

void* Pool::resize(void* address, std::size_t bytes) noexcept {
    std::uint32_t size_class = 0;
    const Block block = central_.locate(address, size_class);
    if (block.data == nullptr) return nullptr;
    const std::uint32_t state = block.info->state.load(std::memory_order_relaxed);
    const std::size_t before = block.info->requested();
    const Tag tag = block.info->tag();
    if ((state & (kLive | kGuarded)) == kLive && class_for(bytes) == size_class) {
        block.info->describe(bytes, tag, block.info->birth_ms.load(std::memory_order_relaxed));
        forbid(block.data, class_bytes(size_class));
        allow(block.data, bytes);
        return address;
    }
    void* moved = (state & kLive) != 0 ? acquire(bytes, tag) : nullptr;
    if (moved == nullptr) return nullptr;
    std::memcpy(moved, address, std::min(before, bytes));
    release(address);
    return moved;
}

std::size_t Pool::requested_bytes(const void* address) const noexcept {
    std::uint32_t size_class = 0;
    const Block block = central_.locate(address, size_class);
    const bool live = block.data != nullptr && (block.info->state.load(std::memory_order_acquire) & kLive) != 0;
    return live ? block.info->requested() : 0;
}

}  // namespace atalanta::memory
