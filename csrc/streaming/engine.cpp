#include "streaming/engine.hpp"

#include <algorithm>

#include "base/monotonic.hpp"

namespace atalanta::streaming {
namespace {

// An event may come in while a batch is drained, after its beginning; what is further ahead has a wrong
// clock.
constexpr std::uint64_t kEarly = 1'000'000;

std::uint64_t since(std::uint64_t from, std::uint64_t now) noexcept {
    return now > from ? now - from : 0;
}

}  // namespace

std::size_t Engine::pump() noexcept {
    const std::lock_guard lock(turning_);
    if (is_running()) return 0;
    std::size_t all = 0;
    while (const std::size_t taken = turn()) all += taken;
    return all;
}

std::size_t Engine::turn() noexcept {
    const std::uint64_t begin = monotonic_ns();
    stalls_.look(begin, watched_, tally_);
    watched_ = false;
    pricing_.begin(tally_);
    market_.forwards().begin();
    moved_count_ = 0;
    item_count_ = 0;
    rows_ = 0;
    tickets_ = false;
    ++batch_;
    const bool refreshed = settings_.stages >= 2 && pricing_.take_exact();
    const std::size_t taken = drain(begin);
    if (taken == 0 && !refreshed) {
        if (tally_.mode != static_cast<std::uint64_t>(mode_)) publish_tally();
        return 0;
    }
    if (!market_.forwards().due().empty()) fit_forwards(begin);
    Moment moment{begin, monotonic_ns(), 0, 0};
    if (settings_.stages >= 2) price(moment.market);
    moment.pricing = settings_.stages >= 2 ? monotonic_ns() : moment.market;
    if (settings_.stages >= 3) run_risk(moment.pricing);
    moment.risk = settings_.stages >= 3 ? monotonic_ns() : moment.pricing;
    finish(moment);
    publish();
    tally_.out += item_count_;
    tally_.taken += taken;
    ++tally_.batches;
    publish_tally();
    stalls_.done(moment.risk);
    return taken;
}

void Engine::publish_tally() noexcept {
    tally_.mode = static_cast<std::uint64_t>(mode_);
    published_.publish(tally_);
}

std::size_t Engine::drain(std::uint64_t now) noexcept {
    const std::size_t rings = producer_count_.load(std::memory_order_acquire);
    std::size_t waiting = 0, busy = 0;
    for (std::size_t i = 0; i < rings; ++i) {
        const std::size_t here = producers_[i]->ring_.waiting();
        waiting += here;
        busy += here > 0;
    }
    choose_mode(waiting);
    if (waiting == 0) return 0;
    if (halted_.load(std::memory_order_relaxed)) {
        return discard_all();
    }
    const bool conflating = mode_ != Mode::normal;
    const std::size_t most = conflating ? settings_.most_conflated : settings_.batch;
    const std::size_t each = std::max<std::size_t>(1, most / busy);
    std::size_t taken = 0;
    for (std::size_t i = 0; i < rings && taken < most; ++i) {
        Ring<Event>& ring = producers_[(next_ring_ + i) % rings]->ring_;
        taken += drain_ring(ring, std::min(each, most - taken), now);
    }
    next_ring_ = (next_ring_ + 1) % rings;
    return taken;
}

inline void Engine::take(const Event& event, std::uint64_t now, HistogramRun& waits) noexcept {
    const std::uint64_t waited = since(event.intended_ns, now);
    waits.record(waited);
    if (waited == 0 && event.intended_ns > now + kEarly) ++tally_.early;
    if (event.ticket != 0) tickets_ = true;
    std::uint32_t flags = 0;
    if (market_.judge(event, tally_, flags) != Verdict::go) return tell_lost(event.key, event.ticket);
    if (waited > drop_after_ns_) return drop(event, Drop::late);
    if (mode_ == Mode::shedding && is_shed(event)) return drop(event, Drop::shed);
    if ((mode_ != Mode::normal || settings_.conflate_always) && may_conflate(event)) {
        Slot& slot = slots_[event.key];
        if (slot.batch == batch_) {  // the latest wins, in the place of the one before
            const std::uint32_t merged = items_[slot.item].merged + 1;
            tell_lost(event.key, items_[slot.item].ticket);
            market_.apply(event, flags, tally_, items_[slot.item]);
            items_[slot.item].merged = merged;
            ++tally_.conflated;
            return;
        }
        slot = {batch_, static_cast<std::uint32_t>(item_count_)};
    }
    market_.apply(event, flags, tally_, items_[item_count_++]);
    rows_ += pricing_.fan_out(event.key);
}

std::size_t Engine::drain_ring(Ring<Event>& ring, std::size_t most, std::uint64_t now) noexcept {
    HistogramRun waits(queue_wait_);
    const std::size_t rows = rows_at_a_time();
    std::size_t taken = 0;
    while (taken < most && rows_ < rows) {
        std::size_t count = 0;
        const Event* events = ring.peek(count);
        count = std::min(count, most - taken);
        if (count == 0) break;
        std::size_t done = 0;
        while (done < count && rows_ < rows) take(events[done++], now, waits);
        ring.consume(done);
        taken += done;
    }
    return taken;
}

void Engine::drop(const Event& event, Drop why) noexcept {
    ++tally_.dropped[static_cast<std::size_t>(why)];
    tell_lost(event.key, event.ticket);
}

// Whoever waits for an event hears that no result will come.
void Engine::tell_lost(std::uint32_t key, std::uint32_t ticket) noexcept {
    if (ticket == 0) return;
    Result lost{};
    lost.key = key;
    lost.ticket = ticket;
    lost.flags = kLost;
    for (std::size_t i = 0; i < outlet_count_.load(std::memory_order_acquire); ++i) {
        if (outlets_[i]->wanted() != Wanted::tickets) continue;
        outlets_[i]->offer(&lost, 1);
        outlets_[i]->end_of_batch();
    }
}

bool Engine::may_conflate(const Event& event) const noexcept {
    if (event.kind != Kind::quote) return false;
    return settings_.conflate == Conflate::quotes ||
           (settings_.conflate == Conflate::unsequenced && event.sequence == 0);
}

bool Engine::is_shed(const Event& event) const noexcept {
    return may_conflate(event) && universe_.is_contract(event.key) && !positions_.needs(event.key);
}

void Engine::choose_mode(std::size_t waiting) noexcept {
    const Watermarks& marks = settings_.watermarks;
    Mode next = mode_;
    if (waiting >= marks.shed) {
        next = Mode::shedding;
    } else if (mode_ == Mode::shedding && waiting <= marks.unshed) {
        next = Mode::conflating;
    } else if (mode_ == Mode::normal && (waiting >= marks.conflate || conflate_until_recovered_)) {
        next = Mode::conflating;
    } else if (mode_ == Mode::conflating && waiting <= marks.normal && !conflate_until_recovered_) {
        next = Mode::normal;
    }
    tally_.mode_changes += next != mode_;
    mode_ = next;
}

// What waits goes nowhere, and is counted.
std::size_t Engine::discard_all() noexcept {
    std::size_t discarded = 0;
    for (std::size_t i = 0; i < producer_count_.load(std::memory_order_acquire); ++i) {
        Ring<Event>& ring = producers_[i]->ring_;
        std::size_t count = 0;
        for (ring.peek(count); count > 0; ring.peek(count)) {
            ring.consume(count);
            discarded += count;
        }
    }
    tally_.dropped[static_cast<std::size_t>(Drop::halted)] += discarded;
    return discarded;
}

}  // namespace atalanta::streaming
