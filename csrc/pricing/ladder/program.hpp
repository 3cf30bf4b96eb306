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
            shapes_[l] = &block.shapes[l];
            left_[l] = kIdle;
            interval_[l] = 0;
            first_[l] = steps_ - (l < block.count ? block.shapes[l].total_steps : 0);
        }
    }

    // Of the longest lane.
    std::uint32_t steps() const { return steps_; }
    std::uint32_t first(std::size_t l) const { return first_[l]; }
    // The lanes whose first step is this one.
    LaneSet starting(std::uint32_t step) const {
        return set_of([&](std::size_t l) { return first_[l] == step; });
    }
    // The lanes that cross an ex-date before their next step.
    LaneSet crossing() const {
        return set_of([&](std::size_t l) { return left_[l] == 0; });
    }
    // The lanes whose next step is the last of an interval.
    LaneSet ending() const {
        return set_of([&](std::size_t l) { return left_[l] == 1; });
    }
    // Whether these are all lanes, and all in intervals of the same number.
    bool in_step(LaneSet lanes) const {
        return lanes == kEveryOption &&
               set_of([&](std::size_t l) { return interval_[l] == interval_[0]; }) == kEveryOption;
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

    void start(std::size_t l) {
        interval_[l] = first_interval(l);
        left_[l] = steps_in(l, interval_[l]);
    }
    void cross(std::size_t l) { left_[l] = steps_in(l, --interval_[l]); }
    void advance() {
        for (std::size_t l = 0; l < kLadderOptions; ++l) left_[l] -= left_[l] == kIdle ? 0 : 1;
    }

  private:
    static constexpr std::uint32_t kIdle = 0xFFFFFFFF;

    template <class Predicate>
    ATALANTA_INLINE static LaneSet set_of(Predicate&& holds) {
        LaneSet lanes = 0;
        for (std::size_t l = 0; l < kLadderOptions; ++l) lanes |= (holds(l) ? 1u : 0u) << l;
        return lanes;
    }

    const LadderShape* shapes_[kLadderOptions];
    std::uint32_t first_[kLadderOptions];
    std::uint32_t left_[kLadderOptions];  // steps of the present interval
    std::uint32_t interval_[kLadderOptions];
    std::uint32_t steps_ = 0;
};

}  // namespace
}  // namespace atalanta
