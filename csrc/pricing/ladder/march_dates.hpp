// A march of sixteen options at its dates: what they do to the lanes that cross them. Between them march.hpp
// takes steps. Entry: MarchDates::cross.
#pragma once

#include "pricing/ladder/known_below.hpp"
#include "pricing/ladder/march_starts.hpp"
#include "pricing/ladder/present_bend.hpp"
#include "pricing/ladder/present_grid.hpp"

namespace atalanta {
namespace {

class MarchDates : public MarchStarts {
  public:
    // Whether a lane's nodes lie closer now, and how much; back to as they were.
    bool is_narrowed(std::size_t l) const { return contains(narrowed_, l); }
    double narrowing(std::size_t l) const { return block_.shapes[l].narrowing; }
    // Whether the present of a lane has the bend of the boundary after its first date beside its nodes.
    bool is_bent(std::size_t l) const { return contains(bent_, l); }
    const PresentBend& bend(std::size_t l) const { return bends_[l]; }
    // From the present to that boundary; large where it is out of sight or far off.
    double bend_cells(std::size_t l) const { return bends_[l].cells(); }
    void widen(std::size_t l) {
        set_spacing(l, n_.spacing[l] / narrowing(l));
        narrowed_ &= ~(1u << l);
    }

  protected:
    using MarchStarts::MarchStarts;

    // Lanes cross the ex-date before their present interval. Returns whether the nodes of some lie closer
    // now.
    bool cross(LaneSet lanes) {
        programs_.cross(lanes);
        smooth_now_ &= ~lanes;
        PayoffRecord after = payoff_;
        PerLane cash;
        for (std::size_t l = 0; l < kLadderOptions; ++l) {
            if (!contains(lanes, l)) continue;
            centre_[l] = calendar_.centre(programs_.interval(l), l);
            cash[l] = calendar_.date(programs_.interval(l), l).cash;
            exercisable_[l] = is_exercised_earlier(l) ? 0.0 : n_.exercisable[l];
        }
        set_payoff(lanes, time_);
        LaneSet narrowing_now = 0, bending = 0;
        each_in(lanes, [&](std::size_t l) {
            narrowing_now |= narrows(l) ? 1u << l : 0;
            bending |= may_bend(l) ? 1u << l : 0;
        });
        if (programs_.in_step(lanes) && narrowing_now == 0) {
            cross_together(programs_.interval(0), after);
            each_in(bending, [&](std::size_t l) {
                if (take_bend(l, w_, lane_of(after, l))) cross_column(0, l, lane_of(after, l));
            });
        } else {
            each_in(lanes, [&](std::size_t l) {
                const bool bends = contains(bending, l) && take_bend(l, u_, lane_of(after, l));
                if (!bends) copy_column(u_ + l, nodes_, columns_.u);
                cross_column(programs_.interval(l), l, lane_of(after, l));
            });
        }
        fit_asymptotes(lanes);
        enter(lanes, cash);
        return narrowing_now != 0;
    }

    LaneSet between_ = 0;  // lanes that may be exercised between two free boundaries

  private:
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
            each_lane([&](std::size_t l) { record->kink.node[l] = record->lower.node[l] = 0.0; });
        }
        const ExDate dates = calendar_.dates(d);
        carry_over(n_, dates, after, growth_, nodes_, u_, w_);
        for (std::size_t l = 0; l < kLadderOptions; ++l) {
            correct_taken_spot(n_, l, dates.share[l], dates.shift[l], lane_of(after, l), growth_ + l,
                               kLadderOptions, nodes_, u_ + l, w_ + l);
            set_known_below(l, d, growth_ + l, kLadderOptions, w_ + l, kLadderOptions);
        }
        swap();
        LowerKink lower[kLadderOptions];
        each_in(between_, [&](std::size_t l) {
            lower[l] = LowerKink(exercise_at_date(l), growth_ + l, u_ + l, kLadderOptions, nodes_);
        });
        exercise_before(level, slope, growth_, nodes_, u_, record == nullptr ? nullptr : record->held,
                        record == nullptr ? nullptr : &record->kink);
        each_in(between_, [&](std::size_t l) {
            lower[l].correct(l, u_ + l, kLadderOptions, record == nullptr ? nullptr : &record->lower);
        });
    }

    // Of a lane whose values after the date are in the columns.
    void cross_column(std::uint32_t d, std::size_t l, const LanePayoff& after) {
        DateRecord* const record = tape_ == nullptr ? nullptr : &tape_->date(d);
        if (record != nullptr) {
            record->payoff_after.set(l, after);
            record->payoff.set(l, lane_of(payoff_, l));
            record->kink.node[l] = record->lower.node[l] = 0.0;
        }
        const LaneDate date = calendar_.date(d, l);
        carry_to(n_, l, date, after, growth_column(l), nodes_, columns_, record);
        set_known_below(l, d, growth_column(l), 1, columns_.value, 1);
        if (narrows(l)) narrow(l);
        exercise_alone(l, record);
        for (std::size_t i = 0; i < nodes_; ++i) node(u_, i)[l] = columns_.value[i];
    }

    void set_known_below(std::size_t l, std::uint32_t d, const double* growth, std::size_t growth_stride,
                         double* values, std::size_t stride) const {
        if (l >= block_.count || !block_.shapes[l].known_below) return;
        atalanta::set_known_below(n_, l, block_.options[l], d, calendar_.date(d, l), growth, growth_stride,
                                  nodes_, values, stride);
    }

    // The values of lane l are in the columns.
    void exercise_alone(std::size_t l, DateRecord* record) {
        const LanePayoff payoff = exercise_at_date(l);
        const double* const growth = growth_column(l);
        LowerKink lower;
        if (contains(between_, l)) lower = LowerKink(payoff, growth, columns_.value, 1, nodes_);
        exercise_column(l, payoff, growth, nodes_, columns_, record);
        lower.correct(l, columns_.value, 1, record == nullptr ? nullptr : &record->lower);
    }

    // Of a lane that crosses a date.
    bool may_bend(std::size_t l) const {
        return programs_.interval(l) == 0 &&
               PresentBend::is_possible(n_, l, block_.options[l], calendar_.date(0, l));
    }

    // u: after the first date of lane l. Where there is a bend, leaves the rest in the columns.
    bool take_bend(std::size_t l, const double* u, const LanePayoff& after) {
        PresentBend& bend = bends_[l];
        bend = PresentBend(n_, l, calendar_.date(0, l), after, growth_ + l, u + l, kLadderOptions, nodes_);
        if (!bend.is_found()) return false;
        copy_column(u + l, nodes_, columns_.u);
        bend.take(after, growth_column(l), nodes_, columns_.u);
        kink_[l] = bend.reading();
        bent_ |= 1u << l;
        exercisable_[l] = 0.0;
        return true;
    }

    bool narrows(std::size_t l) const { return programs_.interval(l) == 0 && narrowing(l) < 1.0; }

    // The values of lane l are in the columns.
    void narrow(std::size_t l) {
        narrow_column(narrowing(l), nodes_, columns_);
        set_spacing(l, n_.spacing[l] * narrowing(l));
        narrowed_ |= 1u << l;
    }
    void set_spacing(std::size_t l, double spacing) {
        n_.spacing[l] = spacing;
        n_.inverse_spacing[l] = 1.0 / spacing;
        has_column_ &= ~(1u << l);
        const double middle = static_cast<double>(nodes_ / 2);
        for (std::size_t i = 0; i < nodes_; ++i) {
            node(growth_, i)[l] = exponential((static_cast<double>(i) - middle) * spacing);
        }
    }

    LanePayoff exercise_at_date(std::size_t l) const {
        const bool held = contains(bent_, l) || is_exercised_earlier(l);
        if (n_.american[l] > 0.0 && !held) return lane_of(payoff_, l);
        return {payoff_.time[l], kNoObstacle, 0.0};
    }

    // Of the date that a lane has come to.
    bool is_exercised_earlier(std::size_t l) const {
        return calendar_.is_exercised_earlier(programs_.interval(l), l);
    }

    LaneSet narrowed_ = 0;  // lanes whose nodes lie closer since their first date
    LaneSet bent_ = 0;      // lanes whose present has the bend of the boundary after it
    PresentBend bends_[kLadderOptions];
};

}  // namespace
}  // namespace atalanta
