// What a byte costs that a call's result has from the system: pages are cleared at their first touch, on
// every target alike. Entry: FetchCost.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>

namespace atalanta::routing {

// Any thread may read or observe; an update that another one overwrites does not matter.
class FetchCost {
  public:
    double ns(std::uint64_t bytes) const noexcept {
        return ns_per_byte_.load(std::memory_order_relaxed) * static_cast<double>(bytes);
    }

    // A call that fetched so much took so much longer than is expected of one that fetches nothing. Follows
    // the median: machines stall for a hundred times as long when memory is short.
    void observe(std::uint64_t bytes, double excess_ns) noexcept {
        if (bytes < kLeastBytes) return;
        const double now = ns_per_byte_.load(std::memory_order_relaxed);
        const double seen = excess_ns / static_cast<double>(bytes);
        const double step = std::clamp(std::log(std::max(seen, kLeast) / now), -kRate, kRate);
        ns_per_byte_.store(std::clamp(now * std::exp(step), kLeast, kMost), std::memory_order_relaxed);
    }

  private:
    static constexpr std::uint64_t kLeastBytes = 1 << 20;  // below, other noise is larger
    static constexpr double kRate = 0.1;
    static constexpr double kLeast = 0.01,
                            kMost = 2.0;  // ns a byte: huge pages, and small ones of a slow host

    std::atomic<double> ns_per_byte_{0.15};
};

}  // namespace atalanta::routing
