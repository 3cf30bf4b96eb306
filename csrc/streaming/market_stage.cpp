#include "streaming/market_stage.hpp"

#include <algorithm>
#include <cmath>

namespace atalanta::streaming {
namespace {

constexpr std::size_t kGapsKept = 256;
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();

bool is_price(double value) noexcept {
    return value > 0.0 && std::isfinite(value);
}

}  // namespace

MarketStage::MarketStage(const Universe& universe, const Settings& settings)
    : universe_(universe),
      stale_after_ns_(settings.stale_after_ns),
      quotes_(universe.keys()),
      spot_time_ns_(universe.underlyings.size(), kNever),
      sources_(kSources),
      gaps_(kGapsKept) {
    for (const Underlying& one : universe.underlyings) spot_.push_back(one.spot);
}

Verdict MarketStage::judge(const Event& event, Tally& tally, std::uint32_t& flags) noexcept {
    const auto drop = [&](Drop why) {
        ++tally.dropped[static_cast<std::size_t>(why)];
        return Verdict::dropped;
    };
    if (event.key >= universe_.keys()) return drop(Drop::unknown_key);
    if (event.kind > Kind::trade || event.source >= kSources || (event.sides & kBothSides) == 0) {
        return drop(Drop::bad_record);
    }
    flags = 0;
    if (event.sequence != 0 && !arrived_in_order(event, tally, flags)) return drop(Drop::duplicate);
    look_at_clock(event, tally, flags);
    // A quote that was overtaken would put an old market in the place of a newer one.
    if ((flags & kOutOfOrder) != 0 && event.kind == Kind::quote) return drop(Drop::out_of_order);
    if (universe_.is_contract(event.key)) {
        const Group& group = universe_.groups[universe_.group[universe_.contract_of(event.key)]];
        if (event.time_ns >= group.expires_ns) {
            ++tally.expired;
            return Verdict::expired;
        }
    }
    return Verdict::go;
}

bool MarketStage::arrived_in_order(const Event& event, Tally& tally, std::uint32_t& flags) noexcept {
    SequenceWindow& window = sources_[event.source].sequence;
    const std::uint32_t highest = window.highest();
    std::uint32_t missing = 0;
    switch (window.arrive(event.sequence, missing)) {
        case Arrival::duplicate:
            return false;
        case Arrival::late:
            flags |= kOutOfOrder;
            ++tally.recovered;
            return true;
        case Arrival::after_gap:
            flags |= kAfterGap;
            ++tally.gaps;
            tally.missing += missing;
            gaps_[gap_count_++ % kGapsKept] = {event.source, highest + 1ULL, event.sequence - 1ULL,
                                               event.time_ns};
            return true;
        case Arrival::in_order:
            return true;
    }
    return true;
}

void MarketStage::look_at_clock(const Event& event, Tally& tally, std::uint32_t& flags) noexcept {
    std::int64_t& clock = sources_[event.source].clock_ns;
    if (event.time_ns >= clock) {
        clock = event.time_ns;
        return;
    }
    flags |= kClockBackwards;
    ++tally.clock_backwards;
    if (clock - event.time_ns > stale_after_ns_) flags |= kStale;
}

void MarketStage::apply(const Event& event, std::uint32_t flags, Tally& tally, Result& result) noexcept {
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    Quote& quote = quotes_[event.key];
    const bool contract = universe_.is_contract(event.key);
    if (event.kind == Kind::quote) renew_quote(event, quote, tally);
    if (!contract) move_spot(event, quote);
    const std::uint32_t underlying =
        contract ? universe_.groups[universe_.group[universe_.contract_of(event.key)]].underlying : event.key;
    if (contract && (spot_time_ns_[underlying] == kNever ||
                     event.time_ns - spot_time_ns_[underlying] > stale_after_ns_)) {
        flags |= kSpotStale;
    }
    if ((flags & kStale) != 0) ++tally.stale;
    const bool trade = event.kind == Kind::trade;
    result = {event.intended_ns,
              event.time_ns,
              0,
              0,
              event.key,
              event.sequence,
              flags | (trade ? 0 : quote.flags),
              0,
              event.ticket,
              event.kind,
              event.sides,
              event.source,
              event.tag,
              trade ? event.bid : quote.bid,
              trade ? kNone : quote.ask,
              spot_[underlying],
              kNone,
              kNone,
              kNone,
              kNone,
              kNone,
              kNone};
}

void MarketStage::renew_quote(const Event& event, Quote& quote, Tally& tally) noexcept {
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    if ((event.sides & kBidSide) != 0) quote.bid = is_price(event.bid) ? event.bid : kNone;
    if ((event.sides & kAskSide) != 0) quote.ask = is_price(event.ask) ? event.ask : kNone;
    quote.time_ns = std::max(quote.time_ns, event.time_ns);
    quote.flags = (std::isnan(quote.bid) ? kNoBid : 0U) | (std::isnan(quote.ask) ? kNoAsk : 0U) |
                  (quote.bid > quote.ask ? kCrossed : 0U) | (quote.bid == quote.ask ? kLocked : 0U);
    quote.two_sided = quote.bid <= quote.ask;
    tally.crossed += (quote.flags & kCrossed) != 0;
    tally.locked += (quote.flags & kLocked) != 0;
    tally.one_sided += (quote.flags & (kNoBid | kNoAsk)) != 0;
}

// The mid of a two-sided quote; of an underlying that has never had one, the last trade.
void MarketStage::move_spot(const Event& event, const Quote& quote) noexcept {
    double price = std::numeric_limits<double>::quiet_NaN();
    if (event.kind == Kind::quote) {
        if (quote.two_sided) price = 0.5 * (quote.bid + quote.ask);
    } else if (quote.time_ns == kNever && is_price(event.bid)) {
        price = event.bid;
    }
    if (std::isnan(price)) return;
    spot_[event.key] = price;
    spot_time_ns_[event.key] = std::max(spot_time_ns_[event.key], event.time_ns);
}

double MarketStage::mid(std::uint32_t key) const noexcept {
    const Quote& quote = quotes_[key];
    return quote.two_sided ? 0.5 * (quote.bid + quote.ask) : std::numeric_limits<double>::quiet_NaN();
}

std::vector<Gap> MarketStage::gaps() const {
    const std::uint64_t first = gap_count_ > kGapsKept ? gap_count_ - kGapsKept : 0;
    std::vector<Gap> found;
    for (std::uint64_t i = first; i < gap_count_; ++i) found.push_back(gaps_[i % kGapsKept]);
    return found;
}

}  // namespace atalanta::streaming
