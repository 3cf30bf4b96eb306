// The forwards of European expiries as the quotes of now tell them, expiry by expiry: a quote only notes that
// its expiry is due, and what is due is fitted at the end of the batch, a few in each and no expiry more
// often than its interval. What cannot be fitted keeps the forward it has, in proportion to the price that
// ticks. Main entries: note, fit_due.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "streaming/account.hpp"
#include "streaming/parity.hpp"
#include "streaming/settings.hpp"
#include "streaming/universe.hpp"

namespace atalanta::streaming {

class MarketStage;

// Of a group.
struct Forward {
    double scale;                                             // what is priced on, by the price that ticks
    double error = std::numeric_limits<double>::quiet_NaN();  // standard, as a share; NaN where carried
    std::int64_t time_ns = std::numeric_limits<std::int64_t>::min();  // of the market when it was fitted
    std::uint32_t pairs = 0;                                          // that the last fit has used
};

class Forwards {
  public:
    // Throws std::bad_alloc; the universe must outlive it.
    Forwards(const Universe& universe, const Settings& settings);

    // A quote of a contract of the group, in order of time.
    void note(std::uint32_t group, std::int64_t time_ns) noexcept {
        Slot& slot = slots_[group];
        if (static_cast<std::uint64_t>(time_ns) - static_cast<std::uint64_t>(slot.tried_ns) < slot.every_ns)
            return;
        slot.tried_ns = time_ns;
        if (slot.waits) return;
        slot.waits = true;
        due_[due_count_++] = group;
    }
    // Whether a fitted forward is older than it may be.
    bool is_old(std::uint32_t group, std::int64_t time_ns) const noexcept {
        return time_ns > slots_[group].fresh_until_ns;
    }
    double scale(std::uint32_t group) const noexcept { return forwards_[group].scale; }
    const Forward& of(std::uint32_t group) const noexcept { return forwards_[group]; }
    // Whether there is an expiry that can be fitted at all.
    bool any() const noexcept { return any_; }

    std::span<const std::uint32_t> due() const noexcept { return {due_.data(), due_count_}; }
    bool is_due(std::uint32_t group) const noexcept { return slots_[group].waits; }
    // Fits what is due, a few at a time, the others in the next batches; what has moved is in `moved`.
    void fit_due(const MarketStage& market, Tally& tally) noexcept;
    // Leaves it: the next quote of each asks again.
    void skip_due() noexcept;
    std::span<const std::uint32_t> moved() const noexcept { return {moved_.data(), moved_count_}; }
    void begin() noexcept { moved_count_ = 0; }

  private:
    struct Pair {
        double strike;
        std::uint32_t call, put;  // contracts
    };
    struct Slot {
        std::int64_t tried_ns = std::numeric_limits<std::int64_t>::min();
        std::uint64_t every_ns = std::numeric_limits<std::uint64_t>::max();  // never
        std::int64_t fresh_until_ns = std::numeric_limits<std::int64_t>::max();
        std::uint32_t first_pair = 0, pairs = 0;
        bool waits = false;  // is due
    };

    void match(std::uint32_t group);
    bool fit(std::uint32_t group, const MarketStage& market) noexcept;
    std::size_t gather(const Slot& slot, const MarketStage& market, double spot, double forward,
                       double discount) noexcept;
    bool usable(const MarketStage& market, std::uint32_t contract, std::int64_t since_ns) const noexcept;

    const Universe& universe_;
    const std::int64_t stale_after_ns_;
    bool any_ = false;
    std::vector<Slot> slots_;
    std::vector<Forward> forwards_;
    std::vector<Pair> pairs_;  // of each group by strike
    std::vector<std::uint32_t> due_, moved_;
    std::size_t due_count_ = 0, moved_count_ = 0;
    ParityPair gathered_[kMostPairs];
};

}  // namespace atalanta::streaming
