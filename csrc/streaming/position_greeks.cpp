#include "streaming/position_greeks.hpp"

#include <cmath>
#include <limits>

namespace atalanta::streaming {
namespace {

// Sums that are moved by differences drift by rounding: so often they are added up anew.
constexpr std::uint32_t kBatchesOfDifferences = 4096;
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

void add(PositionSums& sums, const PositionSums& more, double sign) noexcept {
    sums.value += sign * more.value;
    sums.pnl += sign * more.pnl;
    sums.delta += sign * more.delta;
    sums.gamma += sign * more.gamma;
    sums.vega += sign * more.vega;
    sums.theta += sign * more.theta;
}

}  // namespace

PositionGreeks::PositionGreeks(const Universe& universe)
    : universe_(universe),
      quantity_(universe.keys(), 0.0),
      parts_(universe.keys()),
      first_(universe.keys(), kUnknown),
      sums_(universe.underlyings.size()),
      folded_(universe.underlyings.size()),
      touched_(universe.underlyings.size()),
      is_touched_(universe.underlyings.size()) {}

void PositionGreeks::run(void* state, const RiskBatch& batch) noexcept {
    auto& self = *static_cast<PositionGreeks*>(state);
    const auto underlyings = static_cast<std::uint32_t>(self.universe_.underlyings.size());
    for (const Range& range : batch.changed) {
        for (std::uint32_t c = range.first; c < range.first + range.count; ++c) {
            if (self.quantity_[underlyings + c] != 0.0) self.renew(c, batch);
        }
    }
    for (const std::uint32_t underlying : batch.moved) self.move(underlying, batch);
    if (++self.batches_ >= kBatchesOfDifferences) {
        self.add_up_again(batch.spots);
    } else {
        self.fold(batch.spots);
    }
}

void PositionGreeks::put(std::uint32_t underlying, std::uint32_t key, const PositionSums& now) noexcept {
    Part part{now, std::isfinite(now.value + now.delta + now.gamma + now.vega + now.theta)};
    if (part.priced && std::isnan(first_[key])) first_[key] = part.value;
    part.pnl = part.value - first_[key];
    Part& old = parts_[key];
    BookTotals& sums = sums_[underlying];
    if (old.priced) add(sums, old, -1.0);
    if (part.priced) add(sums, part, 1.0);
    sums.priced += static_cast<std::uint64_t>(part.priced) - static_cast<std::uint64_t>(old.priced);
    old = part;
    touch(underlying);
}

void PositionGreeks::renew(std::uint32_t contract, const RiskBatch& batch) noexcept {
    const auto key = static_cast<std::uint32_t>(universe_.underlyings.size()) + contract;
    const double size = quantity_[key] * universe_.multiplier[contract];
    const ContractColumns& all = batch.contracts;
    put(universe_.groups[universe_.group[contract]].underlying, key,
        {size * all.price[contract], 0.0, size * all.delta[contract], size * all.gamma[contract],
         size * all.vega[contract], size * all.theta[contract]});
}

void PositionGreeks::move(std::uint32_t underlying, const RiskBatch& batch) noexcept {
    const double quantity = quantity_[underlying];
    if (quantity == 0.0) return touch(underlying);
    put(underlying, underlying, {quantity * batch.spots[underlying], 0.0, quantity, 0.0, 0.0, 0.0});
}

void PositionGreeks::add_up_again(const double* spots) noexcept {
    batches_ = 0;
    for (std::uint32_t u = 0; u < sums_.size(); ++u) {
        BookTotals& sums = sums_[u];
        const std::uint64_t positions = sums.positions;
        sums = {};
        sums.positions = positions;
        const auto take = [&](const Part& part) {
            if (!part.priced) return;
            add(sums, part, 1.0);
            ++sums.priced;
        };
        take(parts_[u]);
        const Underlying& one = universe_.underlyings[u];
        for (std::uint32_t g = one.first_group; g < one.first_group + one.groups; ++g) {
            const Group& group = universe_.groups[g];
            for (std::uint32_t c = group.first; c < group.first + group.count; ++c) {
                take(parts_[sums_.size() + c]);
            }
        }
        folded_[u] = {};
        touch(u);
    }
    all_ = {};
    fold(spots);
}

void PositionGreeks::replace(std::vector<double>& quantities, const RiskBatch& all) noexcept {
    quantity_.swap(quantities);
    for (std::size_t key = 0; key < first_.size(); ++key) {
        if (quantity_[key] != quantities[key]) first_[key] = kUnknown;
    }
    for (Part& part : parts_) part = {};
    for (BookTotals& sums : sums_) sums = {};
    for (BookTotals& sums : folded_) sums = {};
    all_ = {};
    const auto underlyings = static_cast<std::uint32_t>(sums_.size());
    for (std::uint32_t u = 0; u < underlyings; ++u) {
        if (quantity_[u] != 0.0) ++sums_[u].positions;
        move(u, all);
    }
    for (std::uint32_t c = 0; c < universe_.contracts(); ++c) {
        if (quantity_[underlyings + c] == 0.0) continue;
        ++sums_[universe_.groups[universe_.group[c]].underlying].positions;
        renew(c, all);
    }
    fold(all.spots);
}

void PositionGreeks::touch(std::uint32_t underlying) noexcept {
    if (is_touched_[underlying] != 0) return;
    is_touched_[underlying] = 1;
    touched_[touched_count_++] = underlying;
}

// The change of each underlying's sums goes into the sums of all.
void PositionGreeks::fold(const double* spots) noexcept {
    for (std::size_t i = 0; i < touched_count_; ++i) {
        const std::uint32_t u = touched_[i];
        is_touched_[u] = 0;
        BookTotals& now = sums_[u];
        if (now.positions == 0 && folded_[u].positions == 0) continue;
        now.delta_cash = now.positions > 0 && std::isfinite(spots[u]) ? now.delta * spots[u] : 0.0;
        BookTotals& old = folded_[u];
        add(all_, now, 1.0);
        add(all_, old, -1.0);
        all_.delta_cash += now.delta_cash - old.delta_cash;
        all_.positions += now.positions - old.positions;
        all_.priced += now.priced - old.priced;
        old = now;
    }
    touched_count_ = 0;
}

}  // namespace atalanta::streaming
