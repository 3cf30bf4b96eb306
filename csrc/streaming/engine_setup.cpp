// What an engine is made of, its ways in and out, and the reading of its account.
#include <algorithm>
#include <stdexcept>

#include "streaming/engine.hpp"

namespace atalanta::streaming {
namespace {

template <class Values>
Universe checked(Values&& universe) {
    universe.check();
    return std::forward<Values>(universe);
}

}  // namespace

Engine::Engine(Universe universe, const Settings& settings, const Tolerance& tolerance,
               std::span<const RiskStage> further)
    : universe_(checked(std::move(universe))),
      settings_(settings),
      drop_after_ns_(settings.budgets[0].on_miss == OnMiss::drop ? settings.budgets[0].ns
                                                                 : std::numeric_limits<std::uint64_t>::max()),
      market_(universe_, settings_),
      refresher_(universe_, tolerance),
      pricing_(universe_, settings_, market_, refresher_),
      positions_(universe_),
      stalls_(settings_.stall_ns) {
    risks_[risk_count_++] = positions_.stage();
    if (further.size() >= kMostRiskStages)
        throw std::invalid_argument("there are more than 4 further risk stages, the scenario ladder counted");
    for (const RiskStage& stage : further) risks_[risk_count_++] = stage;
    check();
    items_.resize(std::max(settings_.batch, settings_.most_conflated));
    moved_.resize(items_.size());
    refreshed_.resize(256);
    slots_.resize(universe_.keys());
}

Engine::~Engine() {
    stop(false);
    for (std::size_t i = 0; i < outlet_count_.load(); ++i) outlets_[i]->close();
}

void Engine::check() const {
    const auto require = [](bool holds, const char* message) {
        if (!holds) throw std::invalid_argument(message);
    };
    for (const Budget& budget : settings_.budgets) require(budget.ns > 0, "a budget is 0; it must be above");
    require(settings_.budgets[0].on_miss != OnMiss::degrade || market_.forwards().any(),
            "market_data cannot degrade: all it can leave out is fitting forwards, and none is fitted here; "
            "use mark_late, drop, conflate or halt");
    bool cheaper = false;
    for (const RiskStage& stage : risks_) cheaper |= stage.has_cheaper;
    require(settings_.budgets[2].on_miss != OnMiss::degrade || cheaper,
            "risk cannot degrade: no stage has a cheaper method; use mark_late, drop, conflate or halt");
    require(settings_.budgets[2].on_miss != OnMiss::drop,
            "risk cannot drop: what is priced has changed the book; use mark_late, conflate or halt");
    require(settings_.stages >= 1 && settings_.stages <= kStages, "stages must be 1, 2 or 3");
    require(settings_.batch > 0 && settings_.rows > 0 && settings_.most_conflated > 0 && settings_.ring > 0,
            "batch, rows, most_conflated and ring must be above 0");
    const Watermarks& marks = settings_.watermarks;
    require(marks.normal < marks.conflate && marks.conflate < marks.shed && marks.unshed < marks.shed &&
                marks.normal <= marks.unshed,
            "watermarks must be normal < conflate < shed, and unshed between normal and shed");
}

Producer& Engine::add_producer() {
    const std::lock_guard lock(growing_);
    const std::size_t count = producer_count_.load();
    if (count == kMostProducers) throw std::length_error("there are 16 producers already");
    producers_[count] = std::make_unique<Producer>(*this, settings_.ring);
    producer_count_.store(count + 1, std::memory_order_release);
    return *producers_[count];
}

std::shared_ptr<Outlet> Engine::add_outlet(std::size_t capacity, Wanted wanted) {
    const std::lock_guard lock(growing_);
    const std::size_t count = outlet_count_.load();
    for (std::size_t i = 0; i < count; ++i) {
        if (!outlets_[i]->is_closed()) continue;
        auto fresh = std::make_shared<Outlet>(capacity, wanted);
        std::pair<std::shared_ptr<Outlet>*, std::shared_ptr<Outlet>*> both{&outlets_[i], &fresh};
        between_batches(
            [](void* state) {
                auto& [old, other] = *static_cast<decltype(both)*>(state);
                std::swap(*old, *other);
            },
            &both);
        return outlets_[i];
    }
    if (count == kMostOutlets) throw std::length_error("there are 16 consumers already");
    outlets_[count] = std::make_shared<Outlet>(capacity, wanted);
    outlet_count_.store(count + 1, std::memory_order_release);
    return outlets_[count];
}

std::size_t Producer::push(const Event* events, std::size_t count) noexcept {
    const bool halted = engine_.halted_.load(std::memory_order_relaxed);
    const std::size_t taken = halted ? 0 : ring_.push(events, count);
    if (taken < count) refuse(count - taken);
    if (taken > 0) engine_.wake_if_parked();
    return taken;
}

void Producer::sending(std::uint64_t intended_ns, std::uint64_t now) noexcept {
    if (now > intended_ns + engine_.settings().stall_ns) engine_.sender_stalled(now);
}

void Producer::refuse(std::size_t count) noexcept {
    const bool halted = engine_.halted_.load(std::memory_order_relaxed);
    std::atomic<std::uint64_t>& counted = halted ? refused_halted_ : refused_;
    counted.store(counted.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
}

Account Engine::account() const noexcept {
    Account all;
    all.tally = published_.read();  // first: what was taken is in the rings' counts that are read below
    all.out = all.tally.out;
    all.conflated = all.tally.conflated;
    all.expired = all.tally.expired;
    all.dropped = all.tally.dropped;
    std::uint64_t pushed = 0, full = 0, halted = 0;
    for (std::size_t i = 0; i < producer_count_.load(std::memory_order_acquire); ++i) {
        pushed += producers_[i]->ring_.pushed();
        full += producers_[i]->refused_.load(std::memory_order_relaxed);
        halted += producers_[i]->refused_halted_.load(std::memory_order_relaxed);
    }
    all.dropped[static_cast<std::size_t>(Drop::full)] += full;
    all.dropped[static_cast<std::size_t>(Drop::halted)] += halted;
    all.in = pushed + full + halted;
    all.in_flight = pushed - all.tally.taken;
    return all;
}

}  // namespace atalanta::streaming
