// A histogram of whole numbers, 32 buckets per doubling: a quantile is at most 3.2 % off, and every number up
// to 2^64 has a bucket. One thread records, any thread reads while it does. Entries: record, snapshot, and
// HistogramRun for many numbers that lie near each other.
#pragma once

#include <algorithm>
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

// How many numbers a bucket holds.
constexpr std::uint64_t histogram_width(std::size_t bucket) noexcept {
    return bucket < 32 ? 1 : std::uint64_t{1} << (bucket / 32 - 1);
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
        add(histogram_bucket(value), times, value);
    }
    // So many values of one bucket, and the largest of them.
    void add(std::size_t bucket, std::uint64_t times, std::uint64_t most) noexcept {
        std::atomic<std::uint64_t>& count = buckets_[bucket];
        count.store(count.load(std::memory_order_relaxed) + times, std::memory_order_relaxed);
        if (most > most_.load(std::memory_order_relaxed)) most_.store(most, std::memory_order_relaxed);
    }
    // While another thread records, values of the last moments may be in it or not, each once.
    HistogramCounts snapshot() const noexcept;
    // Only by the recording thread.
    void clear() noexcept;

  private:
    std::array<std::atomic<std::uint64_t>, kHistogramBuckets> buckets_{};
    std::atomic<std::uint64_t> most_{0};
};

// Values on their way into a histogram. As long as they fall into one bucket they are only counted, and go in
// together: those of a batch mostly do, and a count in memory costs more than one in a register. All of them
// are in the histogram once the run ends.
class HistogramRun {
  public:
    explicit HistogramRun(LatencyHistogram& histogram) noexcept : histogram_(histogram) {}
    ~HistogramRun() { end(); }
    HistogramRun(const HistogramRun&) = delete;
    HistogramRun& operator=(const HistogramRun&) = delete;

    void record(std::uint64_t value) noexcept {
        if (value - first_ >= width_) begin(value);
        ++times_;
        most_ = std::max(most_, value);
    }

  private:
    void begin(std::uint64_t value) noexcept {
        end();
        bucket_ = histogram_bucket(value);
        first_ = histogram_edge(bucket_);
        width_ = histogram_width(bucket_);
        times_ = most_ = 0;
    }
    void end() noexcept {
        if (times_ > 0) histogram_.add(bucket_, times_, most_);
    }

    LatencyHistogram& histogram_;
    std::size_t bucket_ = 0;
    std::uint64_t first_ = 0, width_ = 0;  // of the bucket; no value lies in one without width
    std::uint64_t times_ = 0, most_ = 0;
};

}  // namespace atalanta
