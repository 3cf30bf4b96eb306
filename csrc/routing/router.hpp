// Decides where an operation of a given size runs. It returns a value and runs nothing; time and chance come
// in as arguments. Entries: Router::decide (a table read, any thread, no lock, no allocation), observe, fail.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "routing/cost_model.hpp"
#include "routing/decision_table.hpp"
#include "routing/exploration.hpp"
#include "routing/health.hpp"

namespace atalanta::routing {

using TargetMask = std::uint32_t;
inline constexpr TargetMask kAnyTarget = ~TargetMask{0};
inline constexpr std::size_t kNowhere = 0xff;

struct Choice {
    std::size_t target;  // kNowhere: no target meets the tolerance, or none is left
    Reason reason;
    unsigned sampling;  // one call in 2^sampling is worth timing
};

// How a target is used while nothing is measured.
enum class Tier : std::uint8_t {
    baseline,     // below the threshold; every operation needs one
    wide,         // from the threshold on
    accelerator,  // only once it was measured here, or where the user's threshold says so
};

struct Prediction {
    std::size_t target;
    double ns, spread, calibrated_ns, drift;  // NaN before calibration
    double error;                             // guaranteed, in the operation's measure
    bool usable;                              // not in quarantine
    std::uint64_t samples;
};

class Router {
  public:
    explicit Router(std::uint64_t seed = 1) noexcept : random_(seed * 2 + 1) {}

    // Setting up. Names are not checked here; counts are limited by kMostTargets and kMostOperations: what is
    // beyond them is refused with kNowhere.
    std::size_t add_target(Tier tier, Memory memory, double transfer_ns_per_byte);
    std::size_t add_operation(OperationClass kind, double bytes_per_element);
    // `target` runs `operation` and guarantees `error`.
    void allow(std::size_t operation, std::size_t target, double error);
    void calibrate(std::size_t operation, std::size_t target, std::span<const CostPoint> points);
    // Up to so much work `target` does what the baseline does: it then comes last and is not tried.
    void join(std::size_t operation, std::size_t target, double work);

    // The user's word: it stands above what was measured, and below tolerance and health.
    void pin(std::size_t operation, std::size_t target);            // kNowhere: as measured
    void set_threshold(std::size_t operation, std::uint64_t work);  // 0: as measured
    // No learning and no tries: decisions depend on calibration and the user alone.
    void set_deterministic(bool on) noexcept { deterministic_.store(on, std::memory_order_relaxed); }
    bool deterministic() const noexcept { return deterministic_.load(std::memory_order_relaxed); }

    // tolerance: largest error that the caller accepts, in the operation's measure.
    Choice decide(std::size_t operation, std::uint64_t work, double tolerance, Memory where = Memory::host,
                  TargetMask among = kAnyTarget) const noexcept {
        const Ranking ranking(table_.row(where, operation)[bin_of(work)].load(std::memory_order_relaxed));
        const std::uint64_t targets = ranking.targets();
        if (const std::size_t first = (targets & 15) - 1;
            targets != 0 && admits(operation, first, tolerance, among))
            return {first, ranking.reason(), ranking.sampling()};
        return next_best(operation, ranking, tolerance, among);
    }

    // With a deadline: the quickest whose 99 % quantile keeps it; where none does, the one of the least
    // quantile.
    Choice decide_by(std::size_t operation, std::uint64_t work, double tolerance, double deadline_ns,
                     Memory where = Memory::host, TargetMask among = kAnyTarget) const noexcept;

    // Whether this call is one of those to be timed.
    bool sampled(std::size_t operation, unsigned sampling) noexcept {
        std::atomic<std::uint32_t>& calls = calls_[operation];
        const std::uint32_t call = calls.load(std::memory_order_relaxed);  // a lost count does not matter
        calls.store(call + 1, std::memory_order_relaxed);
        return (call & ((1u << sampling) - 1)) == 0;
    }

    // Of a call that is timed: the choice, or another target to be tried. Its time comes back by observe(), a
    // failure by fail().
    Choice consider(std::size_t operation, std::uint64_t work, double tolerance, const Choice& choice,
                    std::uint64_t now_ns, Memory where = Memory::host,
                    TargetMask among = kAnyTarget) noexcept;

    // Where decide() found nothing: a target that would do and is in quarantine, when it may be tried again.
    // A device that is asked for by name has no other way back.
    Choice try_quarantined(std::size_t operation, double tolerance, std::uint64_t now_ns,
                           TargetMask among) noexcept;

    // A call took so long; true when that ended a quarantine. `where`: where its operands lay; `permit`: what
    // permit() gave when it began.
    bool observe(std::size_t operation, std::size_t target, std::uint64_t work, double ns, bool probe = false,
                 Memory where = Memory::host, std::uint64_t permit = kPresent) noexcept;
    // For how long, in ns, that put the target into quarantine, or back into it; 0 when it changed nothing.
    std::uint64_t fail(std::size_t target, std::uint64_t now_ns, std::uint64_t permit = kPresent) noexcept;
    std::uint64_t permit(std::size_t target) const noexcept { return targets_[target].health.permit(); }
    // The target's circuit breaker; after setting it by hand, refresh_health() makes the table follow.
    const std::shared_ptr<reliability::Breaker>& breaker(std::size_t target) const noexcept {
        return targets_[target].health.breaker();
    }
    void refresh_health() noexcept;

    Prediction predict(std::size_t operation, std::size_t target, std::uint64_t work,
                       Memory where = Memory::host) const noexcept;
    std::size_t targets() const noexcept { return target_count_; }
    std::size_t operations() const noexcept { return operation_count_; }
    bool runs(std::size_t operation, std::size_t target) const noexcept {
        return error_of(operation, target) < std::numeric_limits<double>::infinity();
    }
    std::uint64_t failures(std::size_t target) const;
    double exploration_ns() const;
    std::uint64_t compilations() const noexcept { return compilations_.load(std::memory_order_relaxed); }

  private:
    struct Target {
        Tier tier = Tier::baseline;
        Memory memory = Memory::host;
        double transfer_ns_per_byte = 0.0;
        TargetHealth health;
        std::atomic<bool> usable{true};
    };
    struct Operation {
        OperationClass kind{};
        double bytes_per_element = 8.0;
        std::size_t pinned = kNowhere;
        std::uint64_t threshold = 0;
        std::array<CostModel, kMostTargets> models;
        std::array<std::atomic<double>, kMostTargets> errors;
        std::array<std::uint64_t, kMostTargets> last_try_ns{};
        std::array<double, kMostTargets> joined_to{};
        std::atomic<std::uint64_t> samples{0};
    };
    struct Candidate {
        std::size_t target;
        double ns;          // NaN when nothing was measured
        double order;       // ascending preference
        double at_rest_ns;  // the lesser of what calibration said and what was learnt, without load
    };
    using Candidates = std::array<Candidate, kMostTargets>;

    double error_of(std::size_t operation, std::size_t target) const noexcept {
        return operations_[operation].errors[target].load(std::memory_order_relaxed);
    }
    bool admits(std::size_t operation, std::size_t target, double tolerance,
                TargetMask among) const noexcept {
        return error_of(operation, target) <= tolerance && (among >> target & 1) != 0;
    }
    Choice next_best(std::size_t operation, const Ranking& ranking, double tolerance,
                     TargetMask among) const noexcept;

    double transfer_ns(const Operation& operation, const Target& target, double work,
                       Memory where) const noexcept;
    double expected_ns(const Operation& operation, std::size_t target, double work,
                       Memory where) const noexcept;

    bool recover(std::size_t target, std::uint64_t permit) noexcept;
    void learn(std::size_t operation, std::size_t target, std::uint64_t work, double ns, bool probe,
               Memory where) noexcept;

    // All that follows needs mutex_.
    void compile(std::size_t operation, double first_work, double last_work) noexcept;
    void compile(std::size_t operation) noexcept;
    void compile_all() noexcept;
    Ranking rank(std::size_t operation, std::size_t bin, Memory where, std::uint64_t before) const noexcept;
    std::size_t candidates(std::size_t operation, double work, Memory where,
                           Candidates& found) const noexcept;
    double untimed_order(const Operation& operation, std::size_t target, double work) const noexcept;
    void keep_baseline(Candidates& found, std::size_t count, double work) const noexcept;
    void keep_incumbent(Candidates& found, std::size_t count, std::size_t incumbent) const noexcept;
    Reason reason_for(const Operation& operation, const Candidate& first, std::size_t count) const noexcept;
    bool contested(std::size_t operation, double work) const noexcept;
    bool worth_trying(Operation& operation, std::size_t target, double expected, double best, double work,
                      Memory where, std::uint64_t now_ns) noexcept;
    std::uint32_t random() noexcept;

    DecisionTable table_;
    std::array<Operation, kMostOperations> operations_;
    std::array<Target, kMostTargets> targets_;
    std::array<std::atomic<std::uint32_t>, kMostOperations> calls_{};
    std::atomic<std::size_t> target_count_{0}, operation_count_{0};
    std::atomic<double> slowest_transfer_{0.0};  // ns a byte, from an accelerator's memory to the host's
    std::atomic<std::uint64_t> compilations_{0};
    std::atomic<bool> deterministic_{false};

    mutable std::mutex mutex_;
    ExplorationBudget budget_;
    std::uint64_t random_;
};

}  // namespace atalanta::routing
