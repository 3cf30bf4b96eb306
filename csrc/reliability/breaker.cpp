#include "reliability/breaker.hpp"

#include <algorithm>

namespace atalanta::reliability {

Breaker::Breaker(const Rules& rules, std::shared_ptr<Alternatives> alternatives)
    : rules_(rules),
      counts_(rules.failure_ratio > 0.0 || (rules.slow_ratio > 0.0 && rules.slow_ns > 0)),
      bucket_ns_(std::max<std::uint64_t>(1, rules.window_ns / kBuckets)),
      alternatives_(std::move(alternatives)),
      failure_ns_(std::min(rules.consecutive, kMostConsecutive)) {
    hot_.word.store(pack(1, Mode::automatic, State::closed), std::memory_order_relaxed);
    if (alternatives_) alternatives_->join();
}

Breaker::~Breaker() {
    if (alternatives_ && state() == State::closed) alternatives_->leave();
}

Entry Breaker::enter(std::uint64_t now_ns) noexcept {
    const std::lock_guard lock(mutex_);
    if (mode() == Mode::disabled) return {kUncounted, {}};
    Outcome outcome;
    switch (state()) {
        case State::closed:
            return {generation(), {}};
        case State::open:
            if (mode() == Mode::forced_open || now_ns < until_ns_) break;
            change_to(State::half_open, Mode::automatic);
            outcome = {Change::half_opened, Cause::waited, generation(), 0};
            return {probe(now_ns), outcome};
        case State::half_open:
            if (probing_ < rules_.probes) return {probe(now_ns), {}};
            if (now_ns < until_ns_) break;
            give_probes_up();
            return {probe(now_ns), {}};
    }
    ++figures_.refused;
    return {kRefused, {}};
}

std::uint64_t Breaker::probe(std::uint64_t now_ns) noexcept {
    ++probing_;
    until_ns_ = now_ns + rules_.probe_timeout_ns;
    return generation();
}

// What was lost must not come back as a result either; what passed, passed.
void Breaker::give_probes_up() noexcept {
    const std::uint32_t passed = passed_;
    change_to(State::half_open, Mode::automatic);
    passed_ = passed;
}

Outcome Breaker::succeed(std::uint64_t permit, std::uint64_t now_ns, std::uint64_t took_ns,
                         double chance) noexcept {
    const std::lock_guard lock(mutex_);
    if (!learns(permit)) return {};
    const bool slow = is_slow(took_ns);
    if (state() == State::half_open) return probed(!slow, now_ns, chance);
    hot_.run.store(0, std::memory_order_relaxed);
    if (counts_) count(now_ns, false, slow);
    return slow ? trip(ratio_reached(), now_ns, chance) : Outcome{};
}

Outcome Breaker::fail(std::uint64_t permit, std::uint64_t now_ns, std::uint64_t took_ns,
                      double chance) noexcept {
    const std::lock_guard lock(mutex_);
    if (!learns(permit)) return {};
    ++figures_.failed;
    if (state() == State::half_open) return probed(false, now_ns, chance);
    if (counts_) count(now_ns, true, is_slow(took_ns));
    return trip(in_a_row(now_ns) ? Cause::consecutive : ratio_reached(), now_ns, chance);
}

void Breaker::cancel(std::uint64_t permit) noexcept {
    if (holds(permit)) return;  // closed: nothing is held
    const std::lock_guard lock(mutex_);
    if (learns(permit) && state() == State::half_open) --probing_;
}

// Whether a result belongs to the present; one of an open breaker belongs to the past, and so does one of a
// probe that has told how it ended.
bool Breaker::learns(std::uint64_t permit) noexcept {
    const bool present = permit == generation() && mode() != Mode::disabled && state() != State::open &&
                         (state() == State::closed || probing_ > 0);
    if (!present && permit != kUncounted) ++figures_.stale;
    return present;
}

void Breaker::change_to(State state, Mode mode) noexcept {
    probing_ = passed_ = 0;
    hot_.word.store(pack(generation() + 1, mode, state), std::memory_order_release);
}

void Breaker::forget() noexcept {
    hot_.run.store(0, std::memory_order_relaxed);
    hot_.calls.store(0, std::memory_order_relaxed);
    hot_.bucket_end_ns.store(0, std::memory_order_relaxed);
    past_.fill({});
    current_ = {};
}

void Breaker::rotate(std::uint64_t now_ns) noexcept {
    const std::uint64_t epoch = now_ns / bucket_ns_;
    if (current_.epoch != kForever && epoch <= current_.epoch) return;  // clocks of two threads may cross
    current_.calls += hot_.calls.exchange(0, std::memory_order_relaxed);
    if (current_.epoch != kForever) past_[current_.epoch % kBuckets] = current_;
    current_ = {epoch, 0, 0, 0};
    hot_.bucket_end_ns.store((epoch + 1) * bucket_ns_, std::memory_order_relaxed);
}

void Breaker::count(std::uint64_t now_ns, bool failed, bool slow) noexcept {
    rotate(now_ns);
    ++current_.calls;
    current_.failures += failed;
    current_.slow += slow;
}

bool Breaker::in_a_row(std::uint64_t now_ns) noexcept {
    const std::uint32_t run = hot_.run.load(std::memory_order_relaxed);
    const auto most = static_cast<std::uint32_t>(failure_ns_.size());
    if (most == 0) return false;
    failure_ns_[run % most] = now_ns;
    // Beyond twice the ring a run is only longer: it stays in the upper half, in step with the ring.
    const std::uint32_t next = run + 1 < 2 * most ? run + 1 : most;
    hot_.run.store(next, std::memory_order_relaxed);
    return next >= most && now_ns - std::min(now_ns, failure_ns_[next % most]) <= rules_.window_ns;
}

Cause Breaker::ratio_reached() const noexcept {
    if (!counts_) return Cause::none;
    Bucket sum = current_;
    sum.calls += hot_.calls.load(std::memory_order_relaxed);
    for (const Bucket& bucket : past_) {
        if (bucket.epoch == kForever || current_.epoch - bucket.epoch >= kBuckets) continue;
        sum.calls += bucket.calls;
        sum.failures += bucket.failures;
        sum.slow += bucket.slow;
    }
    if (sum.calls < rules_.min_calls) return Cause::none;
    const auto calls = static_cast<double>(sum.calls);
    const auto reached = [calls](std::uint64_t bad, double ratio) {
        return ratio > 0.0 && bad > 0 && static_cast<double>(bad) >= ratio * calls;
    };
    if (reached(sum.failures, rules_.failure_ratio)) return Cause::failures;
    return reached(sum.slow, rules_.slow_ratio) ? Cause::slow : Cause::none;
}

Outcome Breaker::trip(Cause cause, std::uint64_t now_ns, double chance) noexcept {
    if (cause == Cause::none) return {};
    if (mode() == Mode::metrics_only) {
        forget();
        ++figures_.would_open;
        return {Change::would_open, cause, generation(), 0};
    }
    if (alternatives_ && !alternatives_->leave_unless_last()) {
        forget();  // told once a trip, not once a failure
        ++figures_.spared;
        return {Change::spared, cause, generation(), 0};
    }
    return open(cause, now_ns, chance);
}

Outcome Breaker::open(Cause cause, std::uint64_t now_ns, double chance) noexcept {
    const std::uint32_t doublings = std::min<std::uint32_t>(failed_probes_, 31);
    const double grown = static_cast<double>(rules_.open_ns) * static_cast<double>(1u << doublings);
    const double capped = std::min(grown, static_cast<double>(rules_.max_open_ns));
    const auto open_ns = static_cast<std::uint64_t>(capped * (1.0 + rules_.jitter * chance));
    forget();
    change_to(State::open, Mode::automatic);
    until_ns_ = now_ns + open_ns;
    ++figures_.opened;
    return {Change::opened, cause, generation(), open_ns};
}

Outcome Breaker::close(Cause cause) noexcept {
    if (alternatives_ && state() != State::closed) alternatives_->join();
    failed_probes_ = 0;
    forget();
    change_to(State::closed, Mode::automatic);
    return {Change::closed, cause, generation(), 0};
}

Outcome Breaker::probed(bool passed, std::uint64_t now_ns, double chance) noexcept {
    if (!passed) {
        ++failed_probes_;
        return open(Cause::probe, now_ns, chance);
    }
    --probing_;
    return ++passed_ >= rules_.close_after ? close(Cause::probe) : Outcome{};
}

Mode Breaker::set_mode(Mode wanted) noexcept {
    const std::lock_guard lock(mutex_);
    const Mode before = mode();
    if (wanted == before) return before;
    const bool was_available = state() == State::closed, available = wanted != Mode::forced_open;
    if (alternatives_ && was_available && !available) alternatives_->leave();
    if (alternatives_ && !was_available && available) alternatives_->join();
    failed_probes_ = 0;
    forget();
    change_to(available ? State::closed : State::open, wanted);
    until_ns_ = available ? 0 : kForever;
    return before;
}

Outcome Breaker::reset() noexcept {
    const std::lock_guard lock(mutex_);
    if (mode() != Mode::automatic) {  // a word of the user's is taken back by the user's
        forget();
        return {};
    }
    const bool was_closed = state() == State::closed;
    const Outcome outcome = close(Cause::mode);
    return was_closed ? Outcome{} : outcome;
}

std::uint64_t Breaker::retry_ns(std::uint64_t now_ns) const noexcept {
    const std::lock_guard lock(mutex_);
    if (state() == State::closed || (state() == State::half_open && probing_ < rules_.probes)) return 0;
    if (until_ns_ == kForever) return kForever;
    return until_ns_ - std::min(until_ns_, now_ns);
}

Figures Breaker::figures() const noexcept {
    const std::lock_guard lock(mutex_);
    return figures_;
}

}  // namespace atalanta::reliability
