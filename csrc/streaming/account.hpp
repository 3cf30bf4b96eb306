// Where every event has gone. The engine counts for itself and publishes a whole account after each batch;
// producers count what they offered. in = out + conflated + dropped + expired + in flight, at every reading.
#pragma once

#include <array>
#include <cstdint>

#include "streaming/settings.hpp"

namespace atalanta::streaming {

// Of the engine's thread, after a batch.
struct Tally {
    std::uint64_t taken = 0;  // from the rings
    std::uint64_t out = 0, conflated = 0, expired = 0;
    std::array<std::uint64_t, kDrops> dropped{};  // those of full rings and refusals are the producers'
    // What happened beside that; none of it is in the sum.
    std::uint64_t batches = 0;
    std::array<std::uint64_t, kStages> late{}, late_by_stall{};
    std::uint64_t gaps = 0, missing = 0, recovered = 0, clock_backwards = 0, early = 0;
    std::uint64_t crossed = 0, locked = 0, one_sided = 0, stale = 0, no_vol = 0;
    std::uint64_t degraded = 0, repriced = 0, first_order = 0;
    std::uint64_t refreshes = 0, refreshes_asked = 0;
    std::uint64_t forwards_fitted = 0, forwards_kept = 0;
    std::uint64_t stalls = 0, stalled_ns = 0, longest_stall_ns = 0;
    std::uint64_t parks = 0, mode_changes = 0;
    std::uint64_t mode = 0, halted_stage = 0;  // the stage that halted, from 1; 0: runs
};

// Everything at one moment.
struct Account {
    std::uint64_t in = 0, out = 0, conflated = 0, expired = 0, in_flight = 0;
    std::array<std::uint64_t, kDrops> dropped{};
    Tally tally;

    std::uint64_t dropped_in_all() const noexcept {
        std::uint64_t sum = 0;
        for (const std::uint64_t count : dropped) sum += count;
        return sum;
    }
    bool exact() const noexcept { return in == out + conflated + dropped_in_all() + expired + in_flight; }
};

// A hole in the numbers of a source.
struct Gap {
    std::uint64_t source, first, last;  // numbers that did not come
    std::int64_t time_ns;               // of the event after it
};

}  // namespace atalanta::streaming
