// Inside the pool: the cache a call works with, and constants that its sources share.
#pragma once

#include "memory/pool.hpp"

namespace atalanta::memory {

constexpr std::size_t kCanaryBytes = 16;  // behind a guarded block, at least

// Of guarded blocks from this size on, pages behind the canary are fenced, and all pages once it is released.
constexpr std::size_t kLeastFenced = kMediumBytes;

// Where the fence of a block of `bytes` bytes begins, from its start.
constexpr std::size_t fence_begin(std::size_t bytes) {
    return (bytes + kCanaryBytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}
constexpr std::size_t guarded_bytes(std::size_t bytes) {
    return bytes < kLeastFenced ? bytes + kCanaryBytes : fence_begin(bytes) + kPageBytes;
}
constexpr std::int64_t kWorthTrimming = std::int64_t{128} << 10;  // less free memory than this may stay
constexpr std::int64_t kLittleCached =
    kMagazineBudget - kWorthTrimming;  // room of a thread that has so little

// This thread's cache; a thread that can have none borrows the pool's own, which one at a time may use.
class Pool::Access {
  public:
    explicit Access(Pool& pool) : cache_(pool.cache_of_this_thread()) {
        if (cache_ != nullptr) return;
        lock_ = std::unique_lock(pool.shared_lock_);
        cache_ = pool.shared_cache();
    }
    explicit operator bool() const { return cache_ != nullptr; }
    ThreadCache* operator->() const { return cache_; }
    ThreadCache& operator*() const { return *cache_; }

  private:
    ThreadCache* cache_;
    std::unique_lock<std::mutex> lock_;
};

}  // namespace atalanta::memory
