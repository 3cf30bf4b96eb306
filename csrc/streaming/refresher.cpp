#include "streaming/refresher.hpp"

#include <chrono>
#include <cmath>

namespace atalanta::streaming {
namespace {

// Dividends of an underlying as seen from a moment.
struct Schedule {
    std::vector<double> years, cash;
    std::size_t offsets[2] = {0, 0};
    std::int32_t index = 0;

    Schedule(const Underlying& underlying, std::int64_t now_ns) {
        for (std::size_t d = 0; d < underlying.ex_ns.size(); ++d) {
            if (underlying.ex_ns[d] <= now_ns) continue;
            years.push_back(static_cast<double>(underlying.ex_ns[d] - now_ns) / kYearNs);
            cash.push_back(underlying.cash[d]);
        }
        offsets[1] = years.size();
        if (years.empty()) index = -1;
    }
    DividendSchedules view() const noexcept {
        return {years.empty() ? 0U : 1U, offsets, years.data(), cash.data(), {&index, true}};
    }
};

}  // namespace

Refresher::Refresher(const Universe& universe, const Tolerance& tolerance)
    : universe_(universe), tolerance_(tolerance), slots_(universe.groups.size()) {
    for (std::size_t g = 0; g < slots_.size(); ++g) {
        if (!universe.groups[g].american) continue;
        slots_[g] = std::make_unique<Slot>();
        slots_[g]->group = static_cast<std::uint32_t>(g);
        slots_[g]->mids.resize(universe.groups[g].count);
        slots_[g]->vols.resize(universe.groups[g].count);
    }
}

Refresher::~Refresher() {
    stop();
    for (const auto& slot : slots_) {
        if (slot == nullptr) continue;
        delete slot->current;
        delete slot->fresh.load();
        delete slot->retired.load();
    }
}

bool Refresher::ask(std::uint32_t group, std::int64_t time_ns, double spot, const double* mids,
                    const double* vols) noexcept {
    Slot& slot = *slots_[group];
    if (slot.state.load(std::memory_order_acquire) != idle) return false;
    // What the last request has brought is taken first: so no solve is ever replaced unseen.
    if (slot.fresh.load(std::memory_order_relaxed) != nullptr) return false;
    slot.time_ns = time_ns;
    slot.spot = spot;
    for (std::size_t i = 0; i < slot.mids.size(); ++i) {
        slot.mids[i] = mids[i];
        slot.vols[i] = vols[i];
    }
    slot.state.store(asked, std::memory_order_release);
    return true;
}

const ExactSolve* Refresher::take(std::uint32_t group) noexcept {
    Slot& slot = *slots_[group];
    if (slot.fresh.load(std::memory_order_relaxed) == nullptr) return nullptr;
    // The last one goes back to be freed: that place is empty, since a solve empties it before it is
    // published.
    slot.retired.store(slot.current, std::memory_order_release);
    slot.current = slot.fresh.exchange(nullptr, std::memory_order_acq_rel);
    return slot.current;
}

std::unique_ptr<ExactSolve> Refresher::solve(const Slot& slot) const {
    const Group& group = universe_.groups[slot.group];
    const std::size_t count = group.count;
    const Schedule schedule(universe_.underlyings[group.underlying], slot.time_ns);
    const Terms terms{Exercise::american, schedule.view(), tolerance_};
    const double years = static_cast<double>(group.expires_ns - slot.time_ns) / kYearNs;
    const Column<std::int8_t> right{universe_.right.data() + group.first, false};
    const Column<double> spot{&slot.spot, true}, strike{universe_.strike.data() + group.first, false},
        time{&years, true}, rate{&group.rate, true}, yield{&group.yield, true};
    std::vector<double> vol(count), vega(count);
    implied_vol(QuotedRows{count, {slot.mids.data(), false}, right, spot, strike, time, rate, yield}, terms,
                slot.vols.data(), vol.data(), nullptr, 1);
    for (std::size_t i = 0; i < count; ++i) {
        if (std::isnan(vol[i])) vol[i] = slot.vols[i];
    }
    const OptionRows rows{count, right, spot, strike, time, rate, yield, {vol.data(), false}};
    GreekColumns out{};
    out.data[static_cast<std::size_t>(Greek::vega)] = vega.data();
    greeks(rows, terms, out, nullptr, 1);
    Ladders ladders(rows, terms, 1);
    return std::make_unique<ExactSolve>(
        ExactSolve{slot.time_ns, slot.spot, std::move(vol), std::move(vega), std::move(ladders)});
}

std::size_t Refresher::solve_waiting() noexcept {
    const std::lock_guard lock(solving_);
    std::size_t solved = 0;
    for (const auto& slot : slots_) {
        if (slot == nullptr || slot->state.load(std::memory_order_acquire) != asked) continue;
        slot->state.store(solving, std::memory_order_relaxed);
        delete slot->retired.exchange(nullptr, std::memory_order_acq_rel);
        try {
            slot->fresh.store(solve(*slot).release(), std::memory_order_release);
            ++solved;
            solved_.fetch_add(1, std::memory_order_release);
        } catch (const std::exception&) {  // no memory: the contracts keep what they have, and ask again
            failures_.fetch_add(1, std::memory_order_relaxed);
        }
        slot->state.store(idle, std::memory_order_release);
    }
    return solved;
}

bool Refresher::is_idle() const noexcept {
    for (const auto& slot : slots_) {
        if (slot != nullptr && slot->state.load(std::memory_order_acquire) != idle) return false;
    }
    return true;
}

void Refresher::start() {
    if (thread_.joinable()) return;
    bool needed = false;
    for (const auto& slot : slots_) needed |= slot != nullptr;
    if (!needed) return;
    stopping_.store(false);
    thread_ = std::thread([this] { run(); });
}

void Refresher::stop() noexcept {
    if (!thread_.joinable()) return;
    stopping_.store(true);
    thread_.join();
}

void Refresher::run() noexcept {
    while (!stopping_.load(std::memory_order_relaxed)) {
        if (solve_waiting() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

}  // namespace atalanta::streaming
