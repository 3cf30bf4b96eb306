// What the policy `degrade` does to an event that is late: a step from the last Greeks.
#include <cmath>

#include "streaming/pricing_stage.hpp"

namespace atalanta::streaming {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

}  // namespace

void PricingStage::reprice_cheaply(std::uint32_t g, double spot) noexcept {
    const Group& group = universe_.groups[g];
    const double step = spot - group_spot_[g];
    for (std::uint32_t c = group.first; c < group.first + group.count; ++c) {
        price_[c] += step * (delta_[c] + 0.5 * step * gamma_[c]);
        delta_[c] += step * gamma_[c];
    }
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

}  // namespace atalanta::streaming
