// All other first derivatives of the sixteen prices at once: the march transposed, from the present back to
// expiry. The density that comes down the grids meets every payoff, dividend and grid position on its way,
// and what it leaves there is the derivative by it. Exact for the discrete price but about the free boundary,
// where the place and the speed that the solution has count, not those of the sweep (adjoint_boundary.hpp).
// Step times and the far end of the grid are held fixed. Entry: LadderAdjoint::solve. All lanes set out
// together; each is finished at its own start, where its derivative by u is put to zero.
#pragma once

#include "pricing/ladder/adjoint_between.hpp"
#include "pricing/ladder/adjoint_present_bend.hpp"
#include "pricing/ladder/adjoint_starts.hpp"

namespace atalanta {
namespace {

class LadderAdjoint : public AdjointStarts {
  public:
    using AdjointStarts::AdjointStarts;

    static std::size_t doubles(const LadderExtent& extent) {
        return (extent.dividends + 1) * (sizeof(PerLane) + sizeof(DateWeights)) / sizeof(double);
    }

    // by_cash: entry d of lane l at d * kLadderOptions + l.
    void solve(LadderSensitivities* out, double* by_cash) {
        bool exercised[kLadderOptions];
        for (std::size_t l = 0; l < block_.count; ++l) exercised[l] = is_exercised(march_, l);
        const PerLane price = seed();
        BoundaryTrack(n_, tape_, programs_.steps(), nodes_).follow();
        for (std::uint32_t step = programs_.steps(); step-- > 0;) {
            undo(tape_.step(step));
            retreat(step, by_cash);
        }
        unplace_centres(by_cash);
        for (std::size_t l = 0; l < block_.count; ++l) out[l] = finish(l, price[l], exercised[l], by_cash);
    }

  private:
    // The price in units of u, and its derivative by u.
    PerLane seed() {
        PerLane price;
        for (std::size_t l = 0; l < kLadderOptions; ++l) price[l] = present_u(march_, l);
        __builtin_memset(values_, 0, nodes_ * kLadderOptions * sizeof(double));
        each_lane([&](std::size_t l) {
            node(values_, nodes_ / 2)[l] = 1.0;
            by_rate_[l] = by_yield_[l] = by_vol_[l] = by_diffusion_[l] = by_drift_[l] = by_spacing_[l] = 0.0;
            exercised_[l] = by_edge0_[l] = by_edge1_[l] = 0.0;
            edge_.since[l] = edge_.fall[l] = 0.0;
        });
        for (std::uint32_t d = 0; d <= dividends_; ++d) {
            each_lane([&](std::size_t l) { by_centre_[d][l] = 0.0; });
            dates_[d].clear();
        }
        for (std::size_t l = 0; l < kLadderOptions; ++l) {
            by_centre_now_[l] = 0.0;
            interval_[l] = taken_[l] = 0;
            if (l < block_.count) take_edge(l);
        }
        return price;
    }

    // Lanes are done with a step; some with their interval, and some with their march.
    void retreat(std::uint32_t step, double* by_cash) {
        for (std::size_t l = 0; l < block_.count; ++l) taken_[l] += taken_[l] == kFinished ? 0 : 1;
        for (LaneSet done = done_with_interval(step); done != 0; done = done_with_interval(step)) {
            LaneSet crossed = 0;
            for (std::size_t l = 0; l < block_.count; ++l) {
                if (!contains(done, l)) continue;
                settle_edge(l);
                if (step == programs_.first(l) && interval_[l] == programs_.first_interval(l)) {
                    unstart(l, by_cash);
                    taken_[l] = kFinished;
                } else {
                    crossed |= 1u << l;
                }
            }
            if (crossed != 0) uncross(crossed);
        }
    }

    LaneSet done_with_interval(std::uint32_t step) const {
        LaneSet lanes = 0;
        for (std::size_t l = 0; l < block_.count; ++l) {
            if (step < programs_.first(l) || taken_[l] == kFinished) continue;
            lanes |= taken_[l] == programs_.steps_in(l, interval_[l]) ? 1u << l : 0;
        }
        return lanes;
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
        each_lane([&](std::size_t l) {
            const double elapsed = time[l] - edge_.since[l], grown = exponential(n_.diffusion[l] * elapsed);
            const double step = exponential(n_.spacing[l]), share = 1.0 / (step - 1.0);
            const double outer = weight[l] * share * (1.0 - grown);
            by_edge0_[l] += weight[l] + outer;
            by_edge1_[l] -= outer;
            by_diffusion_[l] -= weight[l] * share * elapsed * grown * edge_.fall[l];
            by_spacing_[l] -= outer * share * step * edge_.fall[l];
        });
    }

    // The node after it lies e^(diffusion elapsed) (u0 - u1) below it.
    void undo_after_edge(std::size_t l, double time, double weight) {
        const double elapsed = time - edge_.since[l];
        const double by_fall = -weight * exponential(n_.diffusion[l] * elapsed);
        by_edge0_[l] += by_fall;
        by_edge1_[l] -= by_fall;
        by_diffusion_[l] += by_fall * elapsed * edge_.fall[l];
    }

    // To the values at the beginning of the interval's march.
    void settle_edge(std::size_t l) {
        values_[l] += by_edge0_[l];
        values_[kLadderOptions + l] += by_edge1_[l];
        by_edge0_[l] = by_edge1_[l] = 0.0;
    }

    void take_edge(std::size_t l) {
        edge_.since[l] = tape_.edge(interval_[l]).since[l];
        edge_.fall[l] = tape_.edge(interval_[l]).fall[l];
    }

    void undo_stage(const StepRecord& step, const StageRecord& stage) {
        PayoffWeights weights;
        weights.clear();
        const LaneSet two_sided = stage.sweep.two_sided;
        if (two_sided == 0) {
            transpose_up(step, stage, n_, march_.growth(), nodes_, values_, weights);
        } else {
            transpose_up_mixed(step, stage, n_, march_.growth(), nodes_, values_, march_.between_grid(),
                               weights);
        }
        collect_all(stage.payoff, weights);
        undo_edge(stage.payoff.time, weights.edge);
        each_in(two_sided,
                [&](std::size_t l) { undo_after_edge(l, stage.payoff.time[l], weights.after_edge[l]); });
    }

    void uncross(LaneSet lanes) {
        PayoffWeights exercised, paid;
        exercised.clear();
        paid.clear();
        bool together = lanes == kEveryOption;
        for (std::size_t l = 1; l < block_.count; ++l) together = together && interval_[l] == interval_[0];
        for (std::size_t l = 0; l < block_.count; ++l)
            together = together && !(interval_[l] == 0 && (march_.is_narrowed(l) || march_.is_bent(l)));
        if (together) {
            uncross_together(interval_[0], exercised, paid);
        } else {
            for (std::size_t l = 0; l < block_.count; ++l) {
                if (contains(lanes, l)) uncross_alone(interval_[l], l, exercised, paid);
            }
        }
        for (std::size_t l = 0; l < block_.count; ++l) {
            if (!contains(lanes, l)) continue;
            const std::uint32_t d = interval_[l]++;
            collect(l, lane_of(tape_.date(d).payoff, l), exercised.lane(l));
            leave_centre(l, d);
            collect(l, lane_of(tape_.date(d).payoff_after, l), paid.lane(l));
            taken_[l] = 0;
            take_edge(l);
        }
    }

    void uncross_together(std::uint32_t d, PayoffWeights& exercised, PayoffWeights& paid) {
        const DateRecord& record = tape_.date(d);
        transpose_exercise(record, kEveryOption, march_.growth(), nodes_, values_, exercised);
        transpose_carry_over(n_, march_.calendar().dates(d), record.payoff_after, march_.growth(), nodes_,
                             record.after, values_, spare_, dates_[d], paid, by_spacing_);
        for (std::size_t l = 0; l < kLadderOptions; ++l) {
            transpose_taken_spot(n_, l, march_.calendar().date(d, l), lane_of(record.payoff_after, l),
                                 march_.growth() + l, nodes_, values_ + l, kLadderOptions, record.after + l,
                                 spare_ + l, kLadderOptions, dates_[d], paid, by_spacing_[l]);
        }
        swap();
    }

    void uncross_alone(std::uint32_t d, std::size_t l, PayoffWeights& exercised, PayoffWeights& paid) {
        const DateRecord& record = tape_.date(d);
        if (d == 0 && march_.is_narrowed(l)) {
            unnarrow(l, record);
        } else {
            transpose_exercise(record, 1u << l, march_.growth(), nodes_, values_, exercised);
        }
        transpose_carry_column(n_, l, march_.calendar().date(d, l), record, march_.growth_column(l), nodes_,
                               values_, march_.columns(), dates_[d], paid, by_spacing_[l]);
        if (d == 0 && march_.is_bent(l)) unbend(l, paid);
    }

    // From what the march left at the nodes after the first date to what they were worth.
    void unbend(std::size_t l, PayoffWeights& paid) {
        const LaneDate date = march_.calendar().date(0, l);
        double by_variance = 0.0;
        PresentBendAdjoint(march_.bend(l), march_.growth_column(l), nodes_)
            .transpose(l, date, values_ + l, dates_[0], paid, by_spacing_[l], by_variance);
        by_diffusion_[l] += 2.0 * (n_.years[l] - date.time) * by_variance;
    }

    // From the closer nodes about the present to the others.
    void unnarrow(std::size_t l, const DateRecord& record) {
        PayoffWeights exercised;
        exercised.clear();
        transpose_exercise(record, 1u << l, march_.growth(), nodes_, values_, exercised);
        collect(l, lane_of(record.payoff, l), exercised.lane(l));
        by_spacing_[l] *= march_.narrowing(l);
        transpose_narrowing(march_.narrowing(l), nodes_, values_ + l, march_.columns());
        march_.widen(l);
    }

    void swap() {
        double* const swapped = values_;
        values_ = spare_;
        spare_ = swapped;
    }

    [[gnu::flatten]] void collect_all(const PayoffRecord& payoff, const PayoffWeights& w) {
        each_lane([&](std::size_t l) { collect(l, lane_of(payoff, l), w.lane(l)); });
    }

    // Centres hang on each other through the dates, from the present on.
    void unplace_centres(double* by_cash) {
        for (std::uint32_t d = dividends_; d > 0; --d) {
            const DateWeights& w = dates_[d - 1];
            for (std::size_t l = 0; l < block_.count; ++l) {
                if (d > interval_[l]) continue;
                const LaneDate date = march_.calendar().date(d - 1, l);
                const double after = by_centre_[d][l];
                const double side = n_.side[l], by_shift = side * (w.shift[l] + after);
                const CentreAfter c = centre_after(n_, l, date.time, date.spot, date.cash, date.rise);
                const double by_left = by_shift / c.spot;
                const double by_log_spot = w.log_spot[l] + fma(by_left, c.by_log_spot, -by_shift);
                by_cash[(d - 1) * kLadderOptions + l] = fma(by_left, c.by_cash, w.cash[l]);
                by_vol_[l] = fma(by_left, c.by_vol, by_vol_[l]);
                by_centre_[d - 1][l] += fma(side, by_log_spot, after);
                by_drift_[l] = fma(-side * date.time, by_log_spot, by_drift_[l]);
            }
        }
        each_lane([&](std::size_t l) { by_drift_[l] = fma(n_.years[l], by_centre_[0][l], by_drift_[l]); });
    }

    LadderSensitivities finish(std::size_t l, double u, bool exercised, double* by_cash) const {
        const bool put = n_.side[l] > 0.0;
        const double unit =
            exercised ? 0.0 : (put ? n_.strike[l] : n_.spot[l]) * exponential(-n_.rate[l] * n_.years[l]);
        for (std::uint32_t d = 0; d < block_.options[l].dividends; ++d)
            by_cash[d * kLadderOptions + l] *= unit;
        const double by_diffusion = by_diffusion_[l] - by_drift_[l];
        const double by_rate = by_rate_[l] + by_drift_[l] - n_.years[l] * u;
        const double by_yield = by_yield_[l] - by_drift_[l];
        const double by_width = fma(by_spacing_[l], n_.spacing[l] / n_.vol[l], by_vol_[l]);
        const double vega = fma(by_diffusion, n_.vol[l], by_width);
        return {unit * vega, unit * (put ? by_rate : by_yield), unit * (put ? by_yield : by_rate),
                exercised ? 1.0 : exercised_[l]};
    }

    static constexpr std::uint32_t kFinished = 0xFFFFFFFF;

    EdgeRecord edge_;
    PerLane by_edge0_, by_edge1_;
    std::uint32_t taken_[kLadderOptions];  // steps back in an interval, or kFinished
};

}  // namespace
}  // namespace atalanta
