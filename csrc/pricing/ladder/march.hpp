// The march of sixteen options from expiry to the present, each with steps and ex-dates of its own. Entry:
// LadderMarch::solve, which leaves u of the present in its grid, for the readings, and what it did on a tape,
// if it is given one.
#pragma once

#include "pricing/ladder/present.hpp"
#include "pricing/ladder/program.hpp"
#include "pricing/ladder/shape.hpp"
#include "pricing/ladder/start.hpp"
#include "pricing/ladder/step_times.hpp"

namespace atalanta {
namespace {

constexpr double kNoObstacle = -1e30;

inline LadderExtent extent_of(const LadderBlock& block) {
    LadderExtent extent = {0, 0, 0};
    for (std::size_t l = 0; l < block.count; ++l) extent.include(block.shapes[l]);
    return extent;
}

// Doubles that a march needs. The memory is aligned to 64 bytes.
inline std::size_t march_doubles(const LadderExtent& extent) {
    const std::size_t nodes = extent.nodes;
    return kLadderOptions * (3 * nodes + Columns::length(nodes)) + Calendar::doubles(extent.dividends) +
           Columns::doubles(nodes) + Tape::held_doubles(nodes);
}

class LadderMarch {
  public:
    LadderMarch(const LadderBlock& block, double* memory)
        : block_(block),
          extent_(extent_of(block)),
          nodes_(extent_.nodes),
          programs_(block),
          growth_(memory),
          u_(memory + kLadderOptions * nodes_),
          w_(u_ + kLadderOptions * nodes_),
          calendar_(extent_.dividends, w_ + kLadderOptions * nodes_),
          growth_columns_(w_ + kLadderOptions * nodes_ + Calendar::doubles(extent_.dividends)),
          columns_memory_(growth_columns_ + kLadderOptions * Columns::length(nodes_)),
          columns_(columns_memory_, nodes_) {
        last_sweep_.held = reinterpret_cast<std::uint16_t*>(columns_memory_ + Columns::doubles(nodes_));
        n_.fill(block);
        calendar_.fill(n_, block);
        fill_growth();
    }

    void solve(const Tape* tape = nullptr) {
        tape_ = tape;
        idle();
        const std::uint32_t steps = programs_.steps();
        for (step_ = 0; step_ < steps; ++step_) {
            const LaneSet starts = programs_.starting(step_);
            if (starts != 0) start(starts);
            for (LaneSet lanes = programs_.crossing(); lanes != 0; lanes = programs_.crossing()) cross(lanes);
            take_step(step_ + 1 == steps);
            programs_.advance();
        }
        exercise_now_ = find_exercise(last_sweep_, n_, nodes_);
        continue_smoothly(n_, payoff_, exercise_now_, growth_, nodes_, u_);
    }

    // u at the node of the present spot, offset by whole nodes.
    double u(std::size_t lane, std::ptrdiff_t offset) const {
        return node(u_, static_cast<std::size_t>(static_cast<std::ptrdiff_t>(nodes_ / 2) + offset))[lane];
    }
    const Normalised& normalised() const { return n_; }
    const ExerciseNow& exercise_now() const { return exercise_now_; }
    const LadderBlock& block() const { return block_; }
    const LadderExtent& extent() const { return extent_; }
    std::size_t nodes() const { return nodes_; }
    const StartRecord& start_record() const { return start_; }
    const double* growth() const { return growth_; }
    // The solved grid and the spare one, for those who need neither any more.
    double* grid() { return u_; }
    double* spare() { return w_; }
    const Columns& columns() const { return columns_; }
    // The growth of a lane side by side, for crossing ex-dates alone.
    const double* growth_column(std::size_t l) {
        double* const column = growth_columns_ + l * Columns::length(nodes_);
        if (!contains(has_column_, l)) copy_column(growth_ + l, nodes_, column);
        has_column_ |= 1u << l;
        return column;
    }
    const Calendar& calendar() const { return calendar_; }

  private:
    // Lanes that have not begun: nothing moves, and no obstacle is met.
    void idle() {
        __builtin_memset(u_, 0, nodes_ * kLadderOptions * sizeof(double));
        each_lane([&](std::size_t l) {
            time_[l] = since_[l] = until_[l] = centre_[l] = exercisable_[l] = 0.0;
            asymptote_level_[l] = asymptote_slope_[l] = asymptote_since_[l] = 0.0;
        });
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

    void start(LaneSet lanes) {
        PerLane cash;
        for (std::size_t l = 0; l < kLadderOptions; ++l) {
            if (!contains(lanes, l)) continue;
            programs_.start(l);
            time_[l] = cash[l] = 0.0;
            for (std::uint32_t d = block_.options[l].dividends; d-- > programs_.interval(l);) {
                const LaneDate date = calendar_.date(d, l);
                time_[l] = date.time;
                cash[l] += cash_in_strike(n_, l, date.cash, date.time);
            }
            centre_[l] = calendar_.centre(programs_.interval(l), l);
            exercisable_[l] = n_.exercisable[l];
        }
        start_.set(n_, lanes, time_, cash, centre_);
        fill_start(start_, lanes, growth_, nodes_, u_);
        fit_asymptote(lanes);
        correct_start(n_, start_, lanes, nodes_, u_);
        each_of(lanes, [&](std::size_t l) { cash[l] = 0.0; });
        enter(lanes, cash);
    }

    // Lanes begin their present interval, at a dividend of `cash`.
    void enter(LaneSet lanes, const PerLane& cash) {
        PerLane steps, length;
        for (std::size_t l = 0; l < kLadderOptions; ++l) {
            if (!contains(lanes, l)) continue;
            const std::uint32_t interval = programs_.interval(l);
            steps[l] = static_cast<double>(programs_.steps_in(l, interval));
            since_[l] = time_[l];
            until_[l] = interval > 0 ? calendar_.date(interval - 1, l).time : n_.years[l];
            length[l] = until_[l] - since_[l];
        }
        times_.set(n_, lanes, steps, since_, length, cash);
    }

    void take_step(bool is_last) {
        PerLane end, ratio, middle, share;
        times_.advance(share);
        each_lane([&](std::size_t l) {
            end[l] = fma(until_[l] - since_[l], share[l], since_[l]);
            const double dt = end[l] - time_[l];
            ratio[l] = n_.diffusion[l] * dt * n_.inverse_spacing[l] * n_.inverse_spacing[l];
            middle[l] = fma(kGamma, dt, time_[l]);
        });
        op_.set(ratio);
        sweep_down_first(op_, nodes_, u_, w_);
        finish_stage(middle, 0, kEveryOption, false);
        sweep_down_second(op_, nodes_, u_, w_);
        finish_stage(end, 1, kEveryOption & ~programs_.ending(), is_last);
        swap();
        time_ = end;
    }

    void swap() {
        double* const swapped = u_;
        u_ = w_;
        w_ = swapped;
    }

    void finish_stage(const PerLane& time, std::size_t stage, LaneSet ghosts, bool is_last) {
        set_obstacle(time);
        if (tape_ != nullptr) {
            StepRecord& step = tape_->step(step_);
            StageRecord& record = step.stage[stage];
            step.op = op_;
            record.payoff = payoff_;
            record.ghosts = ghosts;
            sweep_up_recorded(ghosts, record.sweep);
            if (is_last) last_sweep_ = record.sweep;
        } else if (is_last) {
            sweep_up_recorded(ghosts, last_sweep_);
        } else {
            sweep_up<false>(op_, obstacle_, n_.spacing, growth_, nodes_, ghosts, w_, nullptr);
        }
    }

    void sweep_up_recorded(LaneSet ghosts, SweepRecord& record) {
        record.end = obstacle_.end;
        each_lane([&](std::size_t l) { record.boundary_node[l] = 0.0; });
        sweep_up<true>(op_, obstacle_, n_.spacing, growth_, nodes_, ghosts, w_, &record);
    }

    void set_payoff(LaneSet lanes, const PerLane& time) {
        each_of(lanes, [&](std::size_t l) {
            payoff_.time[l] = time[l];
            payoff_.level[l] = exponential(n_.rate[l] * time[l]);
            payoff_.slope[l] = exponential(fma(n_.rate[l] - n_.drift[l], time[l], centre_[l]));
        });
    }

    void set_obstacle(const PerLane& time) {
        set_payoff(kEveryOption, time);
        const double* lowest = growth_;
        PerLane cells;
        each_lane([&](std::size_t l) {
            const double a = payoff_.level[l], b = payoff_.slope[l], r = n_.rate[l], q = n_.yield[l];
            const double inverse = 1.0 / n_.diffusion[l];
            const double c = -op_.alpha[l], h2 = n_.spacing[l] * n_.spacing[l];
            const double bend = r * a * inverse, bend_slope = q * b * inverse;
            const double most = a * inverse * ((r > 0.0 ? r : 0.0) + (q < 0.0 ? -q : 0.0));
            const double grown = exponential(n_.diffusion[l] * (time[l] - asymptote_since_[l]));
            const double distance = fma(n_.drift[l], time[l], -centre_[l]) * n_.inverse_spacing[l];
            const bool on = exercisable_[l] != 0.0;
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

    // Lanes cross the ex-date before their present interval.
    void cross(LaneSet lanes) {
        PayoffRecord after = payoff_;
        PerLane cash;
        for (std::size_t l = 0; l < kLadderOptions; ++l) {
            if (!contains(lanes, l)) continue;
            programs_.cross(l);
            centre_[l] = calendar_.centre(programs_.interval(l), l);
            cash[l] = calendar_.date(programs_.interval(l), l).cash;
        }
        set_payoff(lanes, time_);
        if (programs_.in_step(lanes)) {
            cross_together(programs_.interval(0), after);
        } else {
            for (std::size_t l = 0; l < kLadderOptions; ++l) {
                if (contains(lanes, l)) cross_alone(programs_.interval(l), l, lane_of(after, l));
            }
        }
        fit_asymptote(lanes);
        enter(lanes, cash);
    }

    void cross_together(std::uint32_t d, const PayoffRecord& after) {
        PerLane level, slope;
        for (std::size_t l = 0; l < kLadderOptions; ++l) {
            const LanePayoff payoff = exercise_at_date(l);
            level[l] = payoff.level;
            slope[l] = payoff.slope;
        }
        DateRecord* const record = tape_ == nullptr ? nullptr : &tape_->date(d);
        if (record != nullptr) {
            record->payoff_after = after;
            record->payoff = payoff_;
            __builtin_memcpy(record->after, u_, nodes_ * kLadderOptions * sizeof(double));
            each_lane([&](std::size_t l) { record->kink.node[l] = 0.0; });
        }
        carry_over(n_, calendar_.dates(d), after, growth_, nodes_, u_, w_);
        swap();
        exercise_before(n_, level, slope, growth_, nodes_, u_, record == nullptr ? nullptr : record->held,
                        record == nullptr ? nullptr : &record->kink);
    }

    void cross_alone(std::uint32_t d, std::size_t l, const LanePayoff& after) {
        DateRecord* const record = tape_ == nullptr ? nullptr : &tape_->date(d);
        if (record != nullptr) {
            record->payoff_after.set(l, after);
            record->payoff.set(l, lane_of(payoff_, l));
            record->kink.node[l] = 0.0;
        }
        cross_column(n_, l, calendar_.date(d, l), after, exercise_at_date(l), growth_column(l), nodes_, u_,
                     columns_, record);
    }

    LanePayoff exercise_at_date(std::size_t l) const {
        if (n_.american[l] > 0.0) return lane_of(payoff_, l);
        return {payoff_.time[l], kNoObstacle, 0.0};
    }

    // Far in the money u = level - slope e^y, from the two lowest nodes.
    void fit_asymptote(LaneSet lanes) {
        each_of(lanes, [&](std::size_t l) {
            const double e0 = growth_[l], e1 = growth_[kLadderOptions + l], u0 = u_[l];
            asymptote_slope_[l] = (u0 - u_[kLadderOptions + l]) / (e1 - e0);
            asymptote_level_[l] = fma(asymptote_slope_[l], e0, u0);
            asymptote_since_[l] = time_[l];
        });
        for (std::size_t l = 0; tape_ != nullptr && l < kLadderOptions; ++l) {
            if (!contains(lanes, l)) continue;
            EdgeRecord& record = tape_->edge(programs_.interval(l));
            record.since[l] = time_[l];
            record.fall[l] = u_[l] - u_[kLadderOptions + l];
        }
    }

    const LadderBlock& block_;
    const LadderExtent extent_;
    const std::size_t nodes_;
    LanePrograms programs_;
    double *growth_, *u_, *w_;
    Calendar calendar_;
    double *growth_columns_, *columns_memory_;
    const Columns columns_;
    Normalised n_;
    StepTimes times_;
    StepOperator op_;
    Obstacle obstacle_;
    StartRecord start_;
    PayoffRecord payoff_;     // the last one set
    SweepRecord last_sweep_;  // of the present
    ExerciseNow exercise_now_;
    PerLane time_, since_, until_;  // now, and where the present interval begins and ends
    PerLane centre_, exercisable_;  // exercisable_: 0 before the start
    PerLane asymptote_level_, asymptote_slope_, asymptote_since_;
    LaneSet has_column_ = 0;  // lanes whose growth_column is there
    const Tape* tape_ = nullptr;
    std::uint32_t step_ = 0;
};

}  // namespace
}  // namespace atalanta
