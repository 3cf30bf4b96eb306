// European contracts: volatilities of quotes, and the Greeks of what a quote or a tick changed, by the vector
// kernels over as many contracts at a time as a batch brings.
#include <algorithm>
#include <cmath>
#include <utility>

#include "streaming/pricing_stage.hpp"

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

OptionRows option_rows(std::size_t size, const std::int8_t* right, const double* spot, const double* strike,
                       const double* years, const double* rate, const double* yield,
                       const double* vol) noexcept {
    return {size,           {right, false}, {spot, false},  {strike, false},
            {years, false}, {rate, false},  {yield, false}, {vol, false}};
}

}  // namespace

// A large group goes to the kernel as it lies. Small ones are put side by side, since a call costs as much as
// some ten contracts; they are spread again when the kernel has been called.
void PricingStage::reprice_european(std::uint32_t g, double spot, std::int64_t now_ns) noexcept {
    const Group& group = universe_.groups[g];
    const std::size_t first = group.first, count = group.count;
    const double at = spot * scale(g), time = years(group, now_ns);
    if (count > kSmallGroup) {
        std::fill_n(same_spot_.data(), count, at);
        std::fill_n(same_years_.data(), count, time);
        double* const columns[] = {price_.data() + first,  delta_.data() + first, gamma_.data() + first,
                                   vega_.data() + first,   theta_.data() + first, scratch_.data(),
                                   scratch_.data() + count};
        GreekColumns out{};
        std::copy_n(columns, 7, out.data);
        kernels_.european->greeks_order_1(
            option_rows(count, universe_.right.data() + first, same_spot_.data(),
                        universe_.strike.data() + first, same_years_.data(), rate_of_.data() + first,
                        yield_of_.data() + first, vol_.data() + first),
            out);
        unscale(g);
        return;
    }
    if (ticked_ + count > spot_in_.size()) flush_ticks();
    ticked_groups_[ticked_group_count_++] = g;
    std::copy_n(universe_.right.data() + first, count, tick_.right.data() + ticked_);
    std::fill_n(tick_.spot.data() + ticked_, count, at);
    std::copy_n(universe_.strike.data() + first, count, tick_.strike.data() + ticked_);
    std::fill_n(tick_.years.data() + ticked_, count, time);
    std::copy_n(rate_of_.data() + first, count, tick_.rate.data() + ticked_);
    std::copy_n(yield_of_.data() + first, count, tick_.yield.data() + ticked_);
    std::copy_n(vol_.data() + first, count, tick_.vol.data() + ticked_);
    ticked_ += count;
    ticking_[group.underlying] = tick_flush_;
}

void PricingStage::flush_ticks() noexcept {
    const std::size_t rows = std::exchange(ticked_, 0), groups = std::exchange(ticked_group_count_, 0);
    if (rows == 0) return;
    ++tick_flush_;
    const std::size_t stride = spot_in_.size();
    GreekColumns out{};
    for (std::size_t i = 0; i < 7; ++i) out.data[i] = tick_.greeks.data() + i * stride;
    kernels_.european->greeks_order_1(
        option_rows(rows, tick_.right.data(), tick_.spot.data(), tick_.strike.data(), tick_.years.data(),
                    tick_.rate.data(), tick_.yield.data(), tick_.vol.data()),
        out);
    const double* from = tick_.greeks.data();
    for (std::size_t i = 0; i < groups; ++i) {
        const std::uint32_t g = ticked_groups_[i];
        const Group& group = universe_.groups[g];
        std::copy_n(from, group.count, price_.data() + group.first);
        std::copy_n(from + stride, group.count, delta_.data() + group.first);
        std::copy_n(from + 2 * stride, group.count, gamma_.data() + group.first);
        std::copy_n(from + 3 * stride, group.count, vega_.data() + group.first);
        std::copy_n(from + 4 * stride, group.count, theta_.data() + group.first);
        from += group.count;
        unscale(g);
    }
}

// Deltas and gammas are those in the price that ticks.
void PricingStage::unscale(std::uint32_t g) noexcept {
    const Group& group = universe_.groups[g];
    const double by = scale(g);
    if (by == 1.0) return;
    for (std::uint32_t c = group.first; c < group.first + group.count; ++c) {
        delta_[c] *= by;
        gamma_[c] *= by * by;
    }
}

void PricingStage::take_forward(std::uint32_t g) noexcept {
    const Group& group = universe_.groups[g];
    const double spot = market_.spot(group.underlying);
    reprice_european(g, spot, market_.forwards().of(g).time_ns);
    group_spot_[g] = spot;
    note({group.first, group.count});
    tally_->repriced += group.count;
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
    spot_in_[row] = result.spot * scale(universe_.group[contract]);
    strike_in_[row] = universe_.strike[contract];
    years_in_[row] = years(group, result.time_ns);
    rate_in_[row] = group.rate;
    yield_in_[row] = group.yield;
    pending_[group.underlying] = flush_;
    note({contract, 1});
}

void PricingStage::flush() noexcept {
    flush_ticks();
    const std::size_t count = gathered_;
    if (count == 0) return;
    gathered_ = 0;
    ++flush_;
    const Column<std::int8_t> right{right_.data(), false};
    const Column<double> spot{spot_in_.data(), false}, strike{strike_in_.data(), false},
        time{years_in_.data(), false}, rate{rate_in_.data(), false}, yield{yield_in_.data(), false};
    kernels_.implied_vol->european(
        QuotedRows{count, {quoted_.data(), false}, right, spot, strike, time, rate, yield}, solved_.data(),
        status_.data());
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
    kernels_.european->greeks_order_1(
        OptionRows{count, right, spot, strike, time, rate, yield, {solved_.data(), false}}, out);
    for (std::size_t row = 0; row < count; ++row) finish_quote(row);
}

void PricingStage::finish_quote(std::size_t row) noexcept {
    const std::uint32_t contract = gathered_contracts_[row];
    const std::size_t stride = quoted_.size();
    const double* of = greeks_out_.data() + row;
    price_[contract] = of[0];
    const double by = scale(universe_.group[contract]);
    delta_[contract] = by * of[stride];
    gamma_[contract] = by * by * of[2 * stride];
    vega_[contract] = of[3 * stride];
    theta_[contract] = of[4 * stride];
    Result& result = *gathered_results_[row];
    flags_[contract] = result.flags;
    const double vol = result.vol;  // of the quote: NaN where it has none, whatever the Greeks use
    copy_out(result, contract);
    result.vol = vol;
}

}  // namespace atalanta::streaming
