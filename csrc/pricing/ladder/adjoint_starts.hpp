// Where a transposed march ends, the starts of its lanes: from the derivatives by u there, and by every
// payoff on the way, to those by what they are made of. Entry: AdjointStarts::unstart.
#pragma once

#include "pricing/ladder/adjoint_dates.hpp"
#include "pricing/ladder/column_adjoint.hpp"
#include "pricing/ladder/readings.hpp"
#include "pricing/ladder/start_transposed.hpp"

namespace atalanta {
namespace {

class AdjointStarts {
  public:
    // of_columns and columns: for the starts of calls.
    AdjointStarts(LadderMarch& march, const Tape& tape, ColumnAdjoint& of_columns, const ColumnTape& columns,
                  double* memory)
        : march_(march),
          of_columns_(of_columns),
          columns_(columns),
          block_(march.block()),
          n_(march.normalised()),
          tape_(tape),
          nodes_(march.nodes()),
          dividends_(march.extent().dividends),
          programs_(block_),
          by_centre_(reinterpret_cast<PerLane*>(memory)),
          dates_(reinterpret_cast<DateWeights*>(by_centre_ + dividends_ + 1)),
          values_(march.grid()),
          spare_(march.spare()) {}

  protected:
    void leave_centre(std::size_t l, std::uint32_t interval) {
        by_centre_[interval][l] = by_centre_now_[l];
        by_centre_now_[l] = 0.0;
    }

    // level = grown e^(rate tau), slope = e^(yield tau + diffusion elapsed + centre).
    void unstart(std::size_t l, double* by_cash) {
        if (march_.starts_narrow(l)) {
            unstart_narrow(l, by_cash);
            return;
        }
        if (march_.starts_smooth(l)) {
            unstart_smooth(l);
            return;
        }
        const StartRecord& start = march_.start_record();
        PayoffWeights near, far;
        near.clear();
        far.clear();
        const StartSlopes slopes = transpose_start(n_, start, l, march_.growth(), nodes_, values_, near, far);
        by_diffusion_[l] += slopes.by_diffusion;
        by_rate_[l] += slopes.by_rate + slopes.by_most;
        by_yield_[l] -= slopes.by_rate;
        exercised_[l] += share_exercised(l, 0.0, slopes.exercised_plain, slopes.exercised_grown);
        const double by_near = leave_payoff(l, start.near, near) + slopes.by_grown,
                     by_far = leave_payoff(l, start.far, far);
        const bool put = n_.side[l] > 0.0, now = start.near.payoff.time[l] > 0.0;
        const double by_now = put ? (now ? by_near : by_far) / n_.strike[l] : 0.0;
        const double by_waiting = put ? (now ? by_far : by_near) / n_.strike[l] : 0.0;
        const double then = (now ? start.near : start.far).payoff.time[l];
        for (std::uint32_t d = interval_[l]; d < block_.options[l].dividends; ++d) {
            const LaneDate date = march_.calendar().date(d, l);
            const double before = date.time >= then ? by_now * LeftOut::growth(n_, l, date, then) : 0.0;
            by_cash[d * kLadderOptions + l] = fma(by_waiting, LeftOut::growth(n_, l, date, 0.0), before);
        }
        leave_centre(l, interval_[l]);
        for (std::size_t i = 0; i < nodes_; ++i) node(values_, i)[l] = 0.0;
    }

    void unstart_narrow(std::size_t l, double* by_cash) {
        const std::uint32_t d = interval_[l];
        const ColumnMarch march = march_.narrow_start(l, columns_);
        const auto w = of_columns_.unstart_steps(l, d, values_, march, columns_);
        by_rate_[l] += w.by_rate;
        by_yield_[l] += w.by_yield;
        by_diffusion_[l] += w.by_diffusion;
        by_spacing_[l] += w.by_spacing;
        exercised_[l] += w.exercised;
        by_drift_[l] = fma(-n_.side[l] * march_.calendar().date(d, l).time, w.by_log_spot, by_drift_[l]);
        by_centre_now_[l] += fma(n_.side[l], w.by_log_spot, w.by_centre);
        by_cash[d * kLadderOptions + l] = w.by_cash;
        leave_centre(l, d);
        for (std::size_t i = 0; i < nodes_; ++i) node(values_, i)[l] = 0.0;
    }

    // What exercise adds about the boundary is so little that it counts as given.
    void unstart_smooth(std::size_t l) {
        const SmoothStart start = march_.smooth_start(l);
        const double middle = static_cast<double>(nodes_ / 2);
        PayoffWeights paid;
        paid.clear();
        double by_deviation = 0.0, later = 0.0, later_grown = 0.0;
        for (std::size_t i = 0; i < nodes_; ++i) {
            const double weight = node(values_, i)[l], cells = static_cast<double>(i) - middle;
            node(values_, i)[l] = 0.0;
            if (start.is_exercised(cells)) {
                paid.add(l, weight, node(march_.growth(), i)[l], cells);
                continue;
            }
            const double exercised = weight * start.exercised(cells);
            later += exercised;
            later_grown = fma(exercised, node(march_.growth(), i)[l], later_grown);
            const EuropeanSlopes slopes = start.slopes(cells);
            by_deviation = fma(weight, slopes.by_deviation, by_deviation);
            by_centre_now_[l] = fma(weight, slopes.by_y, by_centre_now_[l]);
            by_spacing_[l] = fma(weight * slopes.by_y, cells, by_spacing_[l]);
        }
        collect(l, start.payoff(), paid.lane(l));
        exercised_[l] += share_exercised(l, start.payoff().time, later, start.payoff().slope * later_grown);
        by_diffusion_[l] += by_deviation * start.deviation() / (2.0 * n_.diffusion[l]);
        leave_centre(l, interval_[l]);
    }

    // Returns the derivative by how much the dividends have grown the strike. A payoff of before expiry is
    // that of exercise between the dates that the march leaves out.
    double leave_payoff(std::size_t l, const StartPayoff& start, const PayoffWeights& w) {
        const double tau = start.payoff.time[l];
        if (tau > 0.0)
            exercised_[l] += share_exercised(l, tau, w.plain[l], start.payoff.slope[l] * w.grown[l]);
        const double by_log_level = start.payoff.level[l] * w.plain[l];
        const double by_log_slope = -start.payoff.slope[l] * w.grown[l];
        by_rate_[l] = fma(start.payoff.time[l], by_log_level, by_rate_[l]);
        by_yield_[l] = fma(start.payoff.time[l], by_log_slope, by_yield_[l]);
        by_diffusion_[l] = fma(march_.start_record().elapsed[l], by_log_slope, by_diffusion_[l]);
        by_centre_now_[l] += by_log_slope;
        by_spacing_[l] += w.spacing[l] - start.payoff.slope[l] * w.moved[l];
        return by_log_level / start.grown[l];
    }

    // From payoffs to what they are made of: level = e^(rate tau), slope = e^((yield + diffusion) tau +
    // centre).
    ATALANTA_INLINE void collect(std::size_t l, const LanePayoff& payoff, const PayoffWeight& w) {
        const double a = payoff.level, b = payoff.slope, tau = payoff.time;
        const double r = n_.rate[l], q = n_.yield[l], inverse = 1.0 / n_.diffusion[l];
        const double by_log_level = a * fma(r * inverse, w.bend_plain, w.plain);
        const double by_log_slope = -b * fma(q * inverse, w.bend_grown, w.grown);
        by_rate_[l] += fma(tau, by_log_level, a * inverse * w.bend_plain);
        by_yield_[l] += fma(tau, by_log_slope, -(b * inverse * w.bend_grown));
        by_diffusion_[l] +=
            fma(tau, by_log_slope, -(inverse * inverse) * (r * a * w.bend_plain - q * b * w.bend_grown));
        by_centre_now_[l] += by_log_slope;
        by_spacing_[l] += w.spacing - b * fma(q * inverse, w.bend_moved, w.moved);
        exercised_[l] += share_exercised(l, payoff.time, w.plain, b * w.grown);
    }

    // A put lane is in the spot's measure already; a call lane's mass counts shares.
    ATALANTA_INLINE double share_exercised(std::size_t l, double tau, double by_strike,
                                           double by_spot) const {
        if (n_.side[l] > 0.0) return by_strike;
        const double growth = exponential(fma(n_.yield[l], n_.years[l] - tau, -n_.rate[l] * n_.years[l]));
        return n_.spot[l] / n_.strike[l] * growth * by_spot;
    }

    LadderMarch& march_;
    ColumnAdjoint& of_columns_;
    const ColumnTape& columns_;
    const LadderBlock& block_;
    const Normalised& n_;
    const Tape& tape_;
    const std::size_t nodes_;
    const std::uint32_t dividends_;
    const LanePrograms programs_;
    PerLane* by_centre_;  // of each interval between dates, from the present on
    DateWeights* dates_;
    double *values_, *spare_;
    PerLane by_centre_now_;
    PerLane by_rate_, by_yield_, by_vol_, by_diffusion_, by_drift_, by_spacing_;
    PerLane exercised_;
    std::uint32_t interval_[kLadderOptions];  // in the order of the calendar
};

}  // namespace
}  // namespace atalanta
