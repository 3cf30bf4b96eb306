// Guarded blocks: a pattern behind each shows who writes beyond its end, a pattern in released ones who
// writes after the release. The pattern reads as NaN in every floating type.
#include <algorithm>
#include <cstring>
#include <utility>

#include "memory/checking.hpp"
#include "memory/pool_access.hpp"

namespace atalanta::memory {
namespace {

constexpr unsigned char kPattern = 0xFF;
constexpr std::size_t kMostFaultsKept = 64;

bool all_pattern(const std::byte* from, std::size_t bytes) {
    return std::all_of(from, from + bytes, [](std::byte value) { return value == std::byte{kPattern}; });
}

}  // namespace

void Pool::set_guard(std::uint32_t every) {
    guard_every_.store(every, std::memory_order_relaxed);
    set_mode(every > 0 ? guarding : 0u, every > 0 ? 0u : guarding);
}

bool Pool::wants_guard(ThreadCache& cache) noexcept {
    const std::uint32_t every = guard();
    if (every == 0 || ++cache.guard_turn < every) return false;
    cache.guard_turn = 0;
    return true;
}

void Pool::arm(std::byte* block, std::size_t bytes, std::size_t block_bytes) noexcept {
    std::memset(block + bytes, kPattern, block_bytes - bytes);
}

bool Pool::intact(const std::byte* block, std::size_t bytes, std::size_t block_bytes) const noexcept {
    return all_pattern(block + bytes, block_bytes - bytes);
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
