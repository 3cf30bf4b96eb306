// The first stage: is the event one to believe, what is wrong with it, and what the market is now. Keeps the
// latest quote of every instrument, the price of every underlying and the forward of every expiry. Main
// entries: judge, apply, fit_forwards; the first two stand here, since a call of each would cost an event as
// much as the work in it. What is rare is in the .cpp.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "streaming/account.hpp"
#include "streaming/event.hpp"
#include "streaming/forwards.hpp"
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

    // Fits the forwards that quotes have made due since the last call.
    void fit_forwards(Tally& tally) noexcept { forwards_.fit_due(*this, tally); }
    Forwards& forwards() noexcept { return forwards_; }
    const Forwards& forwards() const noexcept { return forwards_; }

    const Quote& quote(std::uint32_t key) const noexcept { return quotes_[key]; }
    const Quote& contract_quote(std::uint32_t contract) const noexcept {
        return quotes_[underlyings_ + contract];
    }
    // Of the contract's underlying when the contract was quoted last.
    double spot_at_quote(std::uint32_t contract) const noexcept { return quote_spot_[contract]; }
    // Of an underlying; NaN before anything is known.
    double spot(std::uint32_t underlying) const noexcept { return spot_[underlying]; }
    const double* spots() const noexcept { return spot_.data(); }
    // The mid of a two-sided quote that is not crossed, else NaN.
    double mid(std::uint32_t key) const noexcept;

    // Oldest first, the last 256 there were.
    std::vector<Gap> gaps() const;
    void restart(std::size_t source) noexcept { sequences_[source].restart(); }

  private:
    static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();

    // Of each key, what is looked up for every event of it.
    struct Place {
        std::int64_t expires_ns;  // never for an underlying
        std::uint32_t underlying;
        std::uint32_t group;  // of a contract
    };

    static Verdict drop(Drop why, Tally& tally) noexcept {
        ++tally.dropped[static_cast<std::size_t>(why)];
        return Verdict::dropped;
    }
    static double price_or_none(double value) noexcept {
        return value > 0.0 && value <= std::numeric_limits<double>::max() ? value : kNone;
    }
    bool arrived_in_order(const Event& event, Tally& tally, std::uint32_t& flags) noexcept;
    void clock_went_back(const Event& event, Tally& tally, std::uint32_t& flags) const noexcept;
    struct Sides {
        double bid, ask;
    };
    Sides renew_quote(const Event& event, Quote& quote, Tally& tally) noexcept;
    std::uint32_t see_contract(const Event& event, const Place& place, std::uint32_t flags) noexcept;
    static void flag_quote(Quote& quote, Tally& tally) noexcept;
    void move_spot(const Event& event, const Quote& quote) noexcept;

    const std::int64_t stale_after_ns_;
    const std::uint32_t underlyings_;
    std::vector<Place> places_;
    std::vector<Quote> quotes_;
    std::vector<double> quote_spot_;  // of each contract
    Forwards forwards_;
    std::vector<double> spot_;
    std::vector<std::int64_t> spot_time_ns_;
    std::array<std::int64_t, kSources> clock_ns_;  // of each source
    std::vector<SequenceWindow> sequences_;
    std::vector<Gap> gaps_;  // a ring
    std::uint64_t gap_count_ = 0;
};

inline Verdict MarketStage::judge(const Event& event, Tally& tally, std::uint32_t& flags) noexcept {
    flags = 0;
    if (event.key >= places_.size()) return drop(Drop::unknown_key, tally);
    if (event.kind > Kind::trade || event.source >= kSources || (event.sides & kBothSides) == 0) {
        return drop(Drop::bad_record, tally);
    }
    if (event.sequence != 0 && !arrived_in_order(event, tally, flags)) return drop(Drop::duplicate, tally);
    std::int64_t& clock = clock_ns_[event.source];
    if (event.time_ns >= clock) {
        clock = event.time_ns;
    } else {
        clock_went_back(event, tally, flags);
    }
    // A quote that was overtaken would put an old market in the place of a newer one.
    if ((flags & kOutOfOrder) != 0 && event.kind == Kind::quote) return drop(Drop::out_of_order, tally);
    if (event.time_ns >= places_[event.key].expires_ns && event.key >= underlyings_) {
        ++tally.expired;
        return Verdict::expired;
    }
    return Verdict::go;
}

inline void MarketStage::apply(const Event& event, std::uint32_t flags, Tally& tally,
                               Result& result) noexcept {
    Quote& quote = quotes_[event.key];
    const Place& place = places_[event.key];
    const bool trade = event.kind == Kind::trade;
    // Not out of the quote again: reading both sides at once, right after each was written, stalls.
    const Sides told = trade ? Sides{event.bid, kNone} : renew_quote(event, quote, tally);
    if (event.key < underlyings_) {
        move_spot(event, quote);
    } else {
        flags = see_contract(event, place, flags);
    }
    tally.stale += (flags & kStale) != 0;
    result.intended_ns = event.intended_ns;
    result.time_ns = event.time_ns;
    result.latency_ns = result.lateness_ns = 0;
    result.key = event.key;
    result.sequence = event.sequence;
    result.flags = trade ? flags : flags | quote.flags;
    result.merged = 0;
    result.ticket = event.ticket;
    result.kind = event.kind;
    result.sides = event.sides;
    result.source = event.source;
    result.tag = event.tag;
    result.bid = told.bid;
    result.ask = told.ask;
    result.spot = spot_[place.underlying];
    result.vol = result.price = result.delta = result.gamma = result.vega = result.theta = kNone;
}

inline MarketStage::Sides MarketStage::renew_quote(const Event& event, Quote& quote, Tally& tally) noexcept {
    const double bid = (event.sides & kBidSide) != 0 ? price_or_none(event.bid) : quote.bid;
    const double ask = (event.sides & kAskSide) != 0 ? price_or_none(event.ask) : quote.ask;
    quote.bid = bid;
    quote.ask = ask;
    quote.time_ns = std::max(quote.time_ns, event.time_ns);
    quote.two_sided = bid <= ask;
    quote.flags = 0;
    if (!(bid < ask)) flag_quote(quote, tally);
    return {bid, ask};
}

// What the price of the underlying and the forward say of an event of a contract.
inline std::uint32_t MarketStage::see_contract(const Event& event, const Place& place,
                                               std::uint32_t flags) noexcept {
    const std::int64_t spot_time = spot_time_ns_[place.underlying];
    if (spot_time == kNever || event.time_ns - spot_time > stale_after_ns_) flags |= kSpotStale;
    if (forwards_.is_old(place.group, event.time_ns)) flags |= kForwardStale;
    if (event.kind == Kind::quote) {
        quote_spot_[event.key - underlyings_] = spot_[place.underlying];
        if ((flags & kClockBackwards) == 0) forwards_.note(place.group, event.time_ns);
    }
    return flags;
}

// The mid of a two-sided quote; of an underlying that has never had one, the last trade.
inline void MarketStage::move_spot(const Event& event, const Quote& quote) noexcept {
    double price = kNone;
    if (event.kind == Kind::quote) {
        if (quote.two_sided) price = 0.5 * (quote.bid + quote.ask);
    } else if (quote.time_ns == kNever) {
        price = price_or_none(event.bid);
    }
    if (std::isnan(price)) return;
    spot_[event.key] = price;
    spot_time_ns_[event.key] = std::max(spot_time_ns_[event.key], event.time_ns);
}

}  // namespace atalanta::streaming
