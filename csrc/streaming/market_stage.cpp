#include "streaming/market_stage.hpp"

#include <cmath>

namespace atalanta::streaming {
namespace {

constexpr std::size_t kGapsKept = 256;

}  // namespace

MarketStage::MarketStage(const Universe& universe, const Settings& settings)
    : stale_after_ns_(settings.stale_after_ns),
      underlyings_(static_cast<std::uint32_t>(universe.underlyings.size())),
      quotes_(universe.keys()),
      quote_spot_(universe.contracts(), kNone),
      forwards_(universe, settings),
      spot_time_ns_(universe.underlyings.size(), kNever),
      sequences_(kSources),
      gaps_(kGapsKept) {
    for (const Underlying& one : universe.underlyings) spot_.push_back(one.spot);
    for (std::uint32_t u = 0; u < underlyings_; ++u) {
        places_.push_back({std::numeric_limits<std::int64_t>::max(), u, 0});
    }
    for (const std::uint32_t g : universe.group) {
        places_.push_back({universe.groups[g].expires_ns, universe.groups[g].underlying, g});
    }
    clock_ns_.fill(kNever);
}

bool MarketStage::arrived_in_order(const Event& event, Tally& tally, std::uint32_t& flags) noexcept {
    SequenceWindow& window = sequences_[event.source];
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

void MarketStage::clock_went_back(const Event& event, Tally& tally, std::uint32_t& flags) const noexcept {
    flags |= kClockBackwards;
    ++tally.clock_backwards;
    if (clock_ns_[event.source] - event.time_ns > stale_after_ns_) flags |= kStale;
}

// What is wrong with a quote whose bid is not below its ask.
void MarketStage::flag_quote(Quote& quote, Tally& tally) noexcept {
    quote.flags = (std::isnan(quote.bid) ? kNoBid : 0U) | (std::isnan(quote.ask) ? kNoAsk : 0U) |
                  (quote.bid > quote.ask ? kCrossed : 0U) | (quote.bid == quote.ask ? kLocked : 0U);
    tally.crossed += (quote.flags & kCrossed) != 0;
    tally.locked += (quote.flags & kLocked) != 0;
    tally.one_sided += (quote.flags & (kNoBid | kNoAsk)) != 0;
}

double MarketStage::mid(std::uint32_t key) const noexcept {
    const Quote& quote = quotes_[key];
    return quote.two_sided ? 0.5 * (quote.bid + quote.ask) : kNone;
}

std::vector<Gap> MarketStage::gaps() const {
    const std::uint64_t first = gap_count_ > kGapsKept ? gap_count_ - kGapsKept : 0;
    std::vector<Gap> found;
    for (std::uint64_t i = first; i < gap_count_; ++i) found.push_back(gaps_[i % kGapsKept]);
    return found;
}

}  // namespace atalanta::streaming
