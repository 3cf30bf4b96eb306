// The pivots of a stage's equations where they are solved between two ends that are known. Entry: Pivots.
#pragma once

#include <cstddef>

#include "numerics/lanes.hpp"

namespace atalanta {
namespace {

// Of alpha, 1 + alpha^2, alpha, eliminated from an end that is known: inverses of the pivots, which become 1.
class Pivots {
  public:
    Pivots() = default;
    explicit Pivots(double alpha) {
        const double square = alpha * alpha;
        for (double inverse = 0.0; count_ < kMost && !(inverse > 1.0 - kSettled); ++count_)
            inverse_[count_] = inverse = 1.0 / fma(-square, inverse, 1.0 + square);
    }
    // Of the node number k of a stretch.
    double inverse(std::size_t k) const { return k < count_ ? inverse_[k] : 1.0; }

  private:
    static constexpr std::size_t kMost = 32;
    static constexpr double kSettled = 1e-16;
    std::size_t count_ = 0;
    double inverse_[kMost];
};

}  // namespace
}  // namespace atalanta
