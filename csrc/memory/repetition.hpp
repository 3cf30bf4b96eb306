// Whether what is asked for repeats: the same sizes in the same order, as an analysis does that is carried
// out again. Of every two requests of a thread in a row it remembers which came next. Used by all threads at
// once without a lock: what is lost of one another's words does not matter. Main entries: `saw`, `share`.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace atalanta::memory {

class Repetition {
  public:
    // The last two classes of a thread.
    struct Trail {
        std::uint32_t last, before_last;
    };

    void saw(Trail& trail, std::uint32_t size_class) noexcept {
        std::atomic<std::uint16_t>& next = next_[place_of(trail)];
        const bool expected = next.load(std::memory_order_relaxed) == size_class;
        if (!expected) next.store(static_cast<std::uint16_t>(size_class), std::memory_order_relaxed);
        const float score = score_.load(std::memory_order_relaxed);
        score_.store(score + kStep * ((expected ? 1.0F : kHardlyEver) - score), std::memory_order_relaxed);
        trail = {size_class, trail.last};
    }

    // Share of the last requests, the latest counting most, that were expected.
    double share() const noexcept { return score_.load(std::memory_order_relaxed); }
    // Of random sizes one in sixteen is expected, of an analysis every second and more.
    bool goes_on() const noexcept { return share() >= kEnough; }

  private:
    static constexpr std::size_t kPlaces = 2048;
    static constexpr float kStep = 1.0F / 16;
    static constexpr float kHardlyEver = 1e-9F;  // numbers that decay towards 0 become slow to compute with
    static constexpr double kEnough = 0.25;

    static std::size_t place_of(const Trail& trail) noexcept {
        return ((trail.before_last << 9 | trail.last) * 0x9E3779B1U >> 16) % kPlaces;
    }

    std::array<std::atomic<std::uint16_t>, kPlaces> next_{};  // the class after; two pairs may share a place
    std::atomic<float> score_{0.0F};
};

}  // namespace atalanta::memory
