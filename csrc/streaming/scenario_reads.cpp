// The scenario ladder at a batch: which contracts are read, and what the cells are.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "streaming/scenario_ladder.hpp"

namespace atalanta::streaming {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
// A contract that corrects the sums is read again when the spot has moved so far since.
constexpr double kReadAgain = 1e-3;
// A forward that is fitted again is the same as before within this share.
constexpr double kSameScale = 1e-6;

}  // namespace

// The volatility of a contract, or what it is priced on, may have changed.
void ScenarioLadder::note(std::uint32_t contract, const RiskBatch& batch) noexcept {
    const std::int32_t place = holding_.of->place[contract];
    if (place < 0) return;
    const double vol = batch.contracts.vol[contract];
    const bool known = vol > 0.0 && std::isfinite(vol);  // else the last one stays
    ScenarioBuild& build = *holding_.build;
    const auto held = static_cast<std::size_t>(place);
    if (build.row[held] < 0) {  // it was left out
        far_ |= known && holding_.of->expires_ns[held] > time_ns_ &&
                std::isfinite(build.spot[static_cast<std::size_t>(holding_.of->underlying[held])]);
        return;
    }
    const auto row = static_cast<std::uint32_t>(build.row[held]);
    const double scale = present_scale(batch, contract);
    const bool rescaled = std::fabs(scale / build.scale[row] - 1.0) > kSameScale;
    if (!rescaled && (!known || vol == build.vol[row])) return;
    if (known) build.vol[row] = vol;
    if (rescaled) build.scale[row] = scale;
    far_ |= std::fabs(build.vol[row] / build.row_vol[row] - 1.0) > terms_.vol_tolerance;
    enqueue(row);
}

// Contracts that are in no sum are read at every spot; those that correct the sums when it has moved further.
void ScenarioLadder::note_moved(std::uint32_t underlying, const RiskBatch& batch) noexcept {
    touch(underlying);
    if (holding_.build == nullptr) return;
    ScenarioBuild& build = *holding_.build;
    const double now = ratio(underlying, batch);
    far_ |= std::fabs(now - 1.0) > 0.5 * terms_.spot_drift;
    far_ |= std::isnan(build.spot[underlying]) && std::isfinite(batch.spots[underlying]);
    for (std::size_t row = build.first[underlying]; row < build.first[underlying + 1]; ++row) {
        const double read = build.read_ratio[row];
        const bool corrects = !std::isnan(read) && std::fabs(now / read - 1.0) > kReadAgain;
        const bool alone = !build.sums->holds(row) && now != read;
        if (alone && !batch.cheaply) {
            read_row(static_cast<std::uint32_t>(row), batch);
        } else if (corrects || alone) {
            enqueue(static_cast<std::uint32_t>(row));
        }
    }
}

void ScenarioLadder::enqueue(std::uint32_t row) noexcept {
    ScenarioBuild& build = *holding_.build;
    if (build.queued[row] != 0) return;
    build.queued[row] = 1;
    build.queue[(build.queue_begin + build.queue_count++) % build.rows()] = row;
}

void ScenarioLadder::read_queue(std::size_t most, const RiskBatch& batch) noexcept {
    if (holding_.build == nullptr) return;
    ScenarioBuild& build = *holding_.build;
    for (std::size_t i = std::min(most, build.queue_count); i > 0; --i) {
        const std::uint32_t row = build.queue[build.queue_begin];
        build.queue_begin = (build.queue_begin + 1) % build.rows();
        --build.queue_count;
        build.queued[row] = 0;
        read_row(row, batch);
    }
}

// What a contract is worth in every cell beyond what is in the sums of its ladders.
void ScenarioLadder::read_row(std::uint32_t row, const RiskBatch& batch) noexcept {
    ScenarioBuild& build = *holding_.build;
    const auto u = static_cast<std::uint32_t>(holding_.of->underlying[build.held[row]]);
    const double at = ratio(u, batch), spot = build.row_spot[row] * at;
    const std::size_t cells = terms_.cells(), vols = shocked_.size();
    const auto read = [&](double vol, double by, std::vector<double>& out) {
        for (std::size_t s = 0; s < spots_.size(); ++s) spots_[s] = spot * by * (1.0 + terms_.spot_shocks[s]);
        shock_vol(terms_, vol, shocked_.data());
        build.ladders->values(row, spots_.data(), spots_.size(), shocked_.data(), 0, vols, out.data());
    };
    read(build.vol[row], build.scale[row] / build.row_scale[row], now_);
    if (build.sums->holds(row)) {
        read(build.row_vol[row], 1.0, before_);
    } else {
        std::fill(before_.begin(), before_.end(), 0.0);
    }
    double* const part = build.part.data() + row * cells;
    double* const parts = build.parts.data() + u * cells;
    touch(u);
    // Beyond its ladders a contract keeps what was read last, until there are new ones.
    const bool reached = std::all_of(now_.begin(), now_.end(), [](double v) { return std::isfinite(v); });
    build.out_of_reach += static_cast<std::size_t>(!reached);
    build.out_of_reach -= std::exchange(build.unread[row], reached ? 0 : 1);
    if (!reached) return;
    build.read_ratio[row] = at;
    for (std::size_t i = 0; i < cells; ++i) {
        const double fresh = build.weight[row] * (now_[i] - before_[i]);
        parts[i] += fresh - std::exchange(part[i], fresh);
    }
}

double ScenarioLadder::ratio(std::uint32_t underlying, const RiskBatch& batch) const noexcept {
    return batch.spots[underlying] / holding_.build->spot[underlying];
}

void ScenarioLadder::touch(std::uint32_t underlying) noexcept {
    if (is_touched_[underlying] != 0) return;
    is_touched_[underlying] = 1;
    touched_[touched_count_++] = underlying;
}

void ScenarioLadder::add_up_touched(const RiskBatch& batch) noexcept {
    for (std::size_t i = 0; i < touched_count_; ++i) {
        is_touched_[touched_[i]] = 0;
        add_up(touched_[i], batch);
    }
    touched_count_ = 0;
}

void ScenarioLadder::add_up(std::uint32_t u, const RiskBatch& batch) noexcept {
    const ScenarioHoldings& of = *holding_.of;
    const std::size_t cells = terms_.cells(), vols = terms_.vol_shocks.size();
    double* const pnl = pnl_.data() + u * cells;
    const double shares = of.shares[u] == 0.0 ? 0.0 : of.shares[u] * batch.spots[u];
    value_[u] = shares;
    if (of.first[u] == of.first[u + 1]) {
        std::fill(pnl, pnl + cells, 0.0);
    } else if (holding_.build == nullptr || !holding_.build->sums->reaches(ratio(u, batch))) {
        std::fill(pnl, pnl + cells, kNone);
        value_[u] = kNone;
    } else {
        const ScenarioBuild& build = *holding_.build;
        build.sums->read(u, ratio(u, batch), pnl);
        for (std::size_t i = 0; i < cells; ++i) pnl[i] += build.parts[u * cells + i];
        const double base = pnl[still_];
        value_[u] += base;
        for (std::size_t i = 0; i < cells; ++i) pnl[i] -= base;
    }
    for (std::size_t i = 0; i < cells; ++i) pnl[i] += shares * terms_.spot_shocks[i / vols];
}

}  // namespace atalanta::streaming
