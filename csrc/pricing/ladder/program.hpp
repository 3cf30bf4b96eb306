// Which lanes begin, cross an ex-date or end an interval at which step of their block. All lanes take their
// last step together; one with fewer steps than the longest idles before its first. Entry: LanePrograms.
#pragma once

#include "pricing/ladder/block.hpp"

namespace atalanta {
namespace {

class LanePrograms {
  public:
    explicit LanePrograms(const LadderBlock& block) {
        for (std::size_t l = 0; l < block.count; ++l) {
            const std::uint32_t total = block.shapes[l].total_steps;
            steps_ = total > steps_ ? total : steps_;
        }
        for (std::size_t l = 0; l < kLadderOptions; ++l) {
            const bool takes_steps = l < block.count && block.shapes[l].exercisable;
            shapes_[l] = &block.shapes[l];
            first_[l] = takes_steps ? steps_ - block.shapes[l].total_steps : kNever;
            end_[l] = kNever;
            interval_[l] = 0;
        }
        next_first_ = earliest(first_);
    }

    // Of the longest lane.
    std::uint32_t steps() const { return steps_; }
    std::uint32_t first(std::size_t l) const { return first_[l] == kNever ? steps_ : first_[l]; }
    // The lanes whose first step is the next one.
    LaneSet starting() const { return step_ == next_first_ ? lanes_at(first_, step_) : 0; }
    // The lanes that cross an ex-date before the next step.
    LaneSet crossing() const { return step_ == next_end_ ? lanes_at(end_, step_) : 0; }
    // The lanes whose next step is the last of an interval.
    LaneSet ending() const { return step_ + 1 == next_end_ ? lanes_at(end_, step_ + 1) : 0; }
    // Whether these are all lanes, and all in intervals of the same number.
    bool in_step(LaneSet lanes) const {
        if (lanes != kEveryOption) return false;
        bool same = true;
        for (std::size_t l = 1; l < kLadderOptions; ++l) same = same && interval_[l] == interval_[0];
        return same;
    }
    // The interval in which a lane is, in the order of the calendar: so many ex-dates lie between it and the
    // present.
    std::uint32_t interval(std::size_t l) const { return interval_[l]; }
    std::uint32_t steps_in(std::size_t l, std::uint32_t interval) const {
        return shapes_[l]->steps[shapes_[l]->dividends - interval];
    }

    // A lane leaves out the intervals before expiry that have no steps.
    std::uint32_t first_interval(std::size_t l) const {
        std::uint32_t interval = shapes_[l]->dividends;
        while (interval > 0 && steps_in(l, interval) == 0) --interval;
        return interval;
    }

    // Lanes begin to march, or cross an ex-date.
    void start(LaneSet lanes) {
        each_in(lanes, [&](std::size_t l) { enter(l, first_interval(l)); });
        next_end_ = earliest(end_);
    }
    void cross(LaneSet lanes) {
        each_in(lanes, [&](std::size_t l) { enter(l, interval_[l] - 1); });
        next_end_ = earliest(end_);
    }
    void advance() {
        next_first_ = step_ == next_first_ ? earliest_after(first_, step_) : next_first_;
        ++step_;
    }

  private:
    static constexpr std::uint32_t kNever = 0xFFFFFFFF;
    using PerLaneStep = std::uint32_t[kLadderOptions];

    void enter(std::size_t l, std::uint32_t interval) {
        interval_[l] = interval;
        // The last step of all ends no interval before an ex-date.
        end_[l] = interval == 0 ? kNever : step_ + steps_in(l, interval);
    }
    static std::uint32_t earliest(const PerLaneStep& steps) {
        std::uint32_t least = kNever;
        for (std::size_t l = 0; l < kLadderOptions; ++l) least = steps[l] < least ? steps[l] : least;
        return least;
    }
    static std::uint32_t earliest_after(const PerLaneStep& steps, std::uint32_t step) {
        std::uint32_t least = kNever;
        for (std::size_t l = 0; l < kLadderOptions; ++l) {
            if (steps[l] > step && steps[l] < least) least = steps[l];
        }
        return least;
    }
    static LaneSet lanes_at(const PerLaneStep& steps, std::uint32_t step) {
        LaneSet lanes = 0;
        for (std::size_t l = 0; l < kLadderOptions; ++l) lanes |= (steps[l] == step ? 1u : 0u) << l;
        return lanes;
    }
    const LadderShape* shapes_[kLadderOptions];
    PerLaneStep first_, end_;  // a lane's first step, and the one before which it crosses its next ex-date
    PerLaneStep interval_;
    std::uint32_t steps_ = 0, step_ = 0;
    std::uint32_t next_first_ = kNever, next_end_ = kNever;
};

}  // namespace
}  // namespace atalanta
