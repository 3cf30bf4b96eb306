// The engine's thread: looking for work, resting, being woken, and errands between two batches.
#include <chrono>

#include "base/affinity.hpp"
#include "base/monotonic.hpp"
#include "streaming/engine.hpp"

namespace atalanta::streaming {
namespace {

// A parked thread looks by itself so often, for what was solved behind.
constexpr auto kParkedAtMost = std::chrono::milliseconds(2);

}  // namespace

void Engine::start(Executor executor, std::size_t processor) {
    if (is_running() || executor == Executor::none) return;
    stop(false);
    executor_.store(executor);
    stopping_.store(false);
    refresher_.start();
    {
        const std::lock_guard lock(turning_);  // a caller that runs the stages comes to an end first
        running_.store(true);
    }
    try {
        thread_ = std::thread([this] { run(); });
    } catch (...) {
        running_.store(false);
        throw;
    }
    if (executor == Executor::pinned) pin_to_nth_processor(thread_, processor);
}

void Engine::stop(bool drain) noexcept {
    if (thread_.joinable()) {
        draining_.store(drain);
        stopping_.store(true);
        wake_if_parked();
        thread_.join();
    }
    refresher_.stop();
}

void Engine::run() noexcept {
    std::uint64_t last_work = monotonic_ns();
    stalls_.begin_thread(last_work);
    for (;;) {
        // Before the look: what was pushed before somebody asked to stop is seen by a look after that.
        const bool stopping = stopping_.load(std::memory_order_acquire);
        const std::size_t taken = turn();
        if (taken > 0) {
            last_work = monotonic_ns();
            stalls_.done(last_work);
        } else {
            if (stopping) break;
            watched_ = true;
        }
        if (do_errand()) watched_ = false;
        if (stopping_.load(std::memory_order_relaxed) && !draining_.load()) break;
        if (taken == 0 && executor_.load(std::memory_order_relaxed) == Executor::hybrid) {
            const std::uint64_t now = monotonic_ns();
            if (now - last_work > settings_.spin_ns) {
                rest();
                watched_ = false;
            }
        }
    }
    stalls_.end_thread();
    // An errand that is asked for from now on is withdrawn by whoever asks, who then does it.
    running_.store(false, std::memory_order_release);
}

// The exchange here and the one of a producer are in one order: either this finds what was pushed, or the
// producer finds it parked.
void Engine::rest() noexcept {
    parked_.exchange(1, std::memory_order_acq_rel);
    if (!has_work()) {
        ++tally_.parks;
        std::unique_lock lock(parking_);
        // By the system's clock: a thread sanitizer knows that way to wait.
        parked_wake_.wait_until(lock, std::chrono::system_clock::now() + kParkedAtMost,
                                [this] { return parked_.load(std::memory_order_relaxed) == 0; });
    }
    parked_.store(0, std::memory_order_relaxed);
    // What it slept is no stall; what it took to wake it up is.
    const std::uint64_t now = monotonic_ns(), woken = woken_ns_.exchange(0, std::memory_order_relaxed);
    stalls_.begin_thread(now);
    if (woken != 0) stalls_.woken(woken, now, tally_);
}

bool Engine::has_work() noexcept {
    for (std::size_t i = 0; i < producer_count_.load(std::memory_order_acquire); ++i) {
        if (producers_[i]->ring_.waiting() > 0) return true;
    }
    return errand_state_.load(std::memory_order_acquire) == 1 || stopping_.load();
}

void Engine::wake_if_parked() noexcept {
    if (executor_.load(std::memory_order_relaxed) != Executor::hybrid ||
        parked_.exchange(0, std::memory_order_acq_rel) == 0)
        return;
    woken_ns_.store(monotonic_ns(), std::memory_order_relaxed);
    const std::lock_guard lock(parking_);
    parked_wake_.notify_one();
}

bool Engine::do_errand() noexcept {
    std::uint32_t asked = 1;
    if (errand_state_.load(std::memory_order_relaxed) != 1) return false;
    if (!errand_state_.compare_exchange_strong(asked, 3, std::memory_order_acquire)) return false;
    errand_(errand_of_);
    errand_state_.store(2, std::memory_order_release);
    return true;
}

void Engine::between_batches(void (*f)(void*), void* state) {
    const std::lock_guard one(errands_);
    for (;;) {
        if (is_running() && thread_does(f, state)) return;
        const std::lock_guard lock(turning_);
        if (is_running()) continue;  // a thread has started meanwhile
        f(state);
        return;
    }
}

// Asks the thread for it; false when the thread ended before.
bool Engine::thread_does(void (*f)(void*), void* state) {
    errand_ = f;
    errand_of_ = state;
    errand_state_.store(1, std::memory_order_release);
    wake_if_parked();
    while (errand_state_.load(std::memory_order_acquire) != 2) {
        std::uint32_t asked = 1;
        if (!is_running() && errand_state_.compare_exchange_strong(asked, 0)) return false;
        std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
    errand_state_.store(0);
    return true;
}

bool Engine::refresh() {
    bool solved = refresher_.solve_waiting() > 0;  // what was asked for before the latest quotes
    if (!is_running()) pump();
    between_batches(
        [](void* state) {
            auto& self = *static_cast<Engine*>(state);
            self.pricing_.begin(self.tally_);
            self.pricing_.ask_all();
        },
        this);
    solved |= refresher_.solve_waiting() > 0;
    if (!is_running()) pump();
    return solved;
}

}  // namespace atalanta::streaming
