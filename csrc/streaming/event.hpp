// What goes into the engine and what comes out: records of fixed size, plain data. A key is the place of an
// instrument in the universe: first the underlyings, then the contracts.
#pragma once

#include <cstdint>

namespace atalanta::streaming {

enum class Kind : std::uint8_t {
    quote = 0,  // the whole of both sides; the latest says all, so it may be conflated
    trade = 1,  // bid holds the price, bid_size the size
};

enum Side : std::uint8_t { kBidSide = 1, kAskSide = 2, kBothSides = 3 };

struct Event {
    std::uint64_t intended_ns;  // when it should have come in, by monotonic_ns; latencies count from here
    std::int64_t time_ns;       // of its source, since the epoch of the universe
    std::uint32_t key;
    std::uint32_t sequence;  // of its source, from 1; 0 where the source does not count
    double bid, ask;         // per share; NaN or not positive where absent
    float bid_size, ask_size;
    Kind kind;
    std::uint8_t sides;    // those that it tells; the other stays as it was
    std::uint16_t source;  // whose clock and sequence these are
    std::uint32_t ticket;  // comes back with the result; 0 for none
    std::uint64_t tag;     // the producer's own; comes back as well
};
static_assert(sizeof(Event) == 64);

// Bits of a result beside those of quality; the first eleven are atalanta.market.flags.
enum Flag : std::uint32_t {
    kCrossed = 1,
    kLocked = 2,
    kNoBid = 4,
    kNoAsk = 8,
    kStale = 32,
    kBelowIntrinsic = 64,
    kAboveBound = 128,
    kNoVol = 512,
    kClockBackwards = 1U << 16,  // its time is before that of an earlier event of the source
    kOutOfOrder = 1U << 17,      // its sequence is
    kAfterGap = 1U << 18,        // events are missing right before it
    kSpotStale = 1U << 19,       // the underlying has not ticked for long, or never
    kCarriedVol = 1U << 20,      // Greeks use the last volatility there was
    kFirstOrder = 1U << 21,      // volatility by a Newton step from the last exact one; an exact one follows
    kDegraded = 1U << 22,        // by a cheaper method, to be in time
    kAwaitsExact = 1U << 23,     // nothing exact is there yet
    kLateMarket = 1U << 24,      // beyond the budget of the stage
    kLatePricing = 1U << 25,
    kLateRisk = 1U << 26,
    kOsStall = 1U << 27,      // late, while the operating system had taken the processor away
    kRefreshed = 1U << 28,    // no event of its own: the contract moved with its underlying
    kLost = 1U << 29,         // dropped or conflated: only whoever waits for the event hears of it
    kForwardStale = 1U << 30  // the forward that quotes told last is old: they tell none any more
};

struct Result {
    std::uint64_t intended_ns;
    std::int64_t time_ns;
    std::uint32_t latency_ns;   // from intended to the end of the last stage; the most that fits for more
    std::uint32_t lateness_ns;  // beyond the last budget that was missed; 0: in time
    std::uint32_t key;
    std::uint32_t sequence;
    std::uint32_t flags;
    std::uint32_t merged;  // events of the key that this one stands for beside itself
    std::uint32_t ticket;
    Kind kind;
    std::uint8_t sides;
    std::uint16_t source;
    std::uint64_t tag;
    double bid, ask;
    double spot;  // the price of an underlying (mid), or of the contract's underlying
    double vol, price, delta, gamma, vega, theta;
};
static_assert(sizeof(Result) == 128);

}  // namespace atalanta::streaming
