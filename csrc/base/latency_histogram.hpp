// A histogram of whole numbers, 32 buckets per doubling: a quantile is at most 3.2 % off, and every number up
// to 2^64 has a bucket. One thread records, any thread reads while it does. Entries: record, snapshot.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace atalanta {

inline constexpr std::size_t kHistogramBuckets = 1920;

constexpr std::size_t histogram_bucket(std::uint64_t value) noexcept {
    if (value < 32) return static_cast<std::size_t>(value);
    const unsigned doublings = 63U - static_cast<unsigned>(std::countl_zero(value));
    return 32 * (doublings - 4) + ((value >> (doublings - 5)) & 31);
}

// The least value of a bucket.
constexpr std::uint64_t histogram_edge(std::size_t bucket) noexcept {
    if (bucket < 32) return bucket;
    return (32 + bucket % 32) << (bucket / 32 - 1);
}

// A copy that can be added to others.
struct HistogramCounts {
    std::array<std::uint64_t, kHistogramBuckets> buckets{};
    std::uint64_t most = 0;

    std::uint64_t total() const noexcept;
    void add(const HistogramCounts& other) noexcept;
    // The highest value of the bucket in which that share of all values is reached, at most the largest value
    // seen; 0 when nothing was recorded.
    std::uint64_t quantile(double share) const noexcept;
};

class LatencyHistogram {
  public:
    void record(std::uint64_t value, std::uint64_t times = 1) noexcept {
        std::atomic<std::uint64_t>& count = buckets_[histogram_bucket(value)];
        count.store(count.load(std::memory_order_relaxed) + times, std::memory_order_relaxed);
        if (value > most_.load(std::memory_order_relaxed)) most_.store(value, std::memory_order_relaxed);
    }
    // While another thread records, values of the last moments may be in it or not, each once.
    HistogramCounts snapshot() const noexcept;
    // Only by the recording thread.
    void clear() noexcept;

  private:
    std::array<std::atomic<std::uint64_t>, kHistogramBuckets> buckets_{};
    std::atomic<std::uint64_t> most_{0};
};

}  // namespace atalanta
