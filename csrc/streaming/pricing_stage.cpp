#include "streaming/pricing_stage.hpp"

#include <algorithm>
#include <cmath>

#include "pricing/dispatch.hpp"

namespace atalanta::streaming {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::uint32_t flags_of(ImpliedVolStatus status) noexcept {
    switch (status) {
        case ImpliedVolStatus::ok:
            return 0;
        case ImpliedVolStatus::below_intrinsic:
            return kNoVol | kBelowIntrinsic;
        case ImpliedVolStatus::above_bound:
            return kNoVol | kAboveBound;
        case ImpliedVolStatus::bad_input:
            break;
    }
    return kNoVol;
}

}  // namespace

PricingStage::PricingStage(const Universe& universe, const Settings& settings, const MarketStage& market,
                           Refresher& refresher)
    : universe_(universe),
      settings_(settings),
      market_(market),
      refresher_(refresher),
      kernels_(*active_kernels().european),
      vol_(universe.vol),
      flags_(universe.contracts(), 0),
      group_spot_(universe.groups.size(), kNone),
      exact_(universe.groups.size()),
      pending_(universe.underlyings.size(), 0) {
    const std::size_t contracts = universe.contracts(), rows = std::max<std::size_t>(settings.rows, 1);
    for (auto* column : {&price_, &delta_, &gamma_, &vega_, &theta_}) column->assign(contracts, kNone);
    std::size_t largest = 1;
    for (const Group& group : universe.groups) largest = std::max<std::size_t>(largest, group.count);
    for (const Underlying& one : universe.underlyings) {
        most_groups_ = std::max<std::size_t>(most_groups_, one.groups);
    }
    gathered_results_.resize(rows);
    gathered_contracts_.resize(rows);
    right_.resize(rows);
    status_.resize(rows);
    for (auto* column : {&quoted_, &spot_in_, &strike_in_, &years_in_, &rate_in_, &yield_in_, &solved_}) {
        column->resize(rows);
    }
    greeks_out_.resize(7 * rows);
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
    changed_.resize(universe.groups.size() + most_groups_ +
                    4 * std::max(settings.batch, settings.most_conflated));
}

void PricingStage::begin(Tally& tally) noexcept {
    tally_ = &tally;
    changed_count_ = 0;
}

std::uint32_t PricingStage::fan_out(std::uint32_t key) const noexcept {
    if (universe_.is_contract(key)) return 1;
    const Underlying& one = universe_.underlyings[key];
    if (one.groups == 0) return 1;
    const Group& last = universe_.groups[one.first_group + one.groups - 1];
    return last.first + last.count - universe_.groups[one.first_group].first;
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

// The group as it lies: nothing is gathered, nothing is spread.
void PricingStage::reprice_european(std::uint32_t g, double spot, std::int64_t now_ns) noexcept {
    const Group& group = universe_.groups[g];
    // A column of its own for each: the kernel would spread shared values over a block much longer than a
    // group.
    const std::size_t first = group.first;
    std::fill_n(same_spot_.data(), group.count, spot * group.scale);
    std::fill_n(same_years_.data(), group.count, years(group, now_ns));
    const OptionRows rows{group.count,
                          {universe_.right.data() + first, false},
                          {same_spot_.data(), false},
                          {universe_.strike.data() + first, false},
                          {same_years_.data(), false},
                          {rate_of_.data() + first, false},
                          {yield_of_.data() + first, false},
                          {vol_.data() + first, false}};
    GreekColumns out{};
    double* const columns[] = {price_.data(), delta_.data(), gamma_.data(), vega_.data(), theta_.data()};
    for (std::size_t i = 0; i < 5; ++i) out.data[i] = columns[i] + first;
    out.data[5] = scratch_.data();
    out.data[6] = scratch_.data() + group.count;
    kernels_.greeks_order_1(rows, out);
    unscale(group);
}

// Deltas and gammas are those in the price that ticks.
void PricingStage::unscale(const Group& group) noexcept {
    if (group.scale == 1.0) return;
    for (std::uint32_t c = group.first; c < group.first + group.count; ++c) {
        delta_[c] *= group.scale;
        gamma_[c] *= group.scale * group.scale;
    }
}

void PricingStage::reprice_cheaply(std::uint32_t g, double spot) noexcept {
    const Group& group = universe_.groups[g];
    const double step = spot - group_spot_[g];
    for (std::uint32_t c = group.first; c < group.first + group.count; ++c) {
        price_[c] += step * (delta_[c] + 0.5 * step * gamma_[c]);
        delta_[c] += step * gamma_[c];
    }
}

void PricingStage::gather_quote(Result& result, std::uint32_t contract) noexcept {
    const Group& group = universe_.groups[universe_.group[contract]];
    if (gathered_ == quoted_.size()) flush();
    const std::size_t row = gathered_++;
    gathered_results_[row] = &result;
    gathered_contracts_[row] = contract;
    right_[row] = universe_.right[contract];
    const bool usable = result.bid <= result.ask;
    quoted_[row] = usable ? 0.5 * (result.bid + result.ask) : kNone;
    spot_in_[row] = result.spot * group.scale;
    strike_in_[row] = universe_.strike[contract];
    years_in_[row] = years(group, result.time_ns);
    rate_in_[row] = group.rate;
    yield_in_[row] = group.yield;
    pending_[group.underlying] = flush_;
    note({contract, 1});
}

void PricingStage::flush() noexcept {
    const std::size_t count = gathered_;
    if (count == 0) return;
    gathered_ = 0;
    ++flush_;
    const Column<std::int8_t> right{right_.data(), false};
    const Column<double> spot{spot_in_.data(), false}, strike{strike_in_.data(), false},
        time{years_in_.data(), false}, rate{rate_in_.data(), false}, yield{yield_in_.data(), false};
    kernels_.implied_vol(QuotedRows{count, {quoted_.data(), false}, right, spot, strike, time, rate, yield},
                         solved_.data(), status_.data());
    for (std::size_t row = 0; row < count; ++row) {
        Result& result = *gathered_results_[row];
        result.vol = solved_[row];
        if (!std::isnan(solved_[row])) {
            vol_[gathered_contracts_[row]] = solved_[row];
            continue;
        }
        result.flags |= flags_of(status_[row]);
        ++tally_->no_vol;
        solved_[row] = vol_[gathered_contracts_[row]];
        if (!std::isnan(solved_[row])) result.flags |= kCarriedVol;
    }
    GreekColumns out{};
    for (std::size_t i = 0; i < 7; ++i) out.data[i] = greeks_out_.data() + i * quoted_.size();
    kernels_.greeks_order_1(
        OptionRows{count, right, spot, strike, time, rate, yield, {solved_.data(), false}}, out);
    for (std::size_t row = 0; row < count; ++row) finish_quote(row);
}

void PricingStage::finish_quote(std::size_t row) noexcept {
    const std::uint32_t contract = gathered_contracts_[row];
    const std::size_t stride = quoted_.size();
    const double* of = greeks_out_.data() + row;
    price_[contract] = of[0];
    const double scale = universe_.groups[universe_.group[contract]].scale;
    delta_[contract] = scale * of[stride];
    gamma_[contract] = scale * scale * of[2 * stride];
    vega_[contract] = of[3 * stride];
    theta_[contract] = of[4 * stride];
    Result& result = *gathered_results_[row];
    flags_[contract] = result.flags;
    const double vol = result.vol;  // of the quote: NaN where it has none, whatever the Greeks use
    copy_out(result, contract);
    result.vol = vol;
}

void PricingStage::quote_cheaply(Result& result, std::uint32_t contract) noexcept {
    const std::uint32_t g = universe_.group[contract];
    if (pending_[universe_.groups[g].underlying] == flush_) flush();
    const double step = result.spot - group_spot_[g];
    const double price = price_[contract] + (std::isnan(step) ? 0.0 : step * delta_[contract]);
    const double mid = result.bid <= result.ask ? 0.5 * (result.bid + result.ask) : kNone;
    const double change = (mid - price) / vega_[contract];
    const bool usable = std::fabs(change) <= settings_.most_vol_step;
    if (usable) {
        vol_[contract] += change;
        price_[contract] = mid;
        result.flags |= kFirstOrder;
        ++tally_->first_order;
    } else {
        result.flags |= kNoVol | (std::isnan(vol_[contract]) ? 0U : kCarriedVol);
        ++tally_->no_vol;
    }
    flags_[contract] = result.flags;
    copy_out(result, contract);
    if (!usable) result.vol = kNone;
    note({contract, 1});
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
