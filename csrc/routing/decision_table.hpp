// One 64-bit word per (where the data are, operation, size): the targets in order of preference and why.
// Written by whoever compiles, read with one relaxed load. Entries: Ranking, DecisionTable.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "routing/size_bins.hpp"

namespace atalanta::routing {

inline constexpr std::size_t kMostTargets = 12, kMostOperations = 32;

// Where operands lie: ordinary memory, or that of an accelerator.
enum class Memory : std::uint8_t { host, device };
inline constexpr std::size_t kMemories = 2;

// Why a target was chosen.
enum class Reason : std::uint8_t {
    fastest,    // least predicted time
    only,       // nothing else is there for this operation
    prior,      // nothing measured yet: the built-in threshold
    threshold,  // the user's threshold
    pinned,     // the user's choice
    accuracy,   // a quicker one does not meet the tolerance
    health,     // a quicker one is in quarantine
    device,     // a quicker one is not among the devices asked for
    deadline,   // the likeliest to meet the deadline
    probe,      // tried, to learn whether it is quicker than believed
};
inline constexpr std::array<std::string_view, 10> kReasonNames = {
    "fastest", "only", "prior", "threshold", "pinned", "accuracy", "health", "device", "deadline", "probe"};

// Up to 12 targets, best first, four bits each (0 ends the list); above them the reason for the first, and
// how rarely its calls are timed: one in 2^sampling.
class Ranking {
  public:
    Ranking() = default;
    explicit Ranking(std::uint64_t word) noexcept : word_(word) {}

    void append(std::size_t target) noexcept { word_ |= (target + 1) << (4 * count_++); }
    void explain(Reason reason, unsigned sampling) noexcept {
        word_ |= std::uint64_t{static_cast<std::uint8_t>(reason)} << 48 | std::uint64_t{sampling} << 56;
    }

    std::uint64_t word() const noexcept { return word_; }
    // The list alone: the low four bits are the best target plus 1; shifting right by four drops it.
    std::uint64_t targets() const noexcept { return word_ & 0xffff'ffff'ffff; }
    Reason reason() const noexcept { return static_cast<Reason>(word_ >> 48 & 15); }
    unsigned sampling() const noexcept { return static_cast<unsigned>(word_ >> 56); }

  private:
    std::uint64_t word_ = 0;
    unsigned count_ = 0;  // of what append() added here
};

class DecisionTable {
  public:
    using Row = std::array<std::atomic<std::uint64_t>, kBins>;

    Row& row(Memory memory, std::size_t operation) noexcept { return rows_[index(memory, operation)]; }
    const Row& row(Memory memory, std::size_t operation) const noexcept {
        return rows_[index(memory, operation)];
    }

  private:
    static std::size_t index(Memory memory, std::size_t operation) noexcept {
        return static_cast<std::size_t>(memory) * kMostOperations + operation;
    }

    std::array<Row, kMemories * kMostOperations> rows_{};
};

}  // namespace atalanta::routing
