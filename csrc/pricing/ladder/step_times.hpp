// When the steps of an interval end, lane by lane. After expiry they grow, the first being about the least
// that does not make the compact form ring. Beyond an ex-date a put is not exercised for a while, because the
// dividend is worth more than the interest on the strike; then a boundary appears out of nowhere, in all
// depths at once: a step ends there, and short ones follow. Entries: StepTimes::set, StepTimes::share.
#pragma once

#include "pricing/ladder/block.hpp"

namespace atalanta {
namespace {

constexpr double kLeastRatioAtExpiry = 0.5;  // D dt / h^2 of the first step
constexpr double kSteepestGrading = 2.5;
constexpr double kStepsWithoutExercise = 0.5;  // how much fewer an equal stretch without exercise gets

class StepTimes {
  public:
    // The interval that begins at expiry.
    ATALANTA_INLINE void set_first(const Normalised& n, std::size_t steps, const PerLane& length) {
        const double inverse_log = steps > 1 ? 1.0 / logarithm(static_cast<double>(steps)) : 0.0;
        steps_ = static_cast<double>(steps);
        each_lane([&](std::size_t l) {
            const double inverse = n.inverse_spacing[l];
            const double ratios =
                n.diffusion[l] * length[l] * inverse * inverse * (1.0 / kLeastRatioAtExpiry);
            const double wanted = logarithm(ratios > 1.0 ? ratios : 1.0) * inverse_log;
            const double least = wanted > 1.0 ? wanted : 1.0;
            grading_[l] = least < kSteepestGrading ? least : kSteepestGrading;
            break_step_[l] = steps_;
            break_share_[l] = 1.0;
        });
    }

    // An interval that begins at an ex-date.
    ATALANTA_INLINE void set_later(const Normalised& n, std::size_t steps, const PerLane& length,
                                   const PerLane& cash) {
        steps_ = static_cast<double>(steps);
        each_lane([&](std::size_t l) {
            const bool waits = (n.exercisable[l] > 0.0) & (n.side[l] > 0.0) & (n.rate[l] > 0.0);
            const double rate = waits ? n.rate[l] : 1.0;
            const double wait = log_ratio(n.strike[l] + cash[l], n.strike[l]) / (rate * length[l]);
            const double step = __builtin_floor(fma(kStepsWithoutExercise * steps_, wait, 0.5));
            const double at_least_one = step > 1.0 ? step : 1.0;
            const double one_left = at_least_one < steps_ - 1.0 ? at_least_one : steps_ - 1.0;
            const bool breaks = waits & (wait < 1.0);
            grading_[l] = 1.0;
            break_step_[l] = breaks ? one_left : steps_;
            break_share_[l] = breaks ? wait : 1.0;
        });
    }

    // The share of the interval that the first `step` steps take.
    ATALANTA_INLINE double share(std::size_t l, double step) const {
        const double before = step < break_step_[l] ? step / break_step_[l] : 1.0;
        const double rest = steps_ - break_step_[l];
        const double beyond =
            step > break_step_[l] ? (step - break_step_[l]) / (rest > 0.0 ? rest : 1.0) : 0.0;
        const double graded = exponential(grading_[l] * logarithm(before));
        return fma(1.0 - break_share_[l], beyond * square_root(beyond), break_share_[l] * graded);
    }

  private:
    PerLane grading_, break_step_, break_share_;
    double steps_;
};

}  // namespace
}  // namespace atalanta
