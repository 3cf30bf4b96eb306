#include "routing/router.hpp"

#include <algorithm>
#include <cmath>

namespace atalanta::routing {
namespace {

constexpr double kQuantile = 2.326;  // of a normal distribution, 99 %

std::size_t first_of(std::uint64_t word) noexcept {
    return (word & 15) - 1;
}

}  // namespace

std::size_t Router::add_target(Tier tier, Memory memory, double transfer_ns_per_byte) {
    const std::lock_guard lock(mutex_);
    const std::size_t index = target_count_;
    if (index == kMostTargets) return kNowhere;
    targets_[index].tier = tier;
    if (tier == Tier::baseline) targets_[index].health.keep_always();
    targets_[index].memory = memory;
    targets_[index].transfer_ns_per_byte = transfer_ns_per_byte;
    slowest_transfer_ = std::max<double>(slowest_transfer_, transfer_ns_per_byte);
    target_count_ = index + 1;
    return index;
}

std::size_t Router::add_operation(OperationClass kind, double bytes_per_element) {
    const std::lock_guard lock(mutex_);
    const std::size_t index = operation_count_;
    if (index == kMostOperations) return kNowhere;
    Operation& operation = operations_[index];
    operation.kind = kind;
    operation.bytes_per_element = bytes_per_element;
    for (CostModel& model : operation.models) model.define(kind);
    for (std::atomic<double>& error : operation.errors)
        error.store(std::numeric_limits<double>::infinity(), std::memory_order_relaxed);
    operation_count_ = index + 1;
    return index;
}

void Router::allow(std::size_t operation, std::size_t target, double error) {
    const std::lock_guard lock(mutex_);
    operations_[operation].errors[target].store(error, std::memory_order_relaxed);
    compile(operation);
}

void Router::calibrate(std::size_t operation, std::size_t target, std::span<const CostPoint> points) {
    const std::lock_guard lock(mutex_);
    operations_[operation].models[target].calibrate(points);
    for (std::size_t memory = 0; memory < kMemories; ++memory) {  // no incumbents: the measurement decides
        for (std::atomic<std::uint64_t>& word : table_.row(static_cast<Memory>(memory), operation))
            word.store(0, std::memory_order_relaxed);
    }
    compile(operation);
}

void Router::join(std::size_t operation, std::size_t target, double work) {
    const std::lock_guard lock(mutex_);
    operations_[operation].joined_to[target] = work;
    compile(operation);
}

void Router::pin(std::size_t operation, std::size_t target) {
    const std::lock_guard lock(mutex_);
    operations_[operation].pinned = target;
    compile(operation);
}

void Router::set_threshold(std::size_t operation, std::uint64_t work) {
    const std::lock_guard lock(mutex_);
    operations_[operation].threshold = work;
    compile(operation);
}

Choice Router::next_best(std::size_t operation, const Ranking& ranking, double tolerance,
                         TargetMask among) const noexcept {
    std::uint64_t targets = ranking.targets();
    if (targets == 0) return {kNowhere, Reason::only, 0};
    const bool asked_for = (among >> first_of(targets) & 1) != 0;
    const Reason reason = asked_for ? Reason::accuracy : Reason::device;
    for (targets >>= 4; targets != 0; targets >>= 4) {
        const std::size_t target = first_of(targets);
        if (admits(operation, target, tolerance, among)) return {target, reason, ranking.sampling()};
    }
    return {kNowhere, reason, 0};
}

Choice Router::decide_by(std::size_t operation, std::uint64_t work, double tolerance, double deadline_ns,
                         Memory where, TargetMask among) const noexcept {
    const Choice usual = decide(operation, work, tolerance, where, among);
    if (usual.target == kNowhere) return usual;
    Choice best = usual;
    double best_ns = 0.0, best_late = std::numeric_limits<double>::infinity();
    for (std::size_t target = 0; target < target_count_; ++target) {
        if (!admits(operation, target, tolerance, among)) continue;
        if (!targets_[target].usable.load(std::memory_order_relaxed)) continue;
        const Prediction likely = predict(operation, target, work, where);
        const double late = likely.ns * std::exp(kQuantile * likely.spread);
        if (!(late > 0.0)) continue;  // nothing is known of it
        const bool keeps = late <= deadline_ns, best_keeps = best_late <= deadline_ns;
        if (keeps == best_keeps ? (keeps ? likely.ns < best_ns : late < best_late) : keeps) {
            best = {target, Reason::deadline, usual.sampling};
            best_ns = likely.ns, best_late = late;
        }
    }
    return best.target == usual.target ? usual : best;
}

double Router::transfer_ns(const Operation& operation, const Target& target, double work,
                           Memory where) const noexcept {
    if (target.memory == where) return 0.0;
    const double rate = target.memory == Memory::device ? target.transfer_ns_per_byte
                                                        : slowest_transfer_.load(std::memory_order_relaxed);
    return rate * operation.bytes_per_element * work;
}

double Router::expected_ns(const Operation& operation, std::size_t target, double work,
                           Memory where) const noexcept {
    return operation.models[target].predict(work) + transfer_ns(operation, targets_[target], work, where);
}

Prediction Router::predict(std::size_t index, std::size_t target, std::uint64_t work,
                           Memory where) const noexcept {
    const Operation& operation = operations_[index];
    const CostModel& model = operation.models[target];
    const auto size = static_cast<double>(work > 0 ? work : 1);
    return {target,
            expected_ns(operation, target, size, where),
            model.spread(size),
            model.calibrated_ns(size) + transfer_ns(operation, targets_[target], size, where),
            model.drift(size),
            error_of(index, target),
            targets_[target].usable.load(std::memory_order_relaxed),
            model.samples()};
}

std::uint64_t Router::failures(std::size_t target) const {
    const std::lock_guard lock(mutex_);
    return targets_[target].health.failures_ever();
}

double Router::exploration_ns() const {
    const std::lock_guard lock(mutex_);
    return budget_.total();
}

}  // namespace atalanta::routing
