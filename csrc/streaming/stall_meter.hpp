// Finds the moments in which the operating system had taken the processor away: a gap between two looks of a
// thread that does nothing else, or wall time beyond the thread's processor time. Main entry: StallMeter.
#pragma once

#include <cstdint>

#include "base/monotonic.hpp"
#include "streaming/account.hpp"

namespace atalanta::streaming {

class StallMeter {
  public:
    explicit StallMeter(std::uint64_t threshold_ns) noexcept : threshold_ns_(threshold_ns) {}

    // At each look for work, with the time of now. `watched`: the thread has done nothing but look since the
    // last one ended.
    void look(std::uint64_t now, bool watched, Tally& tally) noexcept {
        if (watched && last_ns_ != 0 && now - last_ns_ > threshold_ns_) note(last_ns_, now, tally);
        last_ns_ = now;
        if (on_thread_ && now - mark_wall_ns_ > kCompareEvery) compare(now, tally);
    }
    // At the end of what a look has found.
    void done(std::uint64_t now) noexcept { last_ns_ = now; }

    // Whether an event from `intended` on, that is late at `now`, overlaps a stall.
    bool explains(std::uint64_t intended, std::uint64_t now, Tally& tally) noexcept {
        if (intended < stall_end_ns_) return true;
        if (on_thread_ && now != asked_ns_) {  // once a batch: the processor time costs a system call
            asked_ns_ = now;
            compare(now, tally);
        }
        return intended < stall_end_ns_;
    }
    // The thread that looks from now on; without one of its own the processor time says nothing.
    void begin_thread(std::uint64_t now) noexcept {
        on_thread_ = true;
        last_ns_ = now;
        mark(now);
    }
    void woken(std::uint64_t asked, std::uint64_t now, Tally& tally) noexcept {
        if (now > asked + threshold_ns_) note(asked, now, tally);
    }
    void end_thread() noexcept { on_thread_ = false; }

  private:
    // So far back a comparison of wall and processor time reaches.
    static constexpr std::uint64_t kCompareEvery = 1'000'000;

    void mark(std::uint64_t now) noexcept {
        mark_wall_ns_ = now;
        mark_cpu_ns_ = thread_cpu_ns();
    }
    void compare(std::uint64_t now, Tally& tally) noexcept {
        const std::uint64_t wall = now - mark_wall_ns_, before = mark_cpu_ns_;
        mark(now);
        const std::uint64_t used = mark_cpu_ns_ - before;
        if (wall > used + threshold_ns_) note(now - (wall - used), now, tally);
    }
    void note(std::uint64_t from, std::uint64_t to, Tally& tally) noexcept {
        ++tally.stalls;
        tally.stalled_ns += to - from;
        if (to - from > tally.longest_stall_ns) tally.longest_stall_ns = to - from;
        stall_end_ns_ = to;
    }

    const std::uint64_t threshold_ns_;
    bool on_thread_ = false;
    std::uint64_t last_ns_ = 0, stall_end_ns_ = 0, asked_ns_ = 0;
    std::uint64_t mark_wall_ns_ = 0, mark_cpu_ns_ = 0;
};

}  // namespace atalanta::streaming
