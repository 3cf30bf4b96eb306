// A march of sixteen options where its lanes begin: their grids, what they are worth there, and the intervals
// that follow. At their dates march_dates.hpp goes on. Entry: MarchStarts::start.
#pragma once

#include "pricing/ladder/column_march.hpp"
#include "pricing/ladder/program.hpp"
#include "pricing/ladder/shape.hpp"
#include "pricing/ladder/smooth_start.hpp"
#include "pricing/ladder/stage_obstacle.hpp"
#include "pricing/ladder/start.hpp"
#include "pricing/ladder/step_times.hpp"

namespace atalanta {
namespace {

inline LadderExtent extent_of(const LadderBlock& block) {
    LadderExtent extent = {0, 0, 0};
    for (std::size_t l = 0; l < block.count; ++l) extent.include(block.shapes[l]);
    return extent;
}

// Doubles that a march needs. The memory is aligned to 64 bytes.
inline std::size_t march_doubles(const LadderExtent& extent) {
    const std::size_t nodes = extent.nodes;
    return kLadderOptions * (4 * nodes + Columns::length(nodes)) + Calendar::doubles(extent.dividends) +
           Columns::doubles(nodes) + ColumnMarch::doubles(nodes) + Tape::held_doubles(nodes);
}

class MarchStarts {
  public:
    // u at the node of the present spot, offset by whole nodes.
    double u(std::size_t lane, std::ptrdiff_t offset) const {
        return node(u_, static_cast<std::size_t>(static_cast<std::ptrdiff_t>(nodes_ / 2) + offset))[lane];
    }
    // What the present has beside its nodes.
    const LocalSolution& kink(std::size_t lane) const { return kink_[lane]; }
    const Normalised& normalised() const { return n_; }
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

    // Of a lane that begins where the kink at the strike is smooth already.
    bool starts_smooth(std::size_t l) const { return contains(smooth_, l); }
    SmoothStart smooth_start(std::size_t l) const {
        const std::uint32_t first = block_.options[l].dividends;
        return {n_, l, SmoothStart::time_of(n_, l, first_interval(l)), calendar_.centre(first, l)};
    }

    // Of a lane that marches by steps from a narrow start: makes it again, writing the tape.
    bool starts_narrow(std::size_t l) const { return contains(narrow_, l); }
    ColumnMarch narrow_start(std::size_t l, const ColumnTape& tape) {
        ColumnMarch march(n_, calendar_, columns_, nodes_, alone_memory_);
        march.start_steps(l, block_.options[l].dividends - 1, &tape);
        return march;
    }

  protected:
    MarchStarts(const LadderBlock& block, double* memory)
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
          alone_memory_(columns_memory_ + Columns::doubles(nodes_)),
          columns_(columns_memory_, nodes_) {
        n_.fill(block);
        calendar_.fill(n_, block);
    }

    // Lanes that have not begun: nothing moves.
    void prepare_lanes() {
        fill_growth();
        asymptotes_.clear();
        __builtin_memset(u_, 0, nodes_ * kLadderOptions * sizeof(double));
        each_lane([&](std::size_t l) {
            gain_[l] = time_[l] = since_[l] = until_[l] = centre_[l] = exercisable_[l] = 0.0;
        });
    }

    void start(LaneSet lanes) {
        programs_.start(lanes);
        LeftOut left_out;
        for (std::size_t l = 0; l < kLadderOptions; ++l) {
            if (!contains(lanes, l)) continue;
            leave_out(l, left_out);
            time_[l] = left_out.time[l];
            centre_[l] = calendar_.centre(programs_.interval(l), l);
            exercisable_[l] = n_.exercisable[l];
        }
        start_.set(n_, lanes, left_out, centre_);
        fill_start(start_, lanes, growth_, nodes_, u_);
        correct_start(n_, start_, lanes, growth_, nodes_, u_);
        each_in(lanes, [&](std::size_t l) {
            start_narrow(l);
            start_smooth(l);
        });
        fit_asymptotes(lanes);
        enter(lanes, left_out.gain);
    }

    void swap() {
        double* const swapped = u_;
        u_ = w_;
        w_ = swapped;
    }

    void set_payoff(LaneSet lanes, const PerLane& time) {
        each_of(lanes, [&](std::size_t l) {
            payoff_.time[l] = time[l];
            payoff_.level[l] = exponential(n_.rate[l] * time[l]);
            payoff_.slope[l] = exponential(fma(n_.rate[l] - n_.drift[l], time[l], centre_[l]));
        });
    }

    // Lanes begin their present interval, at a dividend of `cash`.
    void enter(LaneSet lanes, const PerLane& cash) {
        PerLane steps, length, gain, since_kink;
        for (std::size_t l = 0; l < kLadderOptions; ++l) {
            if (!contains(lanes, l)) continue;
            const std::uint32_t interval = programs_.interval(l);
            steps[l] = static_cast<double>(programs_.steps_in(l, interval));
            since_[l] = time_[l];
            // A call exercised just before a date leaves a kink there, and a put whose spot it takes.
            const bool exercised = n_.american[l] > 0.0 && n_.side[l] < 0.0 && !contains(smooth_now_, l);
            const bool kinked = exercised || takes_much(l, interval);
            since_kink[l] = kinked ? 0.0 : time_[l];
            until_[l] = interval > 0 ? calendar_.date(interval - 1, l).time : n_.years[l];
            length[l] = until_[l] - since_[l];
            gain[l] = gain_[l] + cash[l];
            const double lost = exponential(-earned_by_exercise(n_, l) * length[l]);
            const double left = fma(n_.strike[l] + gain[l], lost, -n_.strike[l]);
            gain_[l] = left > 0.0 ? left : 0.0;
        }
        times_.set(n_, lanes, steps, since_kink, length, gain);
    }

    void fit_asymptotes(LaneSet lanes) {
        asymptotes_.fit(lanes, growth_, u_, nodes_, time_);
        for (std::size_t l = 0; tape_ != nullptr && l < kLadderOptions; ++l) {
            if (!contains(lanes, l)) continue;
            EdgeRecord& record = tape_->edge(programs_.interval(l));
            record.since[l] = time_[l];
            record.fall[l] = u_[l] - u_[kLadderOptions + l];
        }
    }

  private:
    // Whether the date after an interval takes so much that the kink at the spot it takes is a strike's.
    bool takes_much(std::size_t l, std::uint32_t interval) const {
        return interval < block_.options[l].dividends && calendar_.date(interval, l).share > kMuchTaken;
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

    // The dates of lane l that its march leaves out.
    void leave_out(std::size_t l, LeftOut& to) const {
        const std::uint32_t first = programs_.interval(l), dividends = block_.options[l].dividends;
        to.clear(l);
        for (std::uint32_t d = first; d < dividends; ++d) to.add(n_, l, calendar_.date(d, l), d == first);
    }

    // A call that leaves out its last date alone is either exercised before it or not at all
    // (narrow_start.hpp).
    void start_narrow(std::size_t l) {
        const std::uint32_t dividends = block_.options[l].dividends;
        if (n_.side[l] > 0.0 || programs_.interval(l) + 1 != dividends) return;
        ColumnMarch march(n_, calendar_, columns_, nodes_, alone_memory_);
        if (!march.start_steps(l, dividends - 1)) return;
        narrow_ |= 1u << l;
        for (std::size_t i = 0; i < nodes_; ++i) node(u_, i)[l] = columns_.value[i];
    }

    // Years before expiry, to the last date or all of them.
    double first_interval(std::size_t l) const {
        const std::uint32_t dividends = block_.options[l].dividends;
        return dividends > 0 ? calendar_.date(dividends - 1, l).time : n_.years[l];
    }

    void start_smooth(std::size_t l) {
        if (time_[l] > 0.0) return;
        const double time = SmoothStart::time_of(n_, l, first_interval(l));
        if (!(time > 0.0)) return;
        time_[l] = time;
        smooth_ |= 1u << l;
        smooth_now_ |= 1u << l;
        const SmoothStart start = smooth_start(l);
        const double middle = static_cast<double>(nodes_ / 2);
        for (std::size_t i = 0; i < nodes_; ++i) {
            node(u_, i)[l] = start.u(static_cast<double>(i) - middle, node(growth_, i)[l]);
        }
    }

  protected:
    const LadderBlock& block_;
    const LadderExtent extent_;
    const std::size_t nodes_;
    LanePrograms programs_;
    double *growth_, *u_, *w_;
    Calendar calendar_;
    double *growth_columns_, *columns_memory_, *alone_memory_;
    const Columns columns_;
    Normalised n_;
    StepTimes times_;
    StartRecord start_;
    PayoffRecord payoff_;           // the last one set
    PerLane gain_;                  // of waiting for later dividends, where exercise is certain
    PerLane time_, since_, until_;  // now, and where the present interval begins and ends
    PerLane centre_, exercisable_;  // exercisable_: 0 before the start
    Asymptotes asymptotes_;
    LocalSolution kink_[kLadderOptions] = {};
    const Tape* tape_ = nullptr;
    LaneSet smooth_now_ = 0;  // lanes of a smooth start that are in their first interval
    LaneSet has_column_ = 0;  // lanes whose growth_column is there

  private:
    LaneSet narrow_ = 0;  // lanes whose start is one of narrow_start.hpp
    LaneSet smooth_ = 0;  // lanes whose start is one of smooth_start.hpp
};

}  // namespace
}  // namespace atalanta
