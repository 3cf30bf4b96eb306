// The march of sixteen options from expiry to the present. Entry: LadderMarch::solve, which leaves u of the
// present in its grid, for the readings, and what it did on a tape, if it is given one.
#pragma once

#include "pricing/ladder/present.hpp"
#include "pricing/ladder/shape.hpp"
#include "pricing/ladder/start.hpp"
#include "pricing/ladder/step_times.hpp"

namespace atalanta {
namespace {

constexpr double kNoObstacle = -1e30;

// Doubles that a march needs, per shape. The memory is aligned to 64 bytes.
constexpr std::size_t march_doubles(std::size_t nodes, std::size_t dividends) {
    return kLadderOptions * (3 * nodes + 5 * (dividends + 1)) + Tape::held_doubles(nodes);
}

class LadderMarch {
  public:
    LadderMarch(const LadderOption* options, const LadderShape& shape, double* memory)
        : shape_(shape),
          nodes_(shape.nodes),
          growth_(memory),
          u_(memory + kLadderOptions * nodes_),
          w_(u_ + kLadderOptions * nodes_),
          centres_(w_ + kLadderOptions * nodes_),
          dates_(centres_ + kLadderOptions * (shape.dividends + 1)) {
        last_sweep_.held =
            reinterpret_cast<std::uint16_t*>(dates_ + kLadderOptions * kDateColumns * (shape.dividends + 1));
        n_.fill(options, shape);
        place_centres(options);
        fill_growth();
    }

    void solve(const Tape* tape = nullptr) {
        tape_ = tape;
        step_ = 0;
        for (std::uint32_t k = start(); k <= shape_.dividends; ++k) {
            const std::uint32_t d = shape_.dividends - k;
            PerLane until = n_.years;
            if (d > 0) copy(until, date_column(d - 1, kTime));
            march(k, until);
            if (d > 0) cross(d - 1);
        }
        exercise_now_ = find_exercise(last_sweep_, n_);
        continue_smoothly(n_, payoff_, exercise_now_, growth_, nodes_, u_);
    }

    // u at the node of the present spot, offset by whole nodes.
    double u(std::size_t lane, std::ptrdiff_t offset) const {
        return node(u_, static_cast<std::size_t>(static_cast<std::ptrdiff_t>(nodes_ / 2) + offset))[lane];
    }
    const Normalised& normalised() const { return n_; }
    const ExerciseNow& exercise_now() const { return exercise_now_; }
    const LadderShape& shape() const { return shape_; }
    const StartRecord& start_record() const { return start_; }
    const double* growth() const { return growth_; }
    // The solved grid and the spare one, for those who need neither any more.
    double* grid() { return u_; }
    double* spare() { return w_; }
    // In the order of the calendar: the logarithm of X at the middle node before date d, plus drift tau.
    const double* centre(std::uint32_t d) const { return centres_ + d * kLadderOptions; }
    ExDate date(std::uint32_t d) const {
        ExDate date;
        copy(date.time, date_column(d, kTime));
        copy(date.cash, date_column(d, kCash));
        copy(date.spot, date_column(d, kSpot));
        copy(date.shift, date_column(d, kShift));
        each_lane([&](std::size_t l) { date.share[l] = date.cash[l] / date.spot[l]; });
        return date;
    }

  private:
    enum : std::size_t { kTime, kCash, kSpot, kShift, kDateColumns };
    double* date_column(std::uint32_t d, std::size_t column) const {
        return dates_ + (d * kDateColumns + column) * kLadderOptions;
    }

    ATALANTA_INLINE static void copy(PerLane& to, const double* from) {
        for (std::size_t l = 0; l < kLadderOptions; ++l) to[l] = from[l];
    }

    // The centre follows the median of the spot through its dividends, so that the present spot and every
    // ex-date map node to node there.
    void place_centres(const LadderOption* options) {
        PerLane centre;
        each_lane([&](std::size_t l) {
            const double log_x = n_.side[l] * log_ratio(n_.spot[l], n_.strike[l]);
            centre[l] = fma(n_.drift[l], n_.years[l], log_x);
        });
        for (std::uint32_t d = 0; d <= shape_.dividends; ++d) {
            double* to = centres_ + d * kLadderOptions;
            for (std::size_t l = 0; l < kLadderOptions; ++l) to[l] = centre[l];
            if (d == shape_.dividends) return;
            double *time = date_column(d, kTime), *cash = date_column(d, kCash);
            double *spot = date_column(d, kSpot), *shift = date_column(d, kShift);
            for (std::size_t l = 0; l < kLadderOptions; ++l) {
                time[l] = n_.years[l] - options[l].ex_years[d];
                cash[l] = options[l].cash[d];
            }
            each_lane([&](std::size_t l) {
                const double log_x = fma(-n_.drift[l], time[l], centre[l]);
                const double at = n_.strike[l] * exponential(n_.side[l] * log_x);
                spot[l] = at;
                shift[l] = n_.side[l] * log_ratio(centre_after(n_, l, time[l], at, cash[l]).spot, at);
                centre[l] += shift[l];
            });
        }
    }

    void fill_growth() {
        const double middle = static_cast<double>(nodes_ / 2);
        for (std::size_t i = 0; i < nodes_; ++i) {
            double* to = node(growth_, i);
            each_lane([&](std::size_t l) {
                to[l] = exponential((static_cast<double>(i) - middle) * n_.spacing[l]);
            });
        }
    }

    // Returns the interval, counted from expiry, in which the march begins.
    std::uint32_t start() {
        std::uint32_t k = 0;
        PerLane time, cash;
        each_lane([&](std::size_t l) { time[l] = cash[l] = 0.0; });
        for (; k < shape_.dividends && shape_.steps[k] == 0; ++k) {
            const std::uint32_t d = shape_.dividends - 1 - k;
            const double *of_date = date_column(d, kTime), *paid = date_column(d, kCash);
            each_lane([&](std::size_t l) {
                time[l] = of_date[l];
                cash[l] += cash_in_strike(n_, l, paid[l], of_date[l]);
            });
        }
        const std::uint32_t interval = shape_.dividends - k;
        time_ = time;
        start_.set(n_, time, cash, centre(interval));
        payoff_ = start_.payoff;
        fill_start(start_, growth_, nodes_, u_);
        fit_asymptote(interval);
        correct_start(n_, start_, nodes_, u_);
        return k;
    }

    // Interval k, counted from expiry, up to the time to expiry `until`.
    void march(std::uint32_t k, const PerLane& until) {
        const std::size_t steps = shape_.steps[k];
        if (steps == 0) return;
        const double* centre = centres_ + (shape_.dividends - k) * kLadderOptions;
        const PerLane since = time_;
        StepTimes times;
        set_times(k, steps, until, times);
        for (std::size_t s = 1; s <= steps; ++s) {
            PerLane end, ratio, middle, share;
            times.shares(static_cast<double>(s), share);
            each_lane([&](std::size_t l) {
                end[l] = fma(until[l] - since[l], share[l], since[l]);
                const double dt = end[l] - time_[l];
                ratio[l] = n_.diffusion[l] * dt * n_.inverse_spacing[l] * n_.inverse_spacing[l];
                middle[l] = fma(kGamma, dt, time_[l]);
            });
            op_.set(ratio);
            sweep_down_first(op_, nodes_, u_, w_);
            finish_stage(middle, centre, 0, true);
            sweep_down_second(op_, nodes_, u_, w_);
            finish_stage(end, centre, 1, s < steps);
            double* const swapped = u_;
            u_ = w_;
            w_ = swapped;
            ++step_;
            time_ = end;
        }
    }

    void finish_stage(const PerLane& time, const double* centre, std::size_t stage, bool ghosts) {
        set_obstacle(time, centre);
        if (tape_ != nullptr) {
            StepRecord& step = tape_->step(step_);
            StageRecord& record = step.stage[stage];
            step.op = op_;
            record.payoff = payoff_;
            record.ghosts = ghosts;
            sweep_up_recorded(ghosts, record.sweep);
            if (!ghosts) last_sweep_ = record.sweep;
        } else if (!ghosts) {
            sweep_up_recorded(false, last_sweep_);
        } else {
            sweep_up<false>(op_, obstacle_, n_.spacing, growth_, nodes_, true, w_, nullptr);
        }
    }

    void sweep_up_recorded(bool ghosts, SweepRecord& record) {
        record.end = obstacle_.end;
        each_lane([&](std::size_t l) { record.boundary_node[l] = 0.0; });
        sweep_up<true>(op_, obstacle_, n_.spacing, growth_, nodes_, ghosts, w_, &record);
    }

    void set_times(std::uint32_t k, std::size_t steps, const PerLane& until, StepTimes& times) {
        PerLane length, cash;
        each_lane([&](std::size_t l) { length[l] = until[l] - time_[l]; });
        if (step_ == 0) {
            each_lane([&](std::size_t l) { cash[l] = 0.0; });
        } else {
            copy(cash, date_column(shape_.dividends - k, kCash));
        }
        times.set(n_, steps, time_, length, cash);
    }

    void set_payoff(const PerLane& time, const double* centre) {
        payoff_.time = time;
        each_lane([&](std::size_t l) {
            payoff_.level[l] = exponential(n_.rate[l] * time[l]);
            payoff_.slope[l] = exponential(fma(n_.rate[l] - n_.drift[l], time[l], centre[l]));
        });
    }

    void set_obstacle(const PerLane& time, const double* centre) {
        set_payoff(time, centre);
        const double* lowest = growth_;
        PerLane cells;
        each_lane([&](std::size_t l) {
            const double a = payoff_.level[l], b = payoff_.slope[l], r = n_.rate[l], q = n_.yield[l];
            const double inverse = 1.0 / n_.diffusion[l];
            const double c = -op_.alpha[l], h2 = n_.spacing[l] * n_.spacing[l];
            const double bend = r * a * inverse, bend_slope = q * b * inverse;
            const double most = a * inverse * ((r > 0.0 ? r : 0.0) + (q < 0.0 ? -q : 0.0));
            const double grown = exponential(n_.diffusion[l] * (time[l] - asymptote_since_[l]));
            const double distance = fma(n_.drift[l], time[l], -centre[l]) * n_.inverse_spacing[l];
            const bool on = n_.exercisable[l] != 0.0;
            obstacle_.level[l] = on ? a : kNoObstacle;
            obstacle_.slope[l] = on ? b : 0.0;
            obstacle_.bend[l] = on ? bend : 0.0;
            obstacle_.bend_slope[l] = on ? bend_slope : 0.0;
            obstacle_.reach[l] = c > 0.0 ? -0.5 * c * h2 * most : 1e300;
            obstacle_.edge[l] = fma(-asymptote_slope_[l] * grown, lowest[l], asymptote_level_[l]);
            cells[l] = on ? distance : -1e9;
        });
        double last = -1e9;
        for (std::size_t l = 0; l < kLadderOptions; ++l) last = cells[l] > last ? cells[l] : last;
        obstacle_.end = obstacle_end(last);
    }

    // The payoff is zero `cells` above the middle; a few nodes more, where it is clearly negative.
    std::size_t obstacle_end(double cells) const {
        const double end = cells + static_cast<double>(nodes_ / 2) + 4.0;
        if (!(end > 1.0)) return 1;
        return end < static_cast<double>(nodes_) ? static_cast<std::size_t>(end) : nodes_;
    }

    void cross(std::uint32_t d) {
        DateRecord* const record = tape_ == nullptr ? nullptr : &tape_->date(d);
        if (record != nullptr) {
            record->payoff_after = payoff_;
            __builtin_memcpy(record->after, u_, nodes_ * kLadderOptions * sizeof(double));
            each_lane([&](std::size_t l) { record->kink.node[l] = 0.0; });
        }
        carry_over(n_, date(d), payoff_, growth_, nodes_, u_, w_);
        double* const swapped = u_;
        u_ = w_;
        w_ = swapped;
        set_payoff(time_, centres_ + d * kLadderOptions);
        PerLane level, slope;
        each_lane([&](std::size_t l) {
            level[l] = n_.american[l] > 0.0 ? payoff_.level[l] : kNoObstacle;
            slope[l] = n_.american[l] > 0.0 ? payoff_.slope[l] : 0.0;
        });
        exercise_before(n_, level, slope, growth_, nodes_, u_, record == nullptr ? nullptr : record->held,
                        record == nullptr ? nullptr : &record->kink);
        if (record != nullptr) record->payoff = payoff_;
        fit_asymptote(d);
    }

    // Far in the money u = level - slope e^y, from the two lowest nodes.
    void fit_asymptote(std::uint32_t interval) {
        EdgeRecord* const record = tape_ == nullptr ? nullptr : &tape_->edge(interval);
        if (record != nullptr) record->since = time_;
        each_lane([&](std::size_t l) {
            const double e0 = growth_[l], e1 = growth_[kLadderOptions + l], u0 = u_[l];
            asymptote_slope_[l] = (u0 - u_[kLadderOptions + l]) / (e1 - e0);
            asymptote_level_[l] = fma(asymptote_slope_[l], e0, u0);
            asymptote_since_[l] = time_[l];
        });
        if (record == nullptr) return;
        each_lane([&](std::size_t l) { record->fall[l] = u_[l] - u_[kLadderOptions + l]; });
    }

    const LadderShape& shape_;
    const std::size_t nodes_;
    double *growth_, *u_, *w_, *centres_, *dates_;
    Normalised n_;
    StepOperator op_;
    Obstacle obstacle_;
    StartRecord start_;
    PayoffRecord payoff_;     // the last one set
    SweepRecord last_sweep_;  // of the present, or before an ex-date
    ExerciseNow exercise_now_;
    PerLane time_;
    const Tape* tape_ = nullptr;
    std::size_t step_ = 0;  // since expiry
    PerLane asymptote_level_, asymptote_slope_, asymptote_since_;
};

}  // namespace
}  // namespace atalanta
