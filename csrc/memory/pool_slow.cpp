// What happens when a request is not served from the thread's own magazine, or something special is going on:
// refills, flushes, limits, guards, recordings; and the operations that are made of several.
#include <algorithm>
#include <cstring>

#include "memory/checking.hpp"
#include "memory/pool_access.hpp"

namespace atalanta::memory {
namespace {

constexpr std::size_t kFetchedAtOnce = std::size_t{64} << 10;  // or one block: what goes to a magazine

constinit thread_local std::uint64_t t_fetched = 0;

}  // namespace

std::uint64_t fetched_by_this_thread() noexcept {
    return t_fetched;
}

void* Pool::acquire_slowly(std::size_t bytes, Tag tag, Refusal* refusal, std::size_t* cold) noexcept {
    const std::uint32_t mode = mode_.load(std::memory_order_acquire);
    const Access access(*this);
    const bool guarded = (mode & guarding) != 0 && access && wants_guard(*access);
    const std::uint32_t size_class = class_for(guarded ? guarded_bytes(bytes) : bytes);
    if (size_class >= kClasses) return refuse(refusal, Refusal::too_large);
    if (!access) return refuse(refusal, Refusal::memory);
    const std::size_t block_bytes = class_bytes(size_class);
    if ((mode & limited) != 0 && !charge(block_bytes)) return refuse(refusal, Refusal::limit);
    std::size_t fetched = 0;
    access->enter_patiently();
    std::byte* block = nullptr;
    const bool cached = access->magazine(size_class).pop(block);
    access->leave();
    if (!cached) block = refill(*access, size_class, fetched);
    if (block == nullptr) {
        if ((mode & limited) != 0) refund(block_bytes);
        return refuse(refusal, Refusal::memory);
    }
    access->enter_patiently();
    if (!cached) {  // as if it had been in the magazine
        access->moved_in(block_bytes);
        add(access->magazines[size_class].state, Magazine::kOnePop);
    }
    access->acquired(bytes, block_bytes);
    if (tag != 0) access->acquired_by(tag, bytes, block_bytes);
    if (fetched > 0) add(access->tags[tag].misses, 1);
    fold_tag(*access, tag);
    fold_total(*access);
    access->leave();
    t_fetched += fetched;
    if (fetched > 0) {
        make_room();
    } else if (!cached && size_class >= kFirstMediumClass) {
        note_peak();
    }
    if (cold != nullptr) *cold = fetched;
    const bool unproven = !cached && size_class >= kFirstUnprovenClass && !access->comes_back[size_class];
    return hand_out_specially(block, bytes, tag, size_class, mode, guarded, unproven ? kUnproven : Mark{0});
}

void* Pool::hand_out_specially(std::byte* block, std::size_t bytes, Tag tag, std::uint32_t size_class,
                               std::uint32_t mode, bool guarded, Mark flags) noexcept {
    const std::size_t block_bytes = class_bytes(size_class);
    std::atomic<Mark>& place = central_.arena().mark_at(block);
    allow(block, block_bytes);
    if (guarded && place.load(std::memory_order_acquire) == kPoisoned) check_poison(block, block_bytes);
    const bool described = (tag != 0 || guarded) && describe(block, bytes, tag);
    guarded = guarded && described;
    if (guarded) arm(block, bytes, block_bytes);
    const std::size_t fence = fence_begin(bytes);
    const bool fenced = guarded && bytes >= kLeastFenced && pages::fence(block + fence, block_bytes - fence);
    forbid(block + bytes, block_bytes - bytes);
    const int all = flags | (described ? kDescribed : 0) | (guarded ? kGuarded : 0) |
                    ((mode & limited) != 0 ? kCharged : 0) | (fenced ? kFenced : 0);
    place.store(static_cast<Mark>(mark_of(size_class) | all), std::memory_order_release);
    if ((mode & recording) != 0) record(block, bytes, tag);
    if (tag != 0) notice(bytes, tag);
    return block;
}

// Without memory for its facts a block counts as untagged from here on.
bool Pool::describe(std::byte* block, std::size_t bytes, Tag tag) noexcept {
    BlockInfo* info = central_.info_of(block);
    if (info != nullptr) info->describe(bytes, tag, now_ms());
    return info != nullptr;
}

// The mark decides who releases, should two threads try.
Released Pool::release_slowly(void* address) noexcept {
    const Arena& arena = central_.arena();
    const std::size_t line = arena.line_of(address);
    if (line >= arena.lines()) return arena.contains(address) ? Released::not_live : Released::not_ours;
    auto* block = static_cast<std::byte*>(address);
    std::atomic<Mark>& place = arena.mark_of_line(line);
    Mark mark = place.load(std::memory_order_acquire);
    do {
        if (!is_live(mark)) return Released::not_live;
    } while (!place.compare_exchange_weak(mark, 0, std::memory_order_acq_rel));
    const std::uint32_t size_class = class_of_mark(mark);
    const std::size_t block_bytes = class_bytes(size_class);
    allow(block, block_bytes);
    const BlockInfo* info = (mark & kDescribed) != 0 ? central_.info_of(block) : nullptr;
    const Tag tag = info == nullptr ? 0 : info->tag();
    if ((mark & kFenced) != 0) {
        const std::size_t fence = fence_begin(info->requested());
        pages::commit(block + fence, block_bytes - fence);
    }
    const bool whole = (mark & kGuarded) == 0 || intact(block, info->requested(), block_bytes);
    if (!whole) report({GuardFault::overrun, address, info->requested(), tag});
    if ((mode_.load(std::memory_order_acquire) & recording) != 0) record(address, 0, tag);
    if ((mark & kFenced) == 0 || !quarantine(block, size_class, tag)) {
        if ((mark & kGuarded) != 0) poison(block, block_bytes);
        forbid(block, block_bytes);
        put_away(block, size_class, tag);
    }
    if ((mark & kCharged) != 0) refund(block_bytes);
    return whole ? Released::yes : Released::overrun;
}

// Into the thread's magazine; what that has too much of goes to everybody.
void Pool::put_away(std::byte* block, std::uint32_t size_class, Tag tag) noexcept {
    const std::uint32_t now = now_ms();
    const Access access(*this);
    if (!access) {  // without a cache nothing is counted
        central_.give(size_class, &block, 1, now);
        return;
    }
    if (size_class >= kFirstUnprovenClass && !access->comes_back[size_class]) {
        access->last_large = size_class;
        give_directly(*access, block, size_class, tag, now);
        return;
    }
    const std::int64_t least_room = least_room_.load(std::memory_order_relaxed);
    const bool full = access->over_budget(least_room);
    if (full) flush(*access, kFirstRunClass, now);
    if (full && access->over_budget(least_room)) flush(*access, 0, now);
    std::byte* older[kMagazineBlocks];
    std::uint32_t count = 0;
    access->enter_patiently();
    if (!access->magazine(size_class).push(block)) {
        count = access->take_oldest(size_class, kMagazineBlocks / 2, older);
        access->magazine(size_class).push(block);
    }
    access->released(class_bytes(size_class));
    if (tag != 0) access->released_by(tag, class_bytes(size_class));
    const std::size_t cached = access->cached_bytes();
    fold_tag(*access, tag);
    fold_total(*access);
    access->leave();
    if (count > 0) central_.give(size_class, older, count, now);
    if (full || count > 0) settle();
    if (!housekeeping_.load(std::memory_order_relaxed) &&
        cached + central_.warm_free_bytes() > worth_trimming()) {
        wake_housekeeper();
    }
}

// As if it had gone through the magazine.
void Pool::count_as_given(ThreadCache& cache, std::uint32_t size_class, Tag tag) noexcept {
    cache.enter_patiently();
    cache.moved_out(class_bytes(size_class));
    cache.released(class_bytes(size_class));
    if (tag != 0) cache.released_by(tag, class_bytes(size_class));
    fold_tag(cache, tag);
    fold_total(cache);
    cache.leave();
}

// A very large block is not kept before one was asked for right after another had gone: sizes that only grow
// would leave each one behind.
void Pool::give_directly(ThreadCache& cache, std::byte* block, std::uint32_t size_class, Tag tag,
                         std::uint32_t now) noexcept {
    count_as_given(cache, size_class, tag);
    central_.give(size_class, &block, 1, now);
    make_room();
    if (!housekeeping_.load(std::memory_order_relaxed)) wake_housekeeper_if_needed();
}

void Pool::flush(ThreadCache& cache, std::uint32_t first_class, std::uint32_t now) noexcept {
    std::byte* blocks[kMagazineBlocks];
    for (std::uint32_t size_class = first_class; size_class < kClasses; ++size_class) {
        if (cache.magazines[size_class].count() == 0) continue;
        cache.enter_patiently();
        const std::uint32_t count = cache.take_oldest(size_class, kMagazineBlocks, blocks);
        cache.leave();
        if (count > 0) central_.give(size_class, blocks, count, now);
    }
}

// A run for a large block may be made of what the thread's own magazines hold in other sizes.
std::byte* Pool::refill(ThreadCache& cache, std::uint32_t size_class, std::size_t& cold) noexcept {
    const std::uint32_t now = now_ms();
    if (size_class >= kFirstUnprovenClass && cache.last_large == size_class)
        cache.comes_back[size_class] = true;
    if (size_class >= kFirstMediumClass) repetition_.saw(cache.trail, size_class);
    if (size_class >= kFirstRunClass && central_.warm_free_bytes() < class_bytes(size_class)) {
        flush(cache, kFirstRunClass, now);
    }
    std::byte* blocks[kMagazineBlocks];
    const std::size_t wanted =
        std::clamp<std::size_t>(kFetchedAtOnce / class_bytes(size_class), 1, kMagazineBlocks / 2);
    std::size_t count = central_.take(size_class, blocks, wanted, cold);
    if (count == 0) {
        trim();
        count = central_.take(size_class, blocks, 1, cold);
    }
    if (count == 0) return nullptr;
    std::size_t kept = 1;
    cache.enter_patiently();
    while (kept < count && cache.magazine(size_class).push(blocks[kept])) ++kept;
    cache.moved_in((kept - 1) * class_bytes(size_class));
    cache.leave();
    if (kept < count) central_.give(size_class, blocks + kept, count - kept, now);
    return blocks[0];
}

void* Pool::acquire_zeroed(std::size_t bytes, Tag tag) noexcept {
    std::size_t cold = 0;
    void* address = acquire_slowly(bytes, tag, nullptr, &cold);
    const bool run = class_for(bytes) >= kFirstMediumClass && guard() == 0;
    if (address != nullptr && !(run && cold >= class_bytes(class_for(bytes)))) std::memset(address, 0, bytes);
    return address;
}

void* Pool::resize(void* address, std::size_t bytes) noexcept {
    const Mark mark = mark_at(address);
    if (!is_live(mark)) return nullptr;
    auto* block = static_cast<std::byte*>(address);
    const std::size_t before = usable_bytes(address);
    const Tag tag = (mark & kDescribed) != 0 ? central_.info_of(block)->tag() : 0;
    if ((mark & kGuarded) == 0 && class_for(bytes) == class_of_mark(mark)) {
        if ((mark & kDescribed) != 0) describe(block, bytes, tag);
        forbid(block, class_bytes(class_of_mark(mark)));
        allow(block, bytes);
        return address;
    }
    void* moved = acquire(bytes, tag);
    if (moved == nullptr) return nullptr;
    allow(block, before);
    std::memcpy(moved, address, std::min(before, bytes));
    release(address);
    return moved;
}

std::size_t Pool::usable_bytes(const void* address) const noexcept {
    const Mark mark = mark_at(address);
    if (!is_live(mark)) return 0;
    if ((mark & kDescribed) == 0) return class_bytes(class_of_mark(mark));
    return central_.info_of(static_cast<const std::byte*>(address))->requested();
}

}  // namespace atalanta::memory
