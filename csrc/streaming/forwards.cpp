#include "streaming/forwards.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "streaming/market_stage.hpp"

namespace atalanta::streaming {
namespace {

constexpr std::size_t kLeastPairs = 3;     // fewer cannot tell a line from luck
constexpr std::size_t kMostLookedAt = 64;  // strikes around the forward, which bounds a fit
constexpr std::size_t kMostAtOnce = 4;     // fits in a batch, which bounds what they add to its latency
constexpr double kMostError = 0.005;       // a forward less certain is none; what there was stays

}  // namespace

Forwards::Forwards(const Universe& universe, const Settings& settings)
    : universe_(universe), stale_after_ns_(settings.stale_after_ns), slots_(universe.groups.size()) {
    for (std::uint32_t g = 0; g < slots_.size(); ++g) {
        forwards_.push_back({universe.groups[g].scale});
        // American quotes obey parity only as an inequality.
        if (!settings.fit_forwards || universe.groups[g].american) continue;
        match(g);
        if (slots_[g].pairs < kLeastPairs) continue;
        slots_[g].every_ns = static_cast<std::uint64_t>(settings.forward_after_ns);
        any_ = true;
    }
    due_.resize(slots_.size());
    moved_.resize(slots_.size());
}

// The calls and puts of each strike; of several alike the first.
void Forwards::match(std::uint32_t g) {
    const Group& group = universe_.groups[g];
    std::vector<std::uint32_t> order;
    for (std::uint32_t c = group.first; c < group.first + group.count; ++c) order.push_back(c);
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        return std::pair(universe_.strike[a], a) < std::pair(universe_.strike[b], b);
    });
    slots_[g].first_pair = static_cast<std::uint32_t>(pairs_.size());
    for (std::size_t i = 0, next = 0; i < order.size(); i = next) {
        const double strike = universe_.strike[order[i]];
        const std::uint32_t* sides[2] = {nullptr, nullptr};
        for (next = i; next < order.size() && universe_.strike[order[next]] == strike; ++next) {
            const std::uint32_t*& side = sides[universe_.right[order[next]] > 0 ? 0 : 1];
            if (side == nullptr) side = &order[next];
        }
        if (sides[0] != nullptr && sides[1] != nullptr) pairs_.push_back({strike, *sides[0], *sides[1]});
    }
    slots_[g].pairs = static_cast<std::uint32_t>(pairs_.size()) - slots_[g].first_pair;
}

void Forwards::fit_due(const MarketStage& market, Tally& tally) noexcept {
    const std::size_t now = std::min(due_count_, kMostAtOnce);
    for (std::size_t i = 0; i < now; ++i) {
        slots_[due_[i]].waits = false;
        if (fit(due_[i], market)) {
            moved_[moved_count_++] = due_[i];
            ++tally.forwards_fitted;
        } else {
            ++tally.forwards_kept;
        }
    }
    due_count_ -= now;
    for (std::size_t i = 0; i < due_count_; ++i) due_[i] = due_[i + now];
}

void Forwards::skip_due() noexcept {
    for (std::size_t i = 0; i < due_count_; ++i) {
        slots_[due_[i]].tried_ns = std::numeric_limits<std::int64_t>::min();
        slots_[due_[i]].waits = false;
    }
    due_count_ = 0;
}

bool Forwards::fit(std::uint32_t g, const MarketStage& market) noexcept {
    const Group& group = universe_.groups[g];
    Slot& slot = slots_[g];
    const double spot = market.spot(group.underlying);
    const double years = static_cast<double>(group.expires_ns - slot.tried_ns) / kYearNs;
    const double discount = std::exp(-group.rate * years);
    const double growth = std::exp((group.rate - group.yield) * years);
    Forward& forward = forwards_[g];
    const std::size_t count = gather(slot, market, spot, spot * forward.scale * growth, discount);
    if (count < kLeastPairs) return false;
    const ParityForward found = fit_forward({gathered_, count}, discount);
    const double scale = found.forward / (growth * spot), error = found.error / found.forward;
    if (!(error <= kMostError) || !(scale > 0.0) || !std::isfinite(scale)) return false;
    forward = {scale, error, slot.tried_ns, static_cast<std::uint32_t>(count)};
    slot.fresh_until_ns = slot.tried_ns + stale_after_ns_;
    return true;
}

// From the strike next to the forward outwards. The sides of a pair were quoted at some price of the
// underlying, hardly ever at that of now: its forward moves in proportion since, and it is trusted less by as
// much as the two sides' prices lie apart.
std::size_t Forwards::gather(const Slot& slot, const MarketStage& market, double spot, double forward,
                             double discount) noexcept {
    if (!std::isfinite(forward) || !(spot > 0.0)) return 0;
    const Pair* const first = pairs_.data() + slot.first_pair;
    const Pair* const last = first + slot.pairs;
    const Pair* above =
        std::lower_bound(first, last, forward, [](const Pair& pair, double at) { return pair.strike < at; });
    const Pair* below = above;  // the one before it is the next
    const std::int64_t since_ns = slot.tried_ns - stale_after_ns_;
    std::size_t count = 0;
    for (std::size_t looked = 0; looked < kMostLookedAt && count < kMostPairs; ++looked) {
        const bool up = above != last, down = below != first;
        if (!up && !down) break;
        const bool rise = up && (!down || above->strike - forward <= forward - (below - 1)->strike);
        const Pair& pair = rise ? *above++ : *--below;
        if (!usable(market, pair.call, since_ns) || !usable(market, pair.put, since_ns)) continue;
        const Quote &call = market.contract_quote(pair.call), &put = market.contract_quote(pair.put);
        const double of_call = market.spot_at_quote(pair.call), of_put = market.spot_at_quote(pair.put);
        const double parity = 0.5 * (call.bid + call.ask) - 0.5 * (put.bid + put.ask);
        const double moved = spot / (0.5 * (of_call + of_put));
        const double widths[] = {call.ask - call.bid, put.ask - put.bid, of_call - of_put};
        gathered_[count++] = {
            pair.strike, moved * parity + discount * pair.strike * (moved - 1.0),
            std::sqrt(widths[0] * widths[0] + widths[1] * widths[1] + widths[2] * widths[2])};
    }
    return count;
}

bool Forwards::usable(const MarketStage& market, std::uint32_t contract,
                      std::int64_t since_ns) const noexcept {
    const Quote& quote = market.contract_quote(contract);
    return quote.bid < quote.ask && quote.time_ns >= since_ns && market.spot_at_quote(contract) > 0.0;
}

}  // namespace atalanta::streaming
