// American contracts between exact solves: what the ladders say at the spot of now, with the time that has
// passed and the change of the volatility taken to first order. When that has gone too far an exact solve is
// asked for, and taken over when it is there.
#include <algorithm>
#include <cmath>

#include "streaming/pricing_stage.hpp"

namespace atalanta::streaming {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

double years_since(const ExactSolve& solve, std::int64_t now_ns) noexcept {
    return static_cast<double>(now_ns - solve.time_ns) / kYearNs;
}

}  // namespace

void PricingStage::reprice_american(std::uint32_t g, double spot, std::int64_t now_ns) noexcept {
    const Group& group = universe_.groups[g];
    const ExactSolve* solve = exact_[g];
    if (solve == nullptr) {
        for (std::uint32_t c = group.first; c < group.first + group.count; ++c) flags_[c] |= kAwaitsExact;
        ask_if_due(g, spot, now_ns, true);
        return;
    }
    const std::size_t first = group.first, count = group.count;
    const double at = spot * group.scale;
    for (std::size_t i = 0; i < count; ++i) same_spot_[i] = at;
    solve->ladders.read(
        rows_.data(), same_spot_.data(), count,
        {price_.data() + first, delta_.data() + first, gamma_.data() + first, theta_.data() + first});
    const double passed = years_since(*solve, now_ns);
    bool far = std::fabs(at / solve->spot - 1.0) > settings_.refresh_spot;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t c = first + i;
        const double change = vol_[c] - solve->vol[i];
        vega_[c] = solve->vega[i];
        price_[c] += theta_[c] * passed + (std::isnan(change) ? 0.0 : change * solve->vega[i]);
        far |= std::fabs(change) > settings_.refresh_vol;
    }
    unscale(g);
    ask_if_due(g, spot, now_ns, far);
}

// A Newton step from the volatility of the last exact solve to that of the quote.
void PricingStage::quote_american(Result& result, std::uint32_t contract) noexcept {
    const std::uint32_t g = universe_.group[contract];
    const ExactSolve* solve = exact_[g];
    const bool usable = result.bid <= result.ask;
    const double mid = usable ? 0.5 * (result.bid + result.ask) : kNone;
    note({contract, 1});
    if (solve == nullptr) {
        result.flags |= kAwaitsExact | kNoVol;
        flags_[contract] = result.flags;
        ++tally_->no_vol;
        ask_if_due(g, result.spot, result.time_ns, true);
        return;
    }
    const std::uint32_t row = contract - universe_.groups[g].first;
    const double scale = universe_.groups[g].scale;
    const LadderReading reading = solve->ladders.read(row, result.spot * scale);
    const double now = reading.price + reading.theta * years_since(*solve, result.time_ns);
    const double change = (mid - now) / solve->vega[row];
    const bool stepped = std::fabs(change) <= settings_.most_vol_step;
    if (stepped) {
        vol_[contract] = solve->vol[row] + change;
        result.flags |= kFirstOrder;
        ++tally_->first_order;
    } else {
        result.flags |= kNoVol | (std::isnan(vol_[contract]) ? 0U : kCarriedVol);
        ++tally_->no_vol;
    }
    const double carried = vol_[contract] - solve->vol[row];
    price_[contract] = now + (std::isnan(carried) ? 0.0 : carried * solve->vega[row]);
    delta_[contract] = scale * reading.delta;
    gamma_[contract] = scale * scale * reading.gamma;
    theta_[contract] = reading.theta;
    vega_[contract] = solve->vega[row];
    flags_[contract] = result.flags;
    copy_out(result, contract);
    if (!stepped) result.vol = kNone;
    ask_if_due(g, result.spot, result.time_ns,
               (usable && !stepped) || std::fabs(change) > settings_.refresh_vol);
}

void PricingStage::ask_if_due(std::uint32_t g, double spot, std::int64_t now_ns, bool far) noexcept {
    const ExactSolve* exact = exact_[g];
    const bool old = exact == nullptr || now_ns - exact->time_ns > settings_.refresh_after_ns;
    if ((!far && !old) || std::isnan(spot) || !refresher_.is_free(g)) return;
    const Group& group = universe_.groups[g];
    const auto underlyings = static_cast<std::uint32_t>(universe_.underlyings.size());
    bool any = false;
    for (std::uint32_t i = 0; i < group.count; ++i) {
        mids_[i] = market_.mid(underlyings + group.first + i);
        any |= !std::isnan(mids_[i]) || !std::isnan(vol_[group.first + i]);
    }
    if (!any) return;
    if (refresher_.ask(g, now_ns, spot * group.scale, mids_.data(), vol_.data() + group.first))
        ++tally_->refreshes_asked;
}

bool PricingStage::take_exact() noexcept {
    const std::uint64_t solved = refresher_.solved();
    if (solved == seen_solves_) return false;
    seen_solves_ = solved;
    bool changed = false;
    for (std::uint32_t g = 0; g < exact_.size(); ++g) {
        if (!universe_.groups[g].american) continue;
        const ExactSolve* solve = refresher_.take(g);
        if (solve == nullptr) continue;
        exact_[g] = solve;
        ++tally_->refreshes;
        const Group& group = universe_.groups[g];
        const double spot = market_.spot(group.underlying);
        const auto underlyings = static_cast<std::uint32_t>(universe_.underlyings.size());
        // Quotes may have come since: from the exact volatility a step to that of the latest one, or another
        // solve.
        bool far = false;
        for (std::uint32_t i = 0; i < group.count; ++i) {
            const std::uint32_t c = group.first + i;
            const double now = solve->ladders.read(i, spot * group.scale).price;
            const double change = (market_.mid(underlyings + c) - now) / solve->vega[i];
            const bool near = std::fabs(change) <= settings_.refresh_vol;
            vol_[c] = solve->vol[i] + (near ? change : 0.0);
            far |= std::fabs(change) > settings_.refresh_vol && std::isfinite(change);
            flags_[c] &= ~(kAwaitsExact | kFirstOrder);
        }
        reprice_american(g, spot, solve->time_ns);
        group_spot_[g] = spot;
        if (far && solve->time_ns < latest_ns(g)) ask_if_due(g, spot, latest_ns(g), true);
        note({group.first, group.count});
        changed = true;
    }
    return changed;
}

std::int64_t PricingStage::latest_ns(std::uint32_t g) const noexcept {
    const Group& group = universe_.groups[g];
    const auto underlyings = static_cast<std::uint32_t>(universe_.underlyings.size());
    std::int64_t latest = market_.quote(group.underlying).time_ns;
    for (std::uint32_t i = 0; i < group.count; ++i) {
        latest = std::max(latest, market_.quote(underlyings + group.first + i).time_ns);
    }
    return latest;
}

void PricingStage::ask_all() noexcept {
    for (std::uint32_t g = 0; g < exact_.size(); ++g) {
        const Group& group = universe_.groups[g];
        if (!group.american) continue;
        const std::int64_t now = latest_ns(g);
        if (now == std::numeric_limits<std::int64_t>::min() || now >= group.expires_ns) continue;
        ask_if_due(g, market_.spot(group.underlying), now, true);
    }
}

}  // namespace atalanta::streaming
