// A circuit breaker: whether something that may fail is called at all. While it is closed, a call costs two
// reads of one cache line; everything rarer is behind a lock. Time and chance are arguments. Entry: Breaker.
//
// enter() gives the generation as a permit; a result is told with it. Every change of state or mode begins a
// new generation, so that what began before the change alters nothing when it ends.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "reliability/alternatives.hpp"

namespace atalanta::reliability {

enum class State : std::uint8_t { closed, open, half_open };
enum class Mode : std::uint8_t {
    automatic,
    forced_open,   // refuses everything
    disabled,      // lets everything through, and learns nothing
    metrics_only,  // lets everything through, and tells when it would have opened
};
enum class Change : std::uint8_t { none, opened, half_opened, closed, spared, would_open };
enum class Cause : std::uint8_t { none, consecutive, failures, slow, probe, waited, mode };

inline constexpr std::array<std::string_view, 3> kStateNames = {"closed", "open", "half_open"};
inline constexpr std::array<std::string_view, 4> kModeNames = {"automatic", "forced_open", "disabled",
                                                               "metrics_only"};
inline constexpr std::array<std::string_view, 6> kChangeNames = {"none",   "opened", "half_opened",
                                                                 "closed", "spared", "would_open"};
inline constexpr std::array<std::string_view, 7> kCauseNames = {"none",  "consecutive", "failures", "slow",
                                                                "probe", "waited",      "mode"};

inline constexpr std::uint64_t kRefused = ~std::uint64_t{0};
inline constexpr std::uint64_t kUncounted = 0;  // a permit whose result does not matter
inline constexpr std::uint32_t kMostConsecutive = 1024;
inline constexpr std::uint64_t kForever = std::numeric_limits<std::uint64_t>::max();

// When it opens, and how it closes again. Times in nanoseconds.
struct Rules {
    std::uint32_t consecutive = 5;  // failures in a row, all within the window; 0: no such rule
    std::uint64_t window_ns = 30'000'000'000;
    double failure_ratio = 0.0;  // of the calls in the window; 0: no such rule
    double slow_ratio = 0.0;     // likewise, of calls of slow_ns and more
    std::uint64_t slow_ns = 0;
    std::uint32_t min_calls = 20;                     // fewer calls in the window have no ratio
    std::uint64_t open_ns = 30'000'000'000;           // doubled by each probe that fails,
    std::uint64_t max_open_ns = 240'000'000'000;      // up to here,
    double jitter = 0.1;                              // and then longer by up to this share
    std::uint32_t probes = 1;                         // calls at a time while half-open
    std::uint32_t close_after = 1;                    // successes of theirs
    std::uint64_t probe_timeout_ns = 30'000'000'000;  // a probe that told nothing by then is lost
};

// What a call changed.
struct Outcome {
    Change change = Change::none;
    Cause cause = Cause::none;
    std::uint64_t generation = 0;
    std::uint64_t open_ns = 0;  // for how long it opened
};

struct Entry {
    std::uint64_t permit;  // kRefused, or what the result is told with
    Outcome outcome;
};

// Totals since it was made.
struct Figures {
    std::uint64_t refused, failed, opened, spared, would_open, stale;
};

class Breaker {
  public:
    // alternatives: what else can do the same; null for none.
    explicit Breaker(const Rules& rules, std::shared_ptr<Alternatives> alternatives = nullptr);
    ~Breaker();
    Breaker(const Breaker&) = delete;
    Breaker& operator=(const Breaker&) = delete;

    // The permit of a closed breaker; kRefused where enter() has to look.
    std::uint64_t try_enter() const noexcept {
        const std::uint64_t word = hot_.word.load(std::memory_order_acquire);
        return (word & kUnusual) == 0 ? word >> kGenerationShift : kRefused;
    }
    Entry enter(std::uint64_t now_ns) noexcept;

    // Whether succeed() wants the time, and the duration.
    bool counts() const noexcept { return counts_; }
    bool times() const noexcept { return rules_.slow_ns > 0; }

    // True when that was all: the breaker is closed and nothing was wrong before.
    bool try_succeed(std::uint64_t permit) noexcept {
        return !counts_ && holds(permit) && hot_.run.load(std::memory_order_relaxed) == 0;
    }
    bool try_succeed(std::uint64_t permit, std::uint64_t now_ns, std::uint64_t took_ns) noexcept {
        if (!counts_) return try_succeed(permit);
        if (!holds(permit) || hot_.run.load(std::memory_order_relaxed) != 0 ||
            now_ns >= hot_.bucket_end_ns.load(std::memory_order_relaxed) || is_slow(took_ns))
            return false;
        hot_.calls.fetch_add(1, std::memory_order_relaxed);
        return true;
    }
    Outcome succeed(std::uint64_t permit, std::uint64_t now_ns, std::uint64_t took_ns,
                    double chance) noexcept;
    // chance: in [0, 1), for the time that it stays open.
    Outcome fail(std::uint64_t permit, std::uint64_t now_ns, std::uint64_t took_ns, double chance) noexcept;
    // The call ended without telling anything of the callee.
    void cancel(std::uint64_t permit) noexcept;

    // Returns the mode before. Anything but forced_open starts closed.
    Mode set_mode(Mode mode) noexcept;
    // Closed, as new.
    Outcome reset() noexcept;

    State state() const noexcept { return State(hot_.word.load(std::memory_order_relaxed) & 3); }
    Mode mode() const noexcept { return Mode(hot_.word.load(std::memory_order_relaxed) >> 2 & 3); }
    std::uint64_t generation() const noexcept {
        return hot_.word.load(std::memory_order_relaxed) >> kGenerationShift;
    }
    std::uint32_t run() const noexcept { return hot_.run.load(std::memory_order_relaxed); }
    // Until a call may be let through again; 0 when now, kForever when not by itself.
    std::uint64_t retry_ns(std::uint64_t now_ns) const noexcept;
    Figures figures() const noexcept;
    const Rules& rules() const noexcept { return rules_; }

  private:
    static constexpr std::size_t kBuckets = 10;
    static constexpr unsigned kGenerationShift = 4;
    static constexpr std::uint64_t kUnusual = 15;  // state or mode is not the usual one

    // What a call reads while all is well.
    struct alignas(64) Hot {
        std::atomic<std::uint64_t> word;      // generation, mode, state
        std::atomic<std::uint32_t> run{0};    // failures in a row
        std::atomic<std::uint64_t> calls{0};  // successes in the current bucket
        std::atomic<std::uint64_t> bucket_end_ns{0};
    };
    struct Bucket {
        std::uint64_t epoch = kForever, calls = 0, failures = 0, slow = 0;
    };

    // Whether it is closed, and the permit is of now. The whole permit counts: Python may give any number.
    bool holds(std::uint64_t permit) const noexcept {
        const std::uint64_t word = hot_.word.load(std::memory_order_acquire);
        return (word & kUnusual) == 0 && word >> kGenerationShift == permit;
    }
    bool is_slow(std::uint64_t took_ns) const noexcept {
        return rules_.slow_ns > 0 && took_ns >= rules_.slow_ns;
    }
    static std::uint64_t pack(std::uint64_t generation, Mode mode, State state) noexcept {
        return generation << kGenerationShift | std::uint64_t(mode) << 2 | std::uint64_t(state);
    }

    // All that follows needs mutex_.
    bool learns(std::uint64_t permit) noexcept;
    void change_to(State state, Mode mode) noexcept;
    std::uint64_t probe(std::uint64_t now_ns) noexcept;
    void give_probes_up() noexcept;
    void forget() noexcept;
    void rotate(std::uint64_t now_ns) noexcept;
    void count(std::uint64_t now_ns, bool failed, bool slow) noexcept;
    bool in_a_row(std::uint64_t now_ns) noexcept;
    Cause ratio_reached() const noexcept;
    Outcome trip(Cause cause, std::uint64_t now_ns, double chance) noexcept;
    Outcome open(Cause cause, std::uint64_t now_ns, double chance) noexcept;
    Outcome close(Cause cause) noexcept;
    Outcome probed(bool passed, std::uint64_t now_ns, double chance) noexcept;

    Hot hot_;
    const Rules rules_;
    const bool counts_;
    const std::uint64_t bucket_ns_;
    const std::shared_ptr<Alternatives> alternatives_;

    mutable std::mutex mutex_;
    std::vector<std::uint64_t> failure_ns_;  // the last of the run
    std::array<Bucket, kBuckets> past_;
    Bucket current_;
    std::uint64_t until_ns_ = 0;  // open: when it may be tried; half-open: when the last probe is lost
    std::uint32_t failed_probes_ = 0, probing_ = 0, passed_ = 0;
    Figures figures_{};
};

}  // namespace atalanta::reliability
