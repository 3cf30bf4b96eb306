// When the steps of an interval end, lane by lane. They grow from where the solution has a kink, the payoff
// at expiry or an ex-date close to it, the first being about the least that does not make the compact form
// ring. Beyond an ex-date a put is not exercised for a while, because the dividend is worth more than the
// interest on the strike; then a boundary appears out of nowhere, at all depths at once, or first beside the
// strike where the yield is below zero: a step ends there, and short ones follow. Entries: StepTimes::set,
// StepTimes::advance.
#pragma once

#include "pricing/ladder/block.hpp"

namespace atalanta {
namespace {

constexpr double kLeastRatio = 0.5;      // D dt / h^2 of a step from a kink
constexpr double kRatioOfElapsed = 0.5;  // of a first step, once the time since expiry has smoothed the kink
constexpr double kSteepestGrading = 2.5;
constexpr double kStepsWithoutExercise = 0.7;  // how much fewer an equal stretch without exercise gets
constexpr double kLaterGrowth = 0.3;           // of steps after a stretch without exercise; 1 from nothing
constexpr double kLeastWait = 0.3;             // D t / h^2 of a stretch without exercise that ends in a step
constexpr double kLeastLater = 0.3;            // of a step after it; shorter ones ring
constexpr double kSmoothRatio = 4.0;           // D t / h^2 from which on a stretch without exercise is smooth

// What exercise of a put earns a year, over the strike: the rate, and where the yield costs instead of paying
// that of the spot as well, at which a boundary appears first where that is about so much of the strike.
constexpr double kAppearsAt = 0.8;
ATALANTA_INLINE double earned_by_exercise(const Normalised& n, std::size_t l) {
    return n.yield[l] < 0.0 ? fma(-kAppearsAt, n.yield[l], n.rate[l]) : n.rate[l];
}

class StepTimes {
  public:
    // Every lane stands still.
    StepTimes() {
        each_lane([&](std::size_t l) {
            grading_[l] = break_step_[l] = break_share_[l] = steps_[l] = 1.0;
            by_step_[l] = by_later_step_[l] = 1.0;
            taken_[l] = 0.0;
        });
    }

    // Lanes begin an interval `length` long, so many years from a kink, where waiting for later dividends
    // gains `cash` (0 and 0 for the first one).
    ATALANTA_INLINE void set(const Normalised& n, LaneSet lanes, const PerLane& steps,
                             const PerLane& since_kink, const PerLane& length, const PerLane& cash) {
        each_of(lanes, [&](std::size_t l) {
            steps_[l] = steps[l];
            taken_[l] = 0.0;
            const double per_year = n.diffusion[l] * n.inverse_spacing[l] * n.inverse_spacing[l];
            const bool early = n.exercisable[l] > 0.0, put = n.side[l] > 0.0;
            const double age = per_year * since_kink[l];
            const bool earns = n.rate[l] > 0.0, pays = cash[l] > 0.0;
            const bool waits = early & put & earns & pays;
            const double rate = waits ? earned_by_exercise(n, l) : 1.0;
            const double wait = log_ratio(n.strike[l] + cash[l], n.strike[l]) / (rate * length[l]);
            const double density = age < kSmoothRatio ? 1.0 : kStepsWithoutExercise;
            const double step = __builtin_floor(fma(density * steps[l], wait, 0.5));
            const double at_least_one = step > 1.0 ? step : 1.0;
            const double one_left = at_least_one < steps[l] - 1.0 ? at_least_one : steps[l] - 1.0;
            const bool ends = wait < 1.0, several = steps[l] > 1.0;
            const double whole = per_year * length[l], rest = whole * (1.0 - wait);
            const bool seen = whole * wait > kLeastWait, costs = n.yield[l] < 0.0;
            const bool is_long = !costs | (rest > kLeastLater * (steps[l] - one_left));
            const bool breaks = waits & ends & several & seen & is_long;
            break_step_[l] = breaks ? one_left : steps[l];
            break_share_[l] = breaks ? wait : 1.0;
            const double first = kRatioOfElapsed * age > kLeastRatio ? kRatioOfElapsed * age : kLeastRatio;
            const double ratios = per_year * length[l] * break_share_[l] / first;
            const double graded_steps = break_step_[l] > 1.5 ? break_step_[l] : 2.0;
            const double wanted = logarithm(ratios > 1.0 ? ratios : 1.0) / logarithm(graded_steps);
            const double least = wanted > 1.0 ? wanted : 1.0;
            grading_[l] = least < kSteepestGrading ? least : kSteepestGrading;
            const double later = steps_[l] - break_step_[l];
            by_step_[l] = 1.0 / break_step_[l];
            by_later_step_[l] = 1.0 / (later > 0.0 ? later : 1.0);
        });
        graded_ = false;
        for (std::size_t l = 0; l < kLadderOptions; ++l) graded_ |= grading_[l] > 1.0;
    }

    // The shares of their intervals that are over at the end of the next step.
    ATALANTA_INLINE void advance(PerLane& share) {
        each_lane([&](std::size_t l) {
            const double step = taken_[l] + 1.0;
            taken_[l] = step;
            const double whole = step * by_step_[l], before = whole < 1.0 ? whole : 1.0;
            const double after = (step - break_step_[l]) * by_later_step_[l],
                         beyond = after > 0.0 ? after : 0.0;
            const double later = beyond * fma(kLaterGrowth, beyond, 1.0 - kLaterGrowth);
            share[l] = fma(1.0 - break_share_[l], later, break_share_[l] * before);
        });
        if (!graded_) return;
        each_lane([&](std::size_t l) {
            const double step = taken_[l], whole = step * by_step_[l], before = whole < 1.0 ? whole : 1.0;
            const double graded = exponential(grading_[l] * logarithm(before));
            const double later = share[l];
            const bool grows = grading_[l] > 1.0, first = step < break_step_[l], applies = grows & first;
            share[l] = applies ? break_share_[l] * graded : later;
        });
    }

  private:
    PerLane grading_, break_step_, break_share_, steps_, taken_;
    PerLane by_step_, by_later_step_;  // shares of the stretches before and after the break that a step is
    bool graded_ = false;              // in some lane
};

}  // namespace
}  // namespace atalanta
