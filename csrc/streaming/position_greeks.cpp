#include "streaming/position_greeks.hpp"

#include <cmath>

namespace atalanta::streaming {
namespace {

// Sums that are moved by differences drift by rounding: so often they are added up anew.
constexpr std::uint32_t kBatchesOfDifferences = 4096;

void add(BookTotals& sums, double value, double delta, double gamma, double vega, double theta,
         double sign) noexcept {
    sums.value += sign * value;
    sums.delta += sign * delta;
    sums.gamma += sign * gamma;
    sums.vega += sign * vega;
    sums.theta += sign * theta;
}

}  // namespace

PositionGreeks::PositionGreeks(const Universe& universe)
    : universe_(universe),
      quantity_(universe.keys(), 0.0),
      parts_(universe.keys()),
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

void PositionGreeks::exchange(BookTotals& sums, Part& old, const Part& now) noexcept {
    if (old.priced) add(sums, old.value, old.delta, old.gamma, old.vega, old.theta, -1.0);
    if (now.priced) add(sums, now.value, now.delta, now.gamma, now.vega, now.theta, 1.0);
    sums.priced += static_cast<std::uint64_t>(now.priced) - static_cast<std::uint64_t>(old.priced);
    old = now;
}

void PositionGreeks::renew(std::uint32_t contract, const RiskBatch& batch) noexcept {
    const auto key = static_cast<std::uint32_t>(universe_.underlyings.size()) + contract;
    const std::uint32_t underlying = universe_.groups[universe_.group[contract]].underlying;
    const double size = quantity_[key] * universe_.multiplier[contract];
    const ContractColumns& all = batch.contracts;
    Part now{size * all.price[contract], size * all.delta[contract], size * all.gamma[contract],
             size * all.vega[contract],  size * all.theta[contract], false};
    now.priced = std::isfinite(now.value + now.delta + now.gamma + now.vega + now.theta);
    exchange(sums_[underlying], parts_[key], now);
    touch(underlying);
}

void PositionGreeks::move(std::uint32_t underlying, const RiskBatch& batch) noexcept {
    if (quantity_[underlying] != 0.0) {
        Part now{
            quantity_[underlying] * batch.spots[underlying], quantity_[underlying], 0.0, 0.0, 0.0, false};
        now.priced = std::isfinite(now.value);
        exchange(sums_[underlying], parts_[underlying], now);
    }
    touch(underlying);
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
            add(sums, part.value, part.delta, part.gamma, part.vega, part.theta, 1.0);
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
        add(all_, now.value - old.value, now.delta - old.delta, now.gamma - old.gamma, now.vega - old.vega,
            now.theta - old.theta, 1.0);
        all_.delta_cash += now.delta_cash - old.delta_cash;
        all_.positions += now.positions - old.positions;
        all_.priced += now.priced - old.priced;
        old = now;
    }
    touched_count_ = 0;
}

}  // namespace atalanta::streaming
