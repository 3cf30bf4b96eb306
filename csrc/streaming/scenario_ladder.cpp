#include "streaming/scenario_ladder.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

#include "base/monotonic.hpp"

namespace atalanta::streaming {
namespace {

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
    request.scale.resize(of->size());
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
        request.scale[i] = present_scale(batch, holding_.of->contract[i]);
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

// In a market that asks again and again it rests three times as long as it solves: a quarter of a processor.
void ScenarioLadder::run_thread() noexcept {
    constexpr std::uint64_t kLook = 1'000'000, kRest = 3, kLongestRest = 1'000'000'000;
    std::uint64_t rests_until = 0;
    while (!stopping_.load(std::memory_order_relaxed)) {
        const std::uint64_t begun = monotonic_ns();
        if (begun >= rests_until && solve_waiting()) {
            const std::uint64_t ended = monotonic_ns();
            rests_until = ended + std::min(kRest * (ended - begun), kLongestRest);
        } else {
            std::this_thread::sleep_for(std::chrono::nanoseconds(kLook));
        }
    }
}

}  // namespace atalanta::streaming
