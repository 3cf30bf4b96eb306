// Guarded blocks: a pattern behind each shows who writes beyond its end, a pattern in released ones who
// writes after the release. The pattern reads as NaN in every floating type. Of large blocks the pages behind
// the pattern allow no access, nor does a released one while it is in quarantine: the culprit is stopped
// there.
#include <algorithm>
#include <cstring>
#include <utility>

#include "memory/checking.hpp"
#include "memory/pool_access.hpp"

namespace atalanta::memory {
namespace {

constexpr unsigned char kPattern = 0xFF;
constexpr std::size_t kMostFaultsKept = 64;
constexpr std::size_t kMostQuarantined = 32;

// Where the pattern behind a block ends: at its fence, where it is large enough for one.
std::size_t armed_end(std::size_t bytes, std::size_t block_bytes) {
    return bytes < kLeastFenced ? block_bytes : fence_begin(bytes);
}

bool all_pattern(const std::byte* from, std::size_t bytes) {
    return std::all_of(from, from + bytes, [](std::byte value) { return value == std::byte{kPattern}; });
}

}  // namespace

void Pool::set_guard(std::uint32_t every) {
    guard_every_.store(every, std::memory_order_relaxed);
    set_mode(every > 0 ? guarding : 0u, every > 0 ? 0u : guarding);
    if (every == 0) release_quarantine(0);
}

bool Pool::wants_guard(ThreadCache& cache) noexcept {
    const std::uint32_t every = guard();
    if (every == 0 || ++cache.guard_turn < every) return false;
    cache.guard_turn = 0;
    return true;
}

void Pool::arm(std::byte* block, std::size_t bytes, std::size_t block_bytes) noexcept {
    std::memset(block + bytes, kPattern, armed_end(bytes, block_bytes) - bytes);
}

bool Pool::intact(const std::byte* block, std::size_t bytes, std::size_t block_bytes) const noexcept {
    return all_pattern(block + bytes, armed_end(bytes, block_bytes) - bytes);
}

// Puts a released block where any access to it ends the program; false when the system does not do that.
bool Pool::quarantine(std::byte* block, std::uint32_t size_class, Tag tag) noexcept {
    const Access access(*this);
    if (!access) return false;
    {
        const std::lock_guard lock(quarantine_lock_);
        try {
            quarantine_.emplace_back(block, size_class);
        } catch (const std::bad_alloc&) {
            return false;
        }
        pages::purge(block, class_bytes(size_class));  // nobody needs what is in it
        if (!pages::fence(block, class_bytes(size_class))) {
            quarantine_.pop_back();
            return false;
        }
        forbid(block, class_bytes(size_class));  // before another thread can take it out again
    }
    count_as_given(*access, size_class, tag);
    release_quarantine(kMostQuarantined);
    return true;
}

void Pool::release_quarantine(std::size_t keep) noexcept {
    for (;;) {
        std::pair<std::byte*, std::uint32_t> oldest;
        {
            const std::lock_guard lock(quarantine_lock_);
            if (quarantine_.size() <= keep) return;
            oldest = quarantine_.front();
            quarantine_.pop_front();
        }
        // A block that stays fenced is lost, and so are its addresses; it holds no memory.
        if (!pages::commit(oldest.first, class_bytes(oldest.second))) continue;
        central_.give(oldest.second, &oldest.first, 1, now_ms());
    }
}

void Pool::poison(std::byte* block, std::size_t block_bytes) noexcept {
    std::memset(block, kPattern, block_bytes);
    central_.arena().mark_at(block).store(kPoisoned, std::memory_order_release);
}

void Pool::check_poison(const std::byte* block, std::size_t block_bytes) noexcept {
    if (!all_pattern(block, block_bytes)) report({GuardFault::written_after_release, block, block_bytes, 0});
}

void Pool::report(const GuardFault& fault) noexcept {
    fault_count_.fetch_add(1, std::memory_order_relaxed);
    const std::lock_guard lock(faults_lock_);
    try {
        if (faults_.size() < kMostFaultsKept) faults_.push_back(fault);
    } catch (const std::bad_alloc&) {  // it is counted
    }
}

std::vector<GuardFault> Pool::take_faults() {
    const std::lock_guard lock(faults_lock_);
    return std::exchange(faults_, {});
}

}  // namespace atalanta::memory
