#include "base/latency_histogram.hpp"

#include <algorithm>
#include <cmath>

namespace atalanta {

std::uint64_t HistogramCounts::total() const noexcept {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : buckets) sum += count;
    return sum;
}

void HistogramCounts::add(const HistogramCounts& other) noexcept {
    for (std::size_t i = 0; i < kHistogramBuckets; ++i) buckets[i] += other.buckets[i];
    most = std::max(most, other.most);
}

std::uint64_t HistogramCounts::quantile(double share) const noexcept {
    const std::uint64_t all = total();
    if (all == 0) return 0;
    const double wanted = std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(all));
    const std::uint64_t rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(wanted));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kHistogramBuckets; ++i) {
        seen += buckets[i];
        if (seen < rank) continue;
        const std::uint64_t highest =
            i + 1 < kHistogramBuckets ? histogram_edge(i + 1) - 1 : ~std::uint64_t{0};
        return std::min(highest, std::max(most, histogram_edge(i)));
    }
    return most;
}

HistogramCounts LatencyHistogram::snapshot() const noexcept {
    HistogramCounts counts;
    for (std::size_t i = 0; i < kHistogramBuckets; ++i) {
        counts.buckets[i] = buckets_[i].load(std::memory_order_relaxed);
    }
    counts.most = most_.load(std::memory_order_relaxed);
    return counts;
}

void LatencyHistogram::clear() noexcept {
    for (auto& bucket : buckets_) bucket.store(0, std::memory_order_relaxed);
    most_.store(0, std::memory_order_relaxed);
}

}  // namespace atalanta
