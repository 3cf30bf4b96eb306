// What the sequence numbers of a source say: in order, a gap, a number seen before, one that comes late.
// Exact for the last kWindow numbers; older ones count as seen. Main entry: SequenceWindow.
#pragma once

#include <array>
#include <cstdint>

namespace atalanta::streaming {

enum class Arrival : std::uint8_t { in_order, after_gap, late, duplicate };

class SequenceWindow {
  public:
    static constexpr std::uint32_t kWindow = 4096;

    // Sets `missing` to how many numbers lie between this one and the highest so far.
    Arrival arrive(std::uint32_t number, std::uint32_t& missing) noexcept {
        missing = 0;
        if (highest_ == 0) {  // the first one: a source may be joined midway
            begin(number);
            return Arrival::in_order;
        }
        if (number > highest_) return ahead(number, missing);
        if (number < first_ || highest_ - number >= kWindow || seen(number)) return Arrival::duplicate;
        mark(number);
        return Arrival::late;
    }
    std::uint32_t highest() const noexcept { return highest_; }
    // The next number is taken as the first: the source has started anew.
    void restart() noexcept { highest_ = 0; }

  private:
    void begin(std::uint32_t number) noexcept {
        bits_.fill(0);
        first_ = highest_ = number;
        mark(number);
    }
    Arrival ahead(std::uint32_t number, std::uint32_t& missing) noexcept {
        missing = number - highest_ - 1;
        if (missing >= kWindow) {
            bits_.fill(0);
        } else {
            for (std::uint32_t n = highest_ + 1; n < number; ++n) clear(n);
        }
        highest_ = number;
        mark(number);
        return missing == 0 ? Arrival::in_order : Arrival::after_gap;
    }
    static std::uint64_t bit(std::uint32_t number) noexcept { return std::uint64_t{1} << (number % 64); }
    std::uint64_t& word(std::uint32_t number) noexcept { return bits_[number % kWindow / 64]; }
    bool seen(std::uint32_t number) noexcept { return (word(number) & bit(number)) != 0; }
    void mark(std::uint32_t number) noexcept { word(number) |= bit(number); }
    void clear(std::uint32_t number) noexcept { word(number) &= ~bit(number); }

    std::array<std::uint64_t, kWindow / 64> bits_{};
    std::uint32_t first_ = 0, highest_ = 0;
};

}  // namespace atalanta::streaming
