// All other first derivatives of the sixteen prices at once: the march transposed, from the present back to
// expiry. The density that comes down the grids meets every payoff, dividend and grid position on its way,
// and what it leaves there is the derivative by it, exact for the discrete price. Entry:
// LadderAdjoint::solve. Step times and the far end of the grid are held fixed.
#pragma once

#include "pricing/ladder/adjoint_dates.hpp"
#include "pricing/ladder/readings.hpp"

namespace atalanta {
namespace {

class LadderAdjoint {
  public:
    static std::size_t doubles(const LadderShape& shape) {
        return (shape.dividends + 1) * (sizeof(PerLane) + sizeof(DateWeights)) / sizeof(double);
    }

    LadderAdjoint(LadderMarch& march, const Tape& tape, double* memory)
        : march_(march),
          n_(march.normalised()),
          tape_(tape),
          nodes_(march.shape().nodes),
          dividends_(march.shape().dividends),
          by_centre_(reinterpret_cast<PerLane*>(memory)),
          dates_(reinterpret_cast<DateWeights*>(by_centre_ + dividends_ + 1)),
          values_(march.grid()),
          spare_(march.spare()) {}

    // by_cash: entry d of lane l at d * kLadderOptions + l.
    void solve(LadderSensitivities* out, double* by_cash) {
        PerLane exercised;
        for (std::size_t l = 0; l < kLadderOptions; ++l) exercised[l] = is_exercised(march_, l) ? 1.0 : 0.0;
        const PerLane price = seed();
        by_centre_now_ = &by_centre_[0];
        each_lane([&](std::size_t l) { by_centre_[0][l] = 0.0; });
        std::size_t step = 0;
        for (std::uint32_t k = 0; k <= dividends_; ++k) step += march_.shape().steps[k];
        for (std::uint32_t d = 0;; ++d) {
            for (std::size_t s = march_.shape().steps[dividends_ - d]; s > 0; --s) undo(tape_.step(--step));
            if (step == 0) break;
            uncross(d);
        }
        unstart(by_cash);
        unplace_centres(by_cash);
        for (std::size_t l = 0; l < kLadderOptions; ++l)
            out[l] = finish(l, price[l], exercised[l] > 0.0, by_cash);
    }

  private:
    // The price in units of u, and its derivative by u.
    PerLane seed() {
        PerLane price;
        for (std::size_t l = 0; l < kLadderOptions; ++l) price[l] = march_.u(l, 0);
        __builtin_memset(values_, 0, nodes_ * kLadderOptions * sizeof(double));
        each_lane([&](std::size_t l) {
            node(values_, nodes_ / 2)[l] = 1.0;
            by_rate_[l] = by_yield_[l] = by_vol_[l] = by_diffusion_[l] = by_drift_[l] = by_spacing_[l] = 0.0;
            exercised_[l] = by_edge0_[l] = by_edge1_[l] = 0.0;
        });
        return price;
    }

    void undo(const StepRecord& step) {
        undo_stage(step, step.stage[1]);
        transpose_down_second(step.op, nodes_, values_, spare_);
        undo_stage(step, step.stage[0]);
        transpose_down_first(step.op, nodes_, values_, spare_);
        swap();
    }

    // The far end: u0 + (1 - e^(diffusion elapsed)) (u0 - u1) / (e^h - 1), of nodes 0 and 1 as the interval
    // began.
    [[gnu::flatten]] void undo_edge(const PerLane& time, const PerLane& weight) {
        const EdgeRecord& edge = tape_.edge(interval_);
        each_lane([&](std::size_t l) {
            const double elapsed = time[l] - edge.since[l], grown = exponential(n_.diffusion[l] * elapsed);
            const double step = exponential(n_.spacing[l]), share = 1.0 / (step - 1.0);
            const double outer = weight[l] * share * (1.0 - grown);
            by_edge0_[l] += weight[l] + outer;
            by_edge1_[l] -= outer;
            by_diffusion_[l] -= weight[l] * share * elapsed * grown * edge.fall[l];
            by_spacing_[l] -= outer * share * step * edge.fall[l];
        });
    }

    // To the values at the beginning of the interval's march.
    void settle_edge() {
        each_lane([&](std::size_t l) {
            values_[l] += by_edge0_[l];
            values_[kLadderOptions + l] += by_edge1_[l];
            by_edge0_[l] = by_edge1_[l] = 0.0;
        });
    }

    void undo_stage(const StepRecord& step, const StageRecord& stage) {
        PayoffWeights weights;
        weights.clear();
        transpose_up(step, stage, n_, march_.growth(), nodes_, values_, weights);
        collect(stage.payoff, weights);
        undo_edge(stage.payoff.time, weights.edge);
    }

    void uncross(std::uint32_t d) {
        settle_edge();
        const DateRecord& record = tape_.date(d);
        PayoffWeights weights;
        weights.clear();
        transpose_exercise(record, n_, march_.growth(), nodes_, values_, weights);
        collect(record.payoff, weights);
        PayoffWeights paid;
        paid.clear();
        transpose_carry_over(n_, march_.date(d), record.payoff_after, march_.growth(), nodes_, record.after,
                             values_, spare_, dates_[d], paid, by_spacing_);
        interval_ = d + 1;
        by_centre_now_ = &by_centre_[d + 1];
        each_lane([&](std::size_t l) { by_centre_[d + 1][l] = 0.0; });
        collect(record.payoff_after, paid);
        swap();
    }

    // level = e^(rate tau), slope = e^(yield tau + diffusion elapsed + centre), one of them times the grown
    // strike.
    void unstart(double* by_cash) {
        settle_edge();
        const StartRecord& start = march_.start_record();
        PayoffWeights w;
        w.clear();
        transpose_start(n_, start, march_.growth(), nodes_, values_, w, by_diffusion_);
        PerLane &by_centre = *by_centre_now_, by_strike;
        each_lane([&](std::size_t l) {
            const double by_log_level = start.payoff.level[l] * w.plain[l];
            const double by_log_slope = -start.payoff.slope[l] * w.grown[l];
            by_rate_[l] = fma(start.payoff.time[l], by_log_level, by_rate_[l]);
            by_yield_[l] = fma(start.payoff.time[l], by_log_slope, by_yield_[l]);
            by_diffusion_[l] = fma(start.elapsed[l], by_log_slope, by_diffusion_[l]);
            by_centre[l] += by_log_slope;
            by_spacing_[l] += w.spacing[l] - start.payoff.slope[l] * w.moved[l];
            const double by_grown = fma(start.in_level[l], by_log_level, start.in_slope[l] * by_log_slope);
            by_strike[l] = by_grown / (start.grown[l] * n_.strike[l]);
        });
        for (std::uint32_t d = interval_; d < dividends_; ++d) {
            const ExDate date = march_.date(d);
            double* to = by_cash + d * kLadderOptions;
            each_lane(
                [&](std::size_t l) { to[l] = by_strike[l] * cash_in_strike(n_, l, 1.0, date.time[l]); });
        }
    }

    void swap() {
        double* const swapped = values_;
        values_ = spare_;
        spare_ = swapped;
    }

    // From payoffs to what they are made of: level = e^(rate tau), slope = e^((yield + diffusion) tau +
    // centre).
    [[gnu::flatten]] void collect(const PayoffRecord& payoff, const PayoffWeights& w) {
        PerLane& by_centre = *by_centre_now_;
        each_lane([&](std::size_t l) {
            const double a = payoff.level[l], b = payoff.slope[l], tau = payoff.time[l];
            const double r = n_.rate[l], q = n_.yield[l], inverse = 1.0 / n_.diffusion[l];
            const double by_log_level = a * fma(r * inverse, w.bend_plain[l], w.plain[l]);
            const double by_log_slope = -b * fma(q * inverse, w.bend_grown[l], w.grown[l]);
            by_rate_[l] += fma(tau, by_log_level, a * inverse * w.bend_plain[l]);
            by_yield_[l] += fma(tau, by_log_slope, -(b * inverse * w.bend_grown[l]));
            by_diffusion_[l] +=
                fma(tau, by_log_slope,
                    -(inverse * inverse) * (r * a * w.bend_plain[l] - q * b * w.bend_grown[l]));
            by_centre[l] += by_log_slope;
            by_spacing_[l] += w.spacing[l] - b * fma(q * inverse, w.bend_moved[l], w.moved[l]);
            // A put lane is in the spot's measure already; a call lane's mass counts shares.
            const double growth = exponential(fma(q, n_.years[l] - tau, -r * n_.years[l]));
            const double in_cash = n_.spot[l] / n_.strike[l] * growth * b * w.grown[l];
            exercised_[l] += n_.side[l] > 0.0 ? w.plain[l] : in_cash;
        });
    }

    // Centres hang on each other through the dates, from the present on.
    void unplace_centres(double* by_cash) {
        for (std::uint32_t d = interval_; d > 0; --d) {
            const ExDate date = march_.date(d - 1);
            const DateWeights& w = dates_[d - 1];
            PerLane &after = by_centre_[d], &before = by_centre_[d - 1];
            double* to = by_cash + (d - 1) * kLadderOptions;
            each_lane([&](std::size_t l) {
                const double side = n_.side[l], by_shift = side * (w.shift[l] + after[l]);
                const CentreAfter c = centre_after(n_, l, date.time[l], date.spot[l], date.cash[l]);
                const double by_left = by_shift / c.spot;
                const double by_log_spot = w.log_spot[l] + fma(by_left, c.by_log_spot, -by_shift);
                to[l] = fma(by_left, c.by_cash, w.cash[l]);
                by_vol_[l] = fma(by_left, c.by_vol, by_vol_[l]);
                before[l] += fma(side, by_log_spot, after[l]);
                by_drift_[l] = fma(-side * date.time[l], by_log_spot, by_drift_[l]);
            });
        }
        each_lane([&](std::size_t l) { by_drift_[l] = fma(n_.years[l], by_centre_[0][l], by_drift_[l]); });
    }

    LadderSensitivities finish(std::size_t l, double u, bool exercised, double* by_cash) const {
        const bool put = n_.side[l] > 0.0;
        const double unit =
            exercised ? 0.0 : (put ? n_.strike[l] : n_.spot[l]) * exponential(-n_.rate[l] * n_.years[l]);
        for (std::uint32_t d = 0; d < dividends_; ++d) by_cash[d * kLadderOptions + l] *= unit;
        const double by_diffusion = by_diffusion_[l] - by_drift_[l];
        const double by_rate = by_rate_[l] + by_drift_[l] - n_.years[l] * u;
        const double by_yield = by_yield_[l] - by_drift_[l];
        const double by_width = fma(by_spacing_[l], n_.spacing[l] / n_.vol[l], by_vol_[l]);
        const double vega = fma(by_diffusion, n_.vol[l], by_width);
        return {unit * vega, unit * (put ? by_rate : by_yield), unit * (put ? by_yield : by_rate),
                exercised ? 1.0 : exercised_[l]};
    }

    LadderMarch& march_;
    const Normalised& n_;
    const Tape& tape_;
    const std::size_t nodes_;
    const std::uint32_t dividends_;
    PerLane* by_centre_;  // of each interval between dates, from the present on
    DateWeights* dates_;
    PerLane* by_centre_now_ = nullptr;
    double *values_, *spare_;
    PerLane by_rate_, by_yield_, by_vol_, by_diffusion_, by_drift_, by_spacing_;
    PerLane exercised_, by_edge0_, by_edge1_;
    std::uint32_t interval_ = 0;
};

}  // namespace
}  // namespace atalanta
