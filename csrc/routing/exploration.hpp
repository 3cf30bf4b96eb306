// How much may be spent on learning: the excess of tried calls over the best known choice stays below 1 % of
// the time that has passed. Entry: ExplorationBudget.
#pragma once

#include <algorithm>
#include <cstdint>

namespace atalanta::routing {

class ExplorationBudget {
  public:
    // Nanoseconds of excess that a call begun now may cost.
    double available(std::uint64_t now_ns) noexcept {
        if (start_ns_ == 0) start_ns_ = now_ns;
        const double earned = kShare * static_cast<double>(now_ns - std::min(now_ns, start_ns_));
        spent_ = std::max(spent_, earned - kMost);  // a long quiet time buys no long storm
        return earned - spent_;
    }

    void spend(double excess_ns) noexcept {
        spent_ += std::max(0.0, excess_ns);
        total_ += std::max(0.0, excess_ns);
    }

    double total() const noexcept { return total_; }

  private:
    static constexpr double kShare = 0.01;
    static constexpr double kMost = 50e6;

    std::uint64_t start_ns_ = 0;
    double spent_ = 0.0, total_ = 0.0;
};

}  // namespace atalanta::routing
