// What the router takes from calls that were timed, and which calls it spends on finding out more.
#include <algorithm>
#include <cmath>

#include "routing/router.hpp"

namespace atalanta::routing {
namespace {

constexpr double kNear = 1.3;                  // expected times within it are worth comparing
constexpr double kNearByGuess = 1.5;           // likewise, where one of them was never measured
constexpr std::uint32_t kComparedOneIn = 10;   // of the timed calls near a crossover
constexpr double kDegraded = 1.2;              // slower than calibrated by so much: watched for recovery
constexpr double kQuickerThanBelieved = 0.87;  // a try that shows it is followed by another at once
constexpr std::uint64_t kWatchInterval = 100'000'000;  // ns between tries of a degraded target
constexpr double kReserve = 4.0;    // times its excess must be there, before a healthy target is tried
constexpr double kFar = 4.0;        // times the best: tried more rarely,
constexpr double kWorthFar = 20e3;  // and not at all where so little time, in ns, could be saved
constexpr std::uint64_t kStaleInterval = 4'000'000'000;  // ns between tries of one that is merely not used
constexpr std::uint64_t kFarInterval = 20'000'000'000;   // of one that is believed to be far slower
constexpr std::uint64_t kNever = 0, kAtOnce = 1;         // among the instants of tries
constexpr double kLeastCompute = 0.05;  // of a measured time, when a transfer is taken off it

}  // namespace

Choice Router::consider(std::size_t index, std::uint64_t work, double tolerance, const Choice& choice,
                        std::uint64_t now_ns, Memory where, TargetMask among) noexcept {
    if (choice.target == kNowhere || deterministic()) return choice;
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock()) return choice;
    const auto size = static_cast<double>(work > 0 ? work : 1);
    Operation& operation = operations_[index];
    const double best = expected_ns(operation, choice.target, size, where);
    for (std::size_t target = 0; target < target_count_; ++target) {
        if (target == choice.target || !admits(index, target, tolerance, among)) continue;
        if (size <= operation.joined_to[target]) continue;
        const double expected = expected_ns(operation, target, size, where);
        const bool wanted =
            operation.pinned == target || (choice.reason != Reason::pinned && expected < best);
        TargetHealth& health = targets_[target].health;
        if (!health.usable()) {
            if (!wanted || !health.try_again(now_ns)) continue;
            return {target, Reason::probe, 0};
        }
        const bool free = operation.pinned == kNowhere && operation.threshold == 0;
        if (!free || !worth_trying(operation, target, expected, best, size, where, now_ns)) continue;
        budget_.spend(expected - best);
        return {target, Reason::probe, 0};
    }
    return choice;
}

bool Router::worth_trying(Operation& operation, std::size_t target, double expected, double best, double work,
                          Memory where, std::uint64_t now_ns) noexcept {
    if (!(expected > 0.0) || !(best > 0.0)) return false;  // unmeasured targets are not tried on users' calls
    const CostModel& model = operation.models[target];
    const double once = model.calibrated_ns(work) + transfer_ns(operation, targets_[target], work, where);
    const bool degraded = model.drift(work) > kDegraded && once < best;
    // A large try must not use up what many small ones need, nor curiosity what a recovery needs.
    const double reserve = degraded ? 1.0 : kReserve;
    if (budget_.available(now_ns) < reserve * std::max(0.0, expected - best)) return false;
    const bool far = expected > kFar * best;
    const std::uint64_t interval = degraded ? kWatchInterval : far ? kFarInterval : kStaleInterval;
    std::uint64_t& last = operation.last_try_ns[target];
    if (last == kNever) last = now_ns;  // calibration has only just looked
    if (now_ns >= last + interval && (degraded || !far || best > kWorthFar)) {
        last = now_ns;
        return true;
    }
    const double near = model.foretold(work) ? kNearByGuess : kNear;
    return expected < near * best && random() % kComparedOneIn == 0;
}

bool Router::observe(std::size_t index, std::size_t target, std::uint64_t work, double ns, bool probe,
                     Memory where, std::uint64_t permit) noexcept {
    const bool recovered = recover(target, permit);
    learn(index, target, work, ns, probe, where);
    return recovered;
}

// A call that began before the quarantine does not end it.
bool Router::recover(std::size_t target, std::uint64_t permit) noexcept {
    if (targets_[target].usable.load(std::memory_order_relaxed)) return false;
    const std::lock_guard lock(mutex_);
    if (!targets_[target].health.recover(permit)) return false;
    targets_[target].usable.store(true, std::memory_order_relaxed);
    compile_all();
    return true;
}

void Router::learn(std::size_t index, std::size_t target, std::uint64_t work, double ns, bool probe,
                   Memory where) noexcept {
    if (deterministic() || !std::isfinite(ns)) return;
    Operation& operation = operations_[index];
    const auto size = static_cast<double>(work > 0 ? work : 1);
    const double expected = expected_ns(operation, target, size, where);
    const double moving = transfer_ns(operation, targets_[target], size, where);
    CostModel& model = operation.models[target];
    const std::uint64_t sample = operation.samples.fetch_add(1, std::memory_order_relaxed);
    const CostModel::Effect effect = model.observe(size, std::max(ns - moving, kLeastCompute * ns), sample);
    const bool beyond = effect == CostModel::Effect::moved_beyond;
    const bool around = beyond || effect == CostModel::Effect::moved_around;
    const bool moved = around || effect == CostModel::Effect::moved;
    if (!moved && !probe) return;
    const std::lock_guard lock(mutex_);
    if (probe) {
        budget_.spend(ns - expected);
        if (ns < kQuickerThanBelieved * expected) operation.last_try_ns[target] = kAtOnce;
    }
    if (!moved) return;
    const auto [first, end] = model.piece_range(size, around ? RecentLoad::kReach : 0);
    const double last = beyond ? static_cast<double>(kLargestWork) : end;
    if (!contested(index, last)) return;
    for (std::size_t one = 0; one < target_count_; ++one) operation.models[one].refresh(sample);
    compile(index, first, last);
}

// Whether more than one target may come first up to that size.
bool Router::contested(std::size_t index, double work) const noexcept {
    std::size_t candidates = 0;
    for (std::size_t target = 0; target < target_count_; ++target)
        candidates += runs(index, target) && work > operations_[index].joined_to[target];
    return candidates > 1;
}

std::uint64_t Router::fail(std::size_t target, std::uint64_t now_ns, std::uint64_t permit) noexcept {
    const std::lock_guard lock(mutex_);
    const std::uint64_t out_ns = targets_[target].health.fail(permit, now_ns);
    if (out_ns > 0 && targets_[target].usable.exchange(false, std::memory_order_relaxed)) compile_all();
    return out_ns;
}

Choice Router::try_quarantined(std::size_t operation, double tolerance, std::uint64_t now_ns,
                               TargetMask among) noexcept {
    const std::lock_guard lock(mutex_);
    for (std::size_t target = 0; target < target_count_; ++target) {
        TargetHealth& health = targets_[target].health;
        if (!admits(operation, target, tolerance, among) || health.usable()) continue;
        if (health.try_again(now_ns)) return {target, Reason::probe, 0};
    }
    return {kNowhere, Reason::health, 0};
}

void Router::refresh_health() noexcept {
    const std::lock_guard lock(mutex_);
    for (std::size_t target = 0; target < target_count_; ++target)
        targets_[target].usable.store(targets_[target].health.usable(), std::memory_order_relaxed);
    compile_all();
}

std::uint32_t Router::random() noexcept {
    random_ ^= random_ << 13, random_ ^= random_ >> 7, random_ ^= random_ << 17;
    return static_cast<std::uint32_t>(random_ >> 32);
}

}  // namespace atalanta::routing
