// By how much an operation takes longer at the moment than what is known of it, on one target and at all
// sizes alike: the median of the last few log residuals. What was not measured lately counts for nothing.
// Entry: RecentLoad.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace atalanta::routing {

class RecentLoad {
  public:
    // `now`: samples of the operation so far, on whatever target.
    void add(double log_residual, std::uint64_t now) noexcept {
        if (count_ > 0 && now > last_ + kFresh) count_ = 0;
        recent_[next_] = log_residual;
        next_ = (next_ + 1) % kRecent;
        count_ = std::min(count_ + 1, kRecent);
        last_ = now;
    }

    // As a logarithm, less what noise may be; 0 where nothing is fresh. Of an even count the lesser of the
    // two in the middle: disturbances only add.
    double value(std::uint64_t now) const noexcept {
        if (count_ == 0 || now > last_ + kFresh) return 0.0;
        std::array<double, kRecent> sorted{};
        for (std::size_t i = 0; i < count_; ++i) sorted[i] = recent_[(next_ + kRecent - 1 - i) % kRecent];
        const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>((count_ - 1) / 2);
        std::nth_element(sorted.begin(), middle, sorted.begin() + static_cast<std::ptrdiff_t>(count_));
        return std::copysign(std::max(0.0, std::fabs(*middle) - kNoise), *middle);
    }

  private:
    static constexpr std::size_t kRecent = 5;
    static constexpr std::uint64_t kFresh = 256;  // samples of the operation
    static constexpr double kNoise = 0.15;        // taken off every value

    std::array<double, kRecent> recent_{};
    std::size_t next_ = 0, count_ = 0;
    std::uint64_t last_ = 0;
};

}  // namespace atalanta::routing
