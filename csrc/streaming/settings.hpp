// How an engine runs: budgets and what a miss of them does, conflation, watermarks, sizes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace atalanta::streaming {

enum class Stage : std::uint8_t { market_data, pricing, risk };
inline constexpr std::size_t kStages = 3;

// What happens to an event that a stage would begin, or has ended, after its budget; budgets count from the
// intended time of the event.
enum class OnMiss : std::uint8_t {
    mark_late,  // it goes on, and its result says so
    drop,       // late when the stage begins: it is left out, and counted
    conflate,   // it goes on, and the engine conflates until it keeps up again
    degrade,    // late when the stage begins: a cheaper method, which its result says
    halt        // the engine stops, and says where
};

struct Budget {
    std::uint64_t ns;
    OnMiss on_miss = OnMiss::mark_late;
};

enum class Conflate : std::uint8_t {
    never,
    unsequenced,  // quotes whose source does not count them
    quotes        // all quotes; gaps are counted before
};

enum class Mode : std::uint8_t { normal, conflating, shedding };

// Events that wait: from `conflate` on the latest of each key counts, from `shed` on quotes of contracts that
// no position needs are dropped; back at the lower marks, which keeps the engine from going to and fro.
struct Watermarks {
    std::size_t conflate = 1024, normal = 64, shed = 49152, unshed = 16384;
};

struct Settings {
    std::array<Budget, kStages> budgets = {{{100'000}, {500'000}, {1'000'000}}};
    std::size_t stages = kStages;  // the first so many run
    Conflate conflate = Conflate::unsequenced;
    bool conflate_always = false;  // within every batch, and not only under load
    Watermarks watermarks;
    std::size_t ring = 65536;  // events of each producer
    std::size_t batch = 128;   // events at a time, and contracts to price at a time, while all is well
    std::size_t rows = 1024;
    std::size_t most_conflated = 4096;  // events at a time while conflating
    std::int64_t stale_after_ns = 5'000'000'000;
    std::uint64_t spin_ns = 50'000;   // hybrid: so long it looks for work before it parks
    std::uint64_t stall_ns = 50'000;  // a longer gap is a stall of the operating system
    // American contracts: how old, and how far away in volatility and spot, an exact solve may be.
    std::int64_t refresh_after_ns = 1'000'000'000;
    double refresh_vol = 0.005, refresh_spot = 0.01;
    double most_vol_step = 0.05;  // a longer Newton step is no volatility
    // Forwards of European expiries: fitted again from their quotes, each at most so often in time of the
    // market.
    bool fit_forwards = true;
    std::int64_t forward_after_ns = 100'000'000;
};

// Why events were dropped.
enum class Drop : std::uint8_t {
    full,  // no room in the producer's ring
    unknown_key,
    bad_record,    // no such kind or source, no side
    duplicate,     // of a sequence number
    out_of_order,  // a quote overtaken by a later one of its source
    shed,
    late,  // policy drop
    halted
};
inline constexpr std::size_t kDrops = 8;
inline constexpr std::size_t kSources = 64;

}  // namespace atalanta::streaming
