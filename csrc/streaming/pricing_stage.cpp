#include "streaming/pricing_stage.hpp"

#include <algorithm>
#include <cmath>

#include "pricing/dispatch.hpp"

namespace atalanta::streaming {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

}  // namespace

PricingStage::PricingStage(const Universe& universe, const Settings& settings, const MarketStage& market,
                           Refresher& refresher)
    : universe_(universe),
      settings_(settings),
      market_(market),
      refresher_(refresher),
      kernels_(active_kernels()),
      vol_(universe.vol),
      flags_(universe.contracts(), 0),
      group_spot_(universe.groups.size(), kNone),
      exact_(universe.groups.size()),
      pending_(universe.underlyings.size(), 0),
      ticking_(universe.underlyings.size(), 0) {
    const std::size_t contracts = universe.contracts(),
                      rows = std::max<std::size_t>(settings.rows, kSmallGroup);
    for (auto* column : {&price_, &delta_, &gamma_, &vega_, &theta_}) column->assign(contracts, kNone);
    std::size_t largest = 1;
    for (const Group& group : universe.groups) largest = std::max<std::size_t>(largest, group.count);
    for (const Underlying& one : universe.underlyings) {
        most_groups_ = std::max<std::size_t>(most_groups_, one.groups);
        std::uint32_t contracts_of = 0;
        for (std::uint32_t g = one.first_group; g < one.first_group + one.groups; ++g) {
            contracts_of += universe.groups[g].count;
        }
        fan_out_.push_back(std::max(contracts_of, 1U));
    }
    gathered_results_.resize(rows);
    gathered_contracts_.resize(rows);
    right_.resize(rows);
    status_.resize(rows);
    for (auto* column : {&quoted_, &spot_in_, &strike_in_, &years_in_, &rate_in_, &yield_in_, &solved_}) {
        column->resize(rows);
    }
    greeks_out_.resize(7 * rows);
    tick_.right.resize(rows);
    for (auto* column : {&tick_.spot, &tick_.strike, &tick_.years, &tick_.rate, &tick_.yield, &tick_.vol}) {
        column->resize(rows);
    }
    tick_.greeks.resize(7 * rows);
    ticked_groups_.resize(rows);
    rows_.resize(largest);
    for (std::size_t i = 0; i < largest; ++i) rows_[i] = static_cast<std::uint32_t>(i);
    same_spot_.resize(largest);
    same_years_.resize(largest);
    for (const std::uint32_t g : universe.group) {
        rate_of_.push_back(universe.groups[g].rate);
        yield_of_.push_back(universe.groups[g].yield);
    }
    mids_.resize(largest);
    scratch_.resize(2 * largest);
    // Each group may come in from behind, and by its forward; then what the events of a batch change.
    changed_.resize(2 * universe.groups.size() + most_groups_ +
                    4 * std::max(settings.batch, settings.most_conflated));
}

void PricingStage::begin(Tally& tally) noexcept {
    tally_ = &tally;
    changed_count_ = 0;
}

ContractColumns PricingStage::columns() const noexcept {
    return {vol_.data(), price_.data(), delta_.data(), gamma_.data(), vega_.data(), theta_.data()};
}

void PricingStage::take(Result& result, bool cheaply) noexcept {
    if (cheaply) {
        result.flags |= kDegraded;
        ++tally_->degraded;
    }
    if (!universe_.is_contract(result.key)) {
        reprice_underlying(result, cheaply);
        return;
    }
    const std::uint32_t contract = universe_.contract_of(result.key);
    const Group& group = universe_.groups[universe_.group[contract]];
    // What a tick before this event has changed belongs into it.
    if (ticking_[group.underlying] == tick_flush_) flush_ticks();
    if (result.kind == Kind::trade) {  // tells nothing of what the contract is worth now
        if (pending_[group.underlying] == flush_) flush();
        copy_out(result, contract);
        return;
    }
    if (cheaply) {
        quote_cheaply(result, contract);
    } else if (group.american) {
        quote_american(result, contract);
    } else {
        gather_quote(result, contract);
    }
}

void PricingStage::reprice_underlying(Result& result, bool cheaply) noexcept {
    result.price = result.spot;
    result.delta = 1.0;
    result.gamma = result.vega = result.theta = 0.0;
    const Underlying& one = universe_.underlyings[result.key];
    if (std::isnan(result.spot) || one.groups == 0) return;
    if (result.kind == Kind::trade && group_spot_[one.first_group] == result.spot) return;
    // Volatilities of quotes that came before this tick belong into the contracts' Greeks.
    if (pending_[result.key] == flush_) flush();
    if (cheaply && ticking_[result.key] == tick_flush_) flush_ticks();
    for (std::uint32_t g = one.first_group; g < one.first_group + one.groups; ++g) {
        const Group& group = universe_.groups[g];
        if (result.time_ns >= group.expires_ns) continue;
        if (cheaply && !std::isnan(group_spot_[g])) {
            reprice_cheaply(g, result.spot);
        } else if (group.american) {
            reprice_american(g, result.spot, result.time_ns);
        } else {
            reprice_european(g, result.spot, result.time_ns);
        }
        group_spot_[g] = result.spot;
        note({group.first, group.count});
        tally_->repriced += group.count;
    }
}

void PricingStage::copy_out(Result& result, std::uint32_t contract) const noexcept {
    result.vol = vol_[contract];
    result.price = price_[contract];
    result.delta = delta_[contract];
    result.gamma = gamma_[contract];
    result.vega = vega_[contract];
    result.theta = theta_[contract];
}

}  // namespace atalanta::streaming
