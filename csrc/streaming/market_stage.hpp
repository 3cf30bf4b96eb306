// The first stage: is the event one to believe, what is wrong with it, and what the market is now. Keeps the
// latest quote of every instrument and the price of every underlying. Main entries: judge, apply.
#pragma once

#include <limits>
#include <span>
#include <vector>

#include "streaming/account.hpp"
#include "streaming/event.hpp"
#include "streaming/sequences.hpp"
#include "streaming/settings.hpp"
#include "streaming/universe.hpp"

namespace atalanta::streaming {

enum class Verdict : std::uint8_t { go, dropped, expired };

struct Quote {
    double bid = std::numeric_limits<double>::quiet_NaN(), ask = std::numeric_limits<double>::quiet_NaN();
    std::int64_t time_ns = std::numeric_limits<std::int64_t>::min();
    std::uint32_t flags = 0;  // of hygiene
    bool two_sided = false;   // both sides there, and not crossed
};

class MarketStage {
  public:
    // Throws std::bad_alloc; the universe must outlive it.
    MarketStage(const Universe& universe, const Settings& settings);

    // Counts what it drops; sets the flags that only the order of arrival tells.
    Verdict judge(const Event& event, Tally& tally, std::uint32_t& flags) noexcept;
    // Takes the event over into the market and fills the result: quote, flags, price of the underlying.
    void apply(const Event& event, std::uint32_t flags, Tally& tally, Result& result) noexcept;

    const Quote& quote(std::uint32_t key) const noexcept { return quotes_[key]; }
    // Of an underlying; NaN before anything is known.
    double spot(std::uint32_t underlying) const noexcept { return spot_[underlying]; }
    const double* spots() const noexcept { return spot_.data(); }
    // The mid of a two-sided quote that is not crossed, else NaN.
    double mid(std::uint32_t key) const noexcept;

    // Oldest first, the last 256 there were.
    std::vector<Gap> gaps() const;
    void restart(std::size_t source) noexcept { sources_[source].sequence.restart(); }

  private:
    struct Source {
        SequenceWindow sequence;
        std::int64_t clock_ns = std::numeric_limits<std::int64_t>::min();
    };

    bool arrived_in_order(const Event& event, Tally& tally, std::uint32_t& flags) noexcept;
    void look_at_clock(const Event& event, Tally& tally, std::uint32_t& flags) noexcept;
    void renew_quote(const Event& event, Quote& quote, Tally& tally) noexcept;
    void move_spot(const Event& event, const Quote& quote) noexcept;

    const Universe& universe_;
    const std::int64_t stale_after_ns_;
    std::vector<Quote> quotes_;
    std::vector<double> spot_;
    std::vector<std::int64_t> spot_time_ns_;
    std::vector<Source> sources_;
    std::vector<Gap> gaps_;  // a ring
    std::uint64_t gap_count_ = 0;
};

}  // namespace atalanta::streaming
