// By how much an operation takes longer at the moment than what is known of it, on one target around one
// size: the median of the last few log residuals there. What was not measured lately counts for nothing. Far
// sizes know nothing of each other: a processor taken away for some milliseconds is much to a call of one,
// and nothing to a call of a hundred. Entry: RecentLoad.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace atalanta::routing {

class RecentLoad {
  public:
    static constexpr std::size_t kReach = 2;  // pieces of sizes beside the own

    // A residual that makes no load.
    static bool is_noise(double log_residual) noexcept { return std::fabs(log_residual) <= kNoise; }

    // `now`: samples of the operation so far, on whatever target.
    void add(std::size_t piece, double log_residual, std::uint64_t now) noexcept {
        recent_[count_++ % kKept] = {piece, log_residual, now};
    }

    // As a logarithm, less what noise may be; 0 where nothing is fresh. Of an even count the lesser of the
    // two in the middle: disturbances only add.
    double value(std::size_t piece, std::uint64_t now) const noexcept {
        std::array<double, kCounted> near{};
        std::size_t found = 0;
        for (std::size_t back = 1; back <= std::min(count_, kKept) && found < kCounted; ++back) {
            const Sample& sample = recent_[(count_ - back) % kKept];
            if (now > sample.time + kFresh) break;
            if (sample.piece <= piece + kReach && piece <= sample.piece + kReach)
                near[found++] = sample.log_residual;
        }
        if (found == 0) return 0.0;
        const auto middle = near.begin() + static_cast<std::ptrdiff_t>((found - 1) / 2);
        std::nth_element(near.begin(), middle, near.begin() + static_cast<std::ptrdiff_t>(found));
        return std::copysign(std::max(0.0, std::fabs(*middle) - kNoise), *middle);
    }

  private:
    static constexpr std::size_t kKept = 24, kCounted = 5;
    static constexpr std::uint64_t kFresh = 256;  // samples of the operation
    static constexpr double kNoise = 0.15;        // taken off every value

    struct Sample {
        std::size_t piece;
        double log_residual;
        std::uint64_t time;
    };

    std::array<Sample, kKept> recent_{};
    std::size_t count_ = 0;
};

}  // namespace atalanta::routing
