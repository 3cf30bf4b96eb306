// What a batch goes through after the market-data stage: pricing, risk, the judgement of its latencies, and
// the ways out.
#include <algorithm>

#include "streaming/engine.hpp"

namespace atalanta::streaming {
namespace {

std::uint32_t as_u32(std::uint64_t ns) noexcept {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(ns, ~std::uint32_t{0}));
}

std::uint64_t since(std::uint64_t from, std::uint64_t now) noexcept {
    return now > from ? now - from : 0;
}

constexpr std::uint32_t kLateFlags[kStages] = {kLateMarket, kLatePricing, kLateRisk};

}  // namespace

// The end of the market-data stage. Its policy `degrade` goes on with the forwards there are when it is late.
void Engine::fit_forwards(std::uint64_t begin) noexcept {
    const Budget& budget = settings_.budgets[0];
    const bool late = item_count_ > 0 && since(items_[0].intended_ns, begin) > budget.ns;
    if (!late || budget.on_miss != OnMiss::degrade) return market_.fit_forwards(tally_);
    for (std::size_t i = 0; i < item_count_; ++i) {
        Result& item = items_[i];
        if (!universe_.is_contract(item.key)) continue;
        if (!market_.forwards().is_due(universe_.group[universe_.contract_of(item.key)])) continue;
        item.flags |= kDegraded;
        ++tally_.degraded;
    }
    market_.forwards().skip_due();
}

void Engine::price(std::uint64_t now) noexcept {
    const Budget& budget = settings_.budgets[1];
    for (const std::uint32_t group : market_.forwards().moved()) pricing_.take_forward(group);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < item_count_; ++i) {
        Result& item = items_[i];
        const bool late = since(item.intended_ns, now) > budget.ns;
        if (late && budget.on_miss == OnMiss::drop) {
            ++tally_.dropped[static_cast<std::size_t>(Drop::late)];
            tell_lost(item.key, item.ticket);
            continue;
        }
        if (pricing_.is_full()) hand_over(now);
        // Results keep their order and place; what was gathered points to them, so a hole is closed first.
        Result& place = items_[kept++];
        if (&place != &item) place = item;
        if (!universe_.is_contract(place.key)) moved_[moved_count_++] = place.key;
        pricing_.take(place, late && budget.on_miss == OnMiss::degrade);
    }
    item_count_ = kept;
    pricing_.flush();
}

// There is no room to note further changes: the next stage takes those there are.
void Engine::hand_over(std::uint64_t now) noexcept {
    pricing_.flush();
    if (settings_.stages >= 3) run_risk(now);
    for (std::size_t i = 0; i < outlet_count_.load(std::memory_order_acquire); ++i) {
        if (outlets_[i]->wanted() == Wanted::with_refreshed) publish_refreshed(*outlets_[i]);
    }
    pricing_.begin(tally_);
    moved_count_ = 0;
}

RiskBatch Engine::everything() noexcept {
    return {universe_, pricing_.columns(), market_.spots(), {}, {}, 0, market_.forwards(), false};
}

void Engine::run_risk(std::uint64_t now) noexcept {
    const Budget& budget = settings_.budgets[2];
    const bool late = item_count_ > 0 && since(items_[0].intended_ns, now) > budget.ns;
    const RiskBatch batch{universe_,
                          pricing_.columns(),
                          market_.spots(),
                          pricing_.changed(),
                          {moved_.data(), moved_count_},
                          item_count_ > 0 ? items_[item_count_ - 1].time_ns : 0,
                          market_.forwards(),
                          late && budget.on_miss == OnMiss::degrade};
    if (batch.changed.empty() && batch.moved.empty()) return;
    for (std::size_t i = 0; i < risk_count_; ++i) risks_[i].run(risks_[i].state, batch);
    if (batch.cheaply) {
        for (std::size_t i = 0; i < item_count_; ++i) items_[i].flags |= kDegraded;
        tally_.degraded += item_count_;
    }
    publish_book();
}

void Engine::finish(const Moment& moment) noexcept {
    if (item_count_ == 0) return;
    const std::uint64_t ends[kStages] = {moment.market, moment.pricing, moment.risk};
    const std::uint64_t begins[kStages] = {moment.begin, moment.market, moment.pricing};
    bool missed = false;
    for (std::size_t stage = 0; stage < settings_.stages; ++stage) {
        const std::uint64_t end = ends[stage], budget = settings_.budgets[stage].ns;
        latencies_[stage].service.record(end - begins[stage], item_count_);
        HistogramRun totals(latencies_[stage].total);
        for (std::size_t i = 0; i < item_count_; ++i) {
            const std::uint64_t total = since(items_[i].intended_ns, end);
            totals.record(total);
            items_[i].latency_ns = as_u32(total);  // of the last stage in the end
            if (total <= budget) continue;
            judge(items_[i], stage, end);
            missed = true;
        }
    }
    if (!missed && mode_ == Mode::conflating) conflate_until_recovered_ = false;
}

// A result that missed the budget of a stage.
void Engine::judge(Result& result, std::size_t stage, std::uint64_t end) noexcept {
    const Budget& budget = settings_.budgets[stage];
    ++tally_.late[stage];
    result.flags |= kLateFlags[stage];
    result.lateness_ns = as_u32(since(result.intended_ns, end) - budget.ns);
    const bool sender = result.intended_ns < sender_stall_end_ns_.load(std::memory_order_relaxed);
    if (sender || stalls_.explains(result.intended_ns, end, tally_)) {
        ++tally_.late_by_stall[stage];
        result.flags |= kOsStall;
    }
    if (budget.on_miss == OnMiss::conflate) conflate_until_recovered_ = true;
    if (budget.on_miss == OnMiss::halt && tally_.halted_stage == 0) {
        tally_.halted_stage = stage + 1;
        halted_.store(true, std::memory_order_relaxed);
    }
}

void Engine::publish() noexcept {
    for (std::size_t i = 0; i < outlet_count_.load(std::memory_order_acquire); ++i) {
        Outlet& outlet = *outlets_[i];
        if (outlet.is_closed() || (outlet.wanted() == Wanted::tickets && !tickets_)) continue;
        outlet.offer(items_.data(), item_count_);
        if (outlet.wanted() == Wanted::with_refreshed) publish_refreshed(outlet);
        outlet.end_of_batch();
        if (halted_.load(std::memory_order_relaxed)) outlet.close();
    }
}

// A result for each contract that changed without an event of its own.
void Engine::publish_refreshed(Outlet& outlet) noexcept {
    const auto underlyings = static_cast<std::uint32_t>(universe_.underlyings.size());
    const ContractColumns all = pricing_.columns();
    std::size_t count = 0;
    for (const Range& range : pricing_.changed()) {
        if (range.count == 1) continue;  // of a quote
        const std::uint32_t underlying = universe_.groups[universe_.group[range.first]].underlying;
        for (std::uint32_t c = range.first; c < range.first + range.count; ++c) {
            const Quote& quote = market_.quote(underlyings + c);
            Result& row = refreshed_[count++];
            row = {};
            row.time_ns = quote.time_ns;
            row.key = underlyings + c;
            row.flags = pricing_.contract_flags(c) | kRefreshed;
            row.bid = quote.bid;
            row.ask = quote.ask;
            row.spot = market_.spot(underlying);
            row.vol = all.vol[c];
            row.price = all.price[c];
            row.delta = all.delta[c];
            row.gamma = all.gamma[c];
            row.vega = all.vega[c];
            row.theta = all.theta[c];
            if (count == refreshed_.size()) outlet.offer(refreshed_.data(), std::exchange(count, 0));
        }
    }
    outlet.offer(refreshed_.data(), count);
}

void Engine::clear_histograms() noexcept {
    queue_wait_.clear();
    for (StageLatency& latency : latencies_) {
        latency.service.clear();
        latency.total.clear();
    }
}

}  // namespace atalanta::streaming
