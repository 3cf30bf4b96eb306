#include "streaming/scenario_ladder.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

#include "base/monotonic.hpp"

namespace atalanta::streaming {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
// A contract that corrects the sums is read again when the spot has moved so far since.
constexpr double kReadAgain = 1e-3;

ScenarioTerms checked(ScenarioTerms terms) {
    terms.check();
    return terms;
}

}  // namespace

ScenarioLadder::Holding::Holding(std::shared_ptr<const ScenarioHoldings> held) : of(std::move(held)) {
    if (of == nullptr) return;
    request.of = of;
    request.spot.resize(of->underlyings.size());
    request.vol.resize(of->size());
}

ScenarioLadder::ScenarioLadder(ScenarioTerms terms, std::size_t underlyings)
    : terms_(checked(std::move(terms))),
      underlyings_(underlyings),
      still_(terms_.still()),
      holding_(nullptr),
      pnl_(underlyings * terms_.cells()),
      value_(underlyings),
      spots_(terms_.spot_shocks.size()),
      shocked_(terms_.vol_shocks.size()),
      now_(terms_.cells()),
      before_(terms_.cells()),
      touched_(underlyings),
      is_touched_(underlyings) {}

ScenarioLadder::~ScenarioLadder() {
    stop();
    delete fresh_.load();
    delete retired_.load();
}

void ScenarioLadder::run(void* state, const RiskBatch& batch) noexcept {
    auto& self = *static_cast<ScenarioLadder*>(state);
    if (batch.time_ns != 0) self.time_ns_ = batch.time_ns;
    if (self.holding_.of == nullptr) return;
    self.take_build(batch);
    if (self.holding_.build != nullptr) {
        for (const Range& range : batch.changed) {
            for (std::uint32_t c = range.first; c < range.first + range.count; ++c) self.note(c, batch);
        }
    }
    for (const std::uint32_t underlying : batch.moved) self.note_moved(underlying, batch);
    self.read_queue(batch.cheaply ? 0 : self.terms_.reads, batch);
    self.add_up_touched(batch);
    if (self.is_due()) self.ask(batch);
}

void ScenarioLadder::swap(Holding& next, const RiskBatch& all) noexcept {
    std::swap(holding_, next);  // what was asked for them is not solved: nobody else solves now
    state_.store(idle, std::memory_order_relaxed);
    far_ = false;
    for (std::uint32_t u = 0; u < underlyings_; ++u) touch(u);
    add_up_touched(all);
    if (is_due()) ask(all);
}

// What was solved for other positions goes back unused. That place is empty: a solve empties it first.
void ScenarioLadder::take_build(const RiskBatch& batch) noexcept {
    if (fresh_.load(std::memory_order_relaxed) == nullptr) return;
    ScenarioBuild* fresh = fresh_.exchange(nullptr, std::memory_order_acq_rel);
    if (fresh->of != holding_.of) return retired_.store(fresh, std::memory_order_release);
    retired_.store(holding_.build.release(), std::memory_order_release);
    holding_.build.reset(fresh);
    far_ = false;
    builds_.fetch_add(1, std::memory_order_relaxed);
    for (const std::uint32_t held : fresh->held) note(holding_.of->contract[held], batch);
    for (std::uint32_t u = 0; u < underlyings_; ++u) note_moved(u, batch);
}

// The volatility of a contract may have changed.
void ScenarioLadder::note(std::uint32_t contract, const RiskBatch& batch) noexcept {
    const std::int32_t place = holding_.of->place[contract];
    if (place < 0) return;
    const double vol = batch.contracts.vol[contract];
    if (!(vol > 0.0) || !std::isfinite(vol)) return;  // the last one stays
    ScenarioBuild& build = *holding_.build;
    const auto held = static_cast<std::size_t>(place);
    if (build.row[held] < 0) {  // it was left out
        far_ |= holding_.of->expires_ns[held] > time_ns_ &&
                std::isfinite(build.spot[static_cast<std::size_t>(holding_.of->underlying[held])]);
        return;
    }
    const auto row = static_cast<std::uint32_t>(build.row[held]);
    if (vol == build.vol[row]) return;
    build.vol[row] = vol;
    far_ |= std::fabs(vol / build.row_vol[row] - 1.0) > terms_.vol_tolerance;
    enqueue(row);
}

// Contracts that correct the sums, and those that are in none, are read again at another spot.
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
        if (corrects || alone) enqueue(static_cast<std::uint32_t>(row));
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
    for (std::size_t s = 0; s < spots_.size(); ++s) spots_[s] = spot * (1.0 + terms_.spot_shocks[s]);
    const auto read = [&](double vol, std::vector<double>& out) {
        shock_vol(terms_, vol, shocked_.data());
        build.ladders->values(row, spots_.data(), spots_.size(), shocked_.data(), 0, vols, out.data());
    };
    read(build.vol[row], now_);
    if (build.sums->holds(row)) {
        read(build.row_vol[row], before_);
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

bool ScenarioLadder::is_due() const noexcept {
    if (holding_.of == nullptr || holding_.of->size() == 0 || time_ns_ == 0) return false;
    const ScenarioBuild* build = holding_.build.get();
    return build == nullptr || far_ || time_ns_ - build->time_ns > terms_.refresh_after_ns ||
           time_ns_ >= build->next_expiry_ns;
}

void ScenarioLadder::ask(const RiskBatch& batch) noexcept {
    if (holding_.of == nullptr || holding_.of->size() == 0 || time_ns_ == 0) return;
    // What the last request has brought is taken first.
    if (state_.load(std::memory_order_acquire) != idle || fresh_.load(std::memory_order_relaxed) != nullptr)
        return;
    ScenarioRequest& request = holding_.request;
    request.time_ns = time_ns_;
    request.asked_ns = monotonic_ns();
    std::copy_n(batch.spots, underlyings_, request.spot.begin());
    for (std::size_t i = 0; i < request.vol.size(); ++i) {
        const double vol = batch.contracts.vol[holding_.of->contract[i]];
        const bool carried = holding_.build != nullptr && holding_.build->row[i] >= 0 && !(vol > 0.0);
        request.vol[i] =
            carried ? holding_.build->vol[static_cast<std::size_t>(holding_.build->row[i])] : vol;
    }
    far_ = false;
    state_.store(asked, std::memory_order_release);
}

void ScenarioLadder::catch_up(const RiskBatch& all) noexcept {
    if (holding_.of == nullptr) return;
    take_build(all);
    if (holding_.build != nullptr) {
        for (const std::uint32_t c : holding_.of->contract) note(c, all);
    }
    for (std::uint32_t u = 0; u < underlyings_; ++u) note_moved(u, all);
    read_queue(std::numeric_limits<std::size_t>::max(), all);
    add_up_touched(all);
}

ScenarioView ScenarioLadder::view() const noexcept {
    const ScenarioBuild* build = holding_.build.get();
    const std::size_t positions = holding_.of == nullptr ? 0 : holding_.of->size();
    return {pnl_.data(),
            value_.data(),
            builds_.load(std::memory_order_relaxed),
            build == nullptr ? 0 : build->time_ns,
            build == nullptr ? 0 : build->asked_ns,
            positions,
            build == nullptr ? positions : positions - build->rows(),
            build == nullptr ? 0 : build->queue_count + build->out_of_reach,
            failures_.load(std::memory_order_relaxed)};
}

bool ScenarioLadder::solve_waiting() noexcept {
    const std::lock_guard lock(solving_);
    if (state_.load(std::memory_order_acquire) != asked) return false;
    state_.store(solving, std::memory_order_relaxed);
    delete retired_.exchange(nullptr, std::memory_order_acq_rel);
    try {
        // The request stays as it is until this is idle again; positions are replaced under the lock.
        fresh_.store(solve_scenarios(holding_.request, terms_).release(), std::memory_order_release);
    } catch (const std::exception&) {  // no memory: what there is goes on being read, and is asked for again
        failures_.fetch_add(1, std::memory_order_relaxed);
    }
    state_.store(idle, std::memory_order_release);
    return true;
}

void ScenarioLadder::start() {
    if (thread_.joinable()) return;
    stopping_.store(false);
    thread_ = std::thread([this] { run_thread(); });
}

void ScenarioLadder::stop() noexcept {
    if (!thread_.joinable()) return;
    stopping_.store(true);
    thread_.join();
}

void ScenarioLadder::run_thread() noexcept {
    while (!stopping_.load(std::memory_order_relaxed)) {
        if (!solve_waiting()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

}  // namespace atalanta::streaming
