// The march of sixteen options from expiry to the present, each with steps and ex-dates of its own. Entry:
// LadderMarch::solve, which leaves u of the present in its grid, for the readings, and what it did on a tape,
// if it is given one.
#pragma once

#include "pricing/ladder/adjoint_boundary.hpp"
#include "pricing/ladder/march_dates.hpp"
#include "pricing/ladder/present.hpp"
#include "pricing/ladder/sweep_between.hpp"

namespace atalanta {
namespace {

class LadderMarch : public MarchDates {
  public:
    LadderMarch(const LadderBlock& block, double* memory) : MarchDates(block, memory) {
        last_sweep_.held = reinterpret_cast<std::uint16_t*>(alone_memory_ + ColumnMarch::doubles(nodes_));
        between_grid_ = alone_memory_ + ColumnMarch::doubles(nodes_) + Tape::held_doubles(nodes_);
        for (std::size_t l = 0; l < block.count; ++l) {
            // Where the yield costs more beside the strike than deep in the money, waiting for a dividend may
            // pay there alone.
            const bool earns = n_.rate[l] > 0.0, two = !earns || n_.yield[l] < 0.0;
            if (block.shapes[l].exercisable && two) between_ |= 1u << l;
            if (earns) islands_ |= between_ & 1u << l;
            if (!block.shapes[l].exercisable) alone_ |= 1u << l;
            if (block.options[l].read_far) far_ |= 1u << l;
        }
    }

    // reach: nodes to each side of the present spot that will be read.
    void solve(std::size_t reach, const Tape* tape = nullptr) {
        tape_ = tape;
        exercise_now_ = exercise_nowhere();
        if (programs_.steps() > 0) {
            prepare_grids();
            march();
            exercise_now_ = find_exercise(last_sweep_, n_);
            continue_smoothly(n_, payoff_, far_ & ~between_, ~(far_ | between_), growth_, nodes_,
                              exercise_now_, u_);
        }
        if (alone_ != 0) solve_alone(reach);
    }

    // Of the lanes marched by themselves: marches each again, writing the tape, and calls body(lane, march).
    template <class Body>
    void each_alone(const ColumnTape& tape, Body&& body) {
        ColumnMarch march(n_, calendar_, columns_, nodes_, alone_memory_);
        each_in(alone_, [&](std::size_t l) {
            solve_alone(march, l, 0, &tape);
            body(l, march);
        });
    }

    std::uint32_t steps() const { return programs_.steps(); }
    // Room for a grid, once the march is over.
    double* between_grid() { return between_grid_; }
    const ExerciseNow& exercise_now() const { return exercise_now_; }

  private:
    void march() {
        const std::uint32_t steps = programs_.steps();
        for (step_ = 0; step_ < steps; ++step_) {
            const LaneSet starts = programs_.starting();
            if (starts != 0) start(starts);
            for (LaneSet lanes = programs_.crossing(); lanes != 0; lanes = programs_.crossing()) {
                if (cross(lanes)) set_growth();
            }
            take_step(step_ + 1 == steps);
            programs_.advance();
        }
    }

    // Lanes that are marched by themselves.
    void solve_alone(std::size_t reach) {
        ColumnMarch march(n_, calendar_, columns_, nodes_, alone_memory_);
        each_in(alone_, [&](std::size_t l) { solve_alone(march, l, reach, nullptr); });
    }
    void solve_alone(ColumnMarch& march, std::size_t l, std::size_t reach, const ColumnTape* tape) {
        const std::size_t middle = nodes_ / 2, to_end = reach < middle ? reach : middle;
        march.solve(l, block_.options[l], block_.shapes[l], middle - to_end, middle + to_end, u_, tape);
        kink_[l] = march.kink();
    }

    // Lanes that have not begun: nothing moves, and no obstacle is met.
    void prepare_grids() {
        prepare_lanes();
        set_growth();
    }
    // From node to node.
    void set_growth() {
        each_lane([&](std::size_t l) {
            obstacle_.shrinks[l] = exponential(-n_.spacing[l]);
            obstacle_.grows[l] = exponential(n_.spacing[l]);
        });
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
        if (tape_ != nullptr) note_step(tape_->step(step_));
        set_obstacle(middle);
        sweep_down_first(op_, obstacle_, nodes_, u_, w_);
        finish_stage(0, kEveryOption, false);
        set_obstacle(end);
        sweep_down_second(op_, obstacle_, nodes_, u_, w_);
        finish_stage(1, is_last ? 0 : kEveryOption & ~programs_.ending(), is_last);
        swap();
        time_ = end;
    }

    void finish_stage(std::size_t stage, LaneSet ghosts, bool is_last) {
        SweepRecord* record = is_last ? &last_sweep_ : nullptr;
        if (tape_ != nullptr) {
            StageRecord& written = tape_->step(step_).stage[stage];
            written.payoff = payoff_;
            record = &written.sweep;
        }
        if (record == nullptr && between_ != 0) record = &last_sweep_;
        if (record != nullptr) {
            record->end = obstacle_.end;
            record->two_sided = record->islands = 0;
        }
        if (between_ == 0) {
            sweep_up(op_, obstacle_, n_.spacing, growth_, nodes_, ghosts, w_, record);
        } else {
            const auto growth_of = [this](std::size_t l) { return growth_column(l); };
            sweep_up_mixed(op_, obstacle_, n_.spacing, growth_, nodes_, {between_, islands_}, ghosts,
                           growth_of, columns_, w_, between_grid_, *record);
        }
        if (tape_ == nullptr) return;
        if (is_last) last_sweep_ = *record;
        StageRecord& written = tape_->step(step_).stage[stage];
        written.ghosts = ghosts;
        note_boundary(written, growth_, nodes_, n_.inverse_spacing, w_, written.boundary);
    }

    void note_step(StepRecord& step) const {
        step.op = op_;
        step.spacing = n_.spacing;
        each_lane([&](std::size_t l) { step.begins[l] = time_[l] == since_[l] ? 1.0 : 0.0; });
    }

    void set_obstacle(const PerLane& time) {
        set_payoff(kEveryOption, time);
        atalanta::set_obstacle(n_, op_, payoff_, asymptotes_, exercisable_, centre_, growth_, nodes_,
                               obstacle_);
        if (between_ != 0) set_after_edge(n_, between_, payoff_, asymptotes_, growth_, obstacle_);
    }

    Obstacle obstacle_;
    StepOperator op_;
    SweepRecord last_sweep_;  // of the present
    ExerciseNow exercise_now_;
    double* between_grid_;
    LaneSet islands_ = 0;  // of those that may be exercised between two boundaries, those that may be so in
                           // several stretches
    LaneSet alone_ = 0;    // lanes without exercise between ex-dates
    LaneSet far_ = 0;      // lanes that are read at any spot
    std::uint32_t step_ = 0;
};

}  // namespace
}  // namespace atalanta
