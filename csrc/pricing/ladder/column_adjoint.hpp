// All other first derivatives of the price of an option that ColumnMarch has solved: its march transposed,
// from the present to the last ex-date. Exact for the discrete price. Entry: ColumnAdjoint::solve.
#pragma once

#include "pricing/ladder/adjoint_dates.hpp"
#include "pricing/ladder/start_adjoint.hpp"

namespace atalanta {
namespace {

class ColumnAdjoint {
  public:
    // Of the working memory, aligned to 64 bytes; dividends: of the lane with most.
    static constexpr std::size_t doubles(std::size_t nodes, std::size_t dividends) {
        return 9 * row_nodes(nodes) + 2 * kRowMargin + round_up_to_lanes(dividends + 1) +
               (dividends + 1) * sizeof(DateWeights) / sizeof(double);
    }

    ColumnAdjoint(const Normalised& n, const Calendar& calendar, const Columns& columns, std::size_t nodes,
                  std::size_t dividends, double* memory)
        : n_(n),
          calendar_(calendar),
          c_(columns),
          nodes_(nodes),
          weights_(memory + 2 * row_nodes(nodes)),
          spread_(memory + 5 * row_nodes(nodes) + kRowMargin),
          taps_(memory + 8 * row_nodes(nodes) + 2 * kRowMargin),
          by_centre_(taps_ + row_nodes(nodes)),
          dates_(reinterpret_cast<DateWeights*>(by_centre_ + round_up_to_lanes(dividends + 1))) {}

    // u: of the present spot. by_cash: entry d at d * kLadderOptions.
    LadderSensitivities solve(std::size_t l, std::uint32_t dividends, double u, bool exercised,
                              const ColumnMarch& march, const ColumnTape& tape, double* by_cash) {
        lane_ = l;
        march_ = &march;
        by_rate_ = by_yield_ = by_vol_ = by_diffusion_ = by_drift_ = by_spacing_ = exercised_ = 0.0;
        for (std::uint32_t d = 0; d <= dividends; ++d) by_centre_[d] = 0.0;
        // On both sides of the grid by twice as much as an interval may reach.
        const std::size_t side = 2 * row_nodes(nodes_);
        for (double* w = weights_ - side; w < weights_ + 3 * row_nodes(nodes_) + kRowMargin; ++w) *w = 0.0;
        weights_[nodes_ / 2] = 1.0;
        if (dividends == 0) {
            unstart_at_once();
        } else {
            for (std::uint32_t d = 0; d < dividends; ++d) {
                unspread(d, tape.date(d));
                if (march.exercises(l, d)) unexercise(d, tape.date(d));
                land_column(n_, l, calendar_.date(d, l), march.growth(), nodes_, c_);
                if (d + 1 < dividends) {
                    unread(d, tape.date(d));
                } else {
                    unstart(d);
                }
            }
        }
        unplace_centres(dividends, by_cash);
        return finish(dividends, u, exercised, by_cash);
    }

    // Of the start of a lane that marches by steps from before its last date d. values: derivative by u
    // there.
    struct StartDerivatives {
        double by_rate, by_yield, by_diffusion, by_spacing, by_centre, by_log_spot, by_cash, exercised;
    };
    StartDerivatives unstart_steps(std::size_t l, std::uint32_t d, const double* values,
                                   const ColumnMarch& march, const ColumnTape& tape) {
        lane_ = l;
        march_ = &march;
        by_rate_ = by_yield_ = by_diffusion_ = by_spacing_ = exercised_ = by_centre_[d] = 0.0;
        for (std::size_t i = 0; i < row_nodes(nodes_) + kRowMargin; ++i) weights_[i] = 0.0;
        for (std::size_t i = 0; i < nodes_; ++i) weights_[i] = node(values, i)[l];
        if (march.exercises(l, d)) unexercise(d, tape.date(d));
        land_column(n_, l, calendar_.date(d, l), march.growth(), nodes_, c_);
        unstart(d);
        return {by_rate_,          by_yield_,     by_diffusion_,
                by_spacing_,       by_centre_[d], dates_[d].log_spot[l],
                dates_[d].cash[l], exercised_};
    }

  private:
    // weights_ by u an interval before date d become weights_ by the values just before it.
    void unspread(std::uint32_t d, const DateColumns& record) {
        const GaussianTaps taps(march_->variance(lane_, d), march_->deviations(), nodes_, taps_);
        const auto reach = static_cast<std::ptrdiff_t>(round_up_to_lanes(taps.reach()));
        const auto nodes = static_cast<std::ptrdiff_t>(nodes_);
        double* const spread = spread_ + reach;  // of node 0
        for (std::ptrdiff_t i = -reach; i < nodes + reach; i += static_cast<std::ptrdiff_t>(kConvolved)) {
            convolve(taps, weights_ + i, spread + i);
        }
        for (std::ptrdiff_t i = 0; i < nodes; ++i) weights_[i] = spread[i];
        uncontinue(-static_cast<std::ptrdiff_t>(taps.reach()), 0, 0, record.ends, spread);
        uncontinue(nodes, nodes + static_cast<std::ptrdiff_t>(taps.reach()), nodes - 2, record.ends + 2,
                   spread);
    }

    // The continuation of a row beyond the grid hangs on its two nodes at that end.
    void uncontinue(std::ptrdiff_t first, std::ptrdiff_t last, std::ptrdiff_t end, const double* ends,
                    const double* spread) {
        const double* e = march_->growth();
        const double middle = static_cast<double>(nodes_ / 2), inverse = 1.0 / (e[end + 1] - e[end]);
        const auto moved = [&](std::ptrdiff_t i) { return (static_cast<double>(i) - middle) * e[i]; };
        const double slope = (ends[0] - ends[1]) * inverse;
        const double slope_by_spacing = -slope * (moved(end + 1) - moved(end)) * inverse;
        for (std::ptrdiff_t i = first; i < last; ++i) {
            const double beyond = e[end] - e[i], w = spread[i];
            const double value = fma(slope, beyond, ends[0]);
            if (!(value > 0.0 && value < 1.0)) continue;
            weights_[end] = fma(w, fma(beyond, inverse, 1.0), weights_[end]);
            weights_[end + 1] = fma(-w * beyond, inverse, weights_[end + 1]);
            by_spacing_ += w * fma(slope_by_spacing, beyond, slope * (moved(end) - moved(i)));
        }
    }

    void unexercise(std::uint32_t d, const DateColumns& record) {
        PayoffWeight paid;
        const double middle = static_cast<double>(nodes_ / 2);
        const double *gain = record.gain, *e = march_->growth();
        const auto pay = [&](std::size_t i, double weight) {
            const double cells = static_cast<double>(i) - middle, grown = weight * e[i];
            paid.plain += weight;
            paid.grown += grown;
            paid.moved = fma(grown, cells, paid.moved);
        };
        // From the value at the four nodes to the payoff.
        const auto move_one = [&](std::size_t i, double by_gain) {
            pay(i, by_gain);
            weights_[i] -= by_gain;
        };
        const auto move_four = [&](std::size_t first, const double* by_gain) {
            for (std::size_t k = 0; k < WideHinge::kNodes; ++k) move_one(first + k, by_gain[k]);
        };
        const double time = calendar_.date(d, lane_).time;
        const LanePayoff before = march_->payoff(lane_, time, calendar_.centre(d, lane_));
        const PresentKinks near = march_->present_kinks(lane_, d, gain);
        const bool exercised = gain[nodes_ / 2] > 0.0;  // now
        // Before the weights of the exercised nodes go to the payoff.
        for (std::size_t i = 0; i < nodes_; ++i) spread_[i] = weights_[i];
        for (std::size_t i = 0; i < nodes_; ++i) {
            if (!(near.count > 0 ? exercised : gain[i] > 0.0)) continue;
            pay(i, weights_[i]);
            weights_[i] = 0.0;
        }
        double by_gain[WideHinge::kNodes];
        for (std::size_t k = 0; k < near.count; ++k) {
            const PresentKink kink = march_->present_kink(lane_, gain, near.node[k]);
            kink.transpose(by_gain);
            for (std::size_t j = 0; j < PresentKink::kNodes; ++j) move_one(kink.node_of(j), by_gain[j]);
        }
        if (near.count == 0) {
            march_->each_kink(d, gain, [&](std::size_t i) {
                SmoothKink(gain, i).transpose(spread_ + i - 2, by_gain);
                move_four(i - 2, by_gain);
            });
            march_->each_lower_kink(lane_, d, gain, [&](std::size_t i) {
                TurnedKink(gain, i).transpose(spread_ + i + 1, by_gain);
                for (std::size_t k = 0; k < TurnedKink::kNodes; ++k) move_one(i + 1 - k, by_gain[k]);
            });
        }
        if (march_->starts_exercised(d)) unstart_exercised(paid);
        collect(before, paid, by_centre_[d]);
    }

    // The bump before the last date, where it stands on exercise; other nodes than those that are held have
    // nothing else.
    void unstart_exercised(PayoffWeight& paid) {
        const NarrowStart& narrow = march_->narrow_start();
        weigh_points(spread_);
        for (std::size_t j = 0; j < NarrowStart::kPoints; ++j) {
            if (!narrow.stands_on_exercise(j)) continue;
            const double grown = -point_weights_[j] * narrow.growth(j);
            paid.plain -= point_weights_[j];
            paid.grown += grown;
            paid.moved = fma(grown, narrow.cells(j), paid.moved);
        }
        for (std::size_t i = narrow.held_nodes(); i < nodes_; ++i) weights_[i] = 0.0;
    }

    // Of the points of a narrow start, by the weights of nodes.
    void weigh_points(const double* by_node) {
        const NarrowStart& narrow = march_->narrow_start();
        if (narrow.base() == NarrowStart::Base::none) return;
        for (std::size_t j = 0; j < NarrowStart::kPoints; ++j) point_weights_[j] = narrow.weight(j, by_node);
    }

    // The part of the bump that is exercise before the last date d, where nodes are held.
    void pay_exercised_points(std::uint32_t d) {
        const NarrowStart& narrow = march_->narrow_start();
        if (narrow.base() != NarrowStart::Base::held) return;
        PayoffWeight paid;
        for (std::size_t j = 0; j < NarrowStart::kPoints; ++j) {
            if (!narrow.is_exercised(j)) continue;
            const double grown = point_weights_[j] * narrow.growth(j);
            paid.plain += point_weights_[j];
            paid.grown += grown;
            paid.moved = fma(grown, narrow.cells(j), paid.moved);
        }
        const LaneDate date = calendar_.date(d, lane_);
        collect(march_->payoff(lane_, date.time, calendar_.centre(d, lane_)), paid, by_centre_[d]);
    }

    // By the values just before date d, whose columns have landed, become by u just after it.
    void unread(std::uint32_t d, const DateColumns& record) {
        PayoffWeights paid;
        paid.clear();
        const double time = calendar_.date(d, lane_).time;
        const LanePayoff after = march_->payoff(lane_, time, calendar_.centre(d + 1, lane_));
        transpose_read_column(n_, lane_, calendar_.date(d, lane_), after, march_->growth(), nodes_, weights_,
                              1, record.after, c_, c_.value, dates_[d], paid, by_spacing_);
        for (std::size_t i = 0; i < nodes_; ++i) weights_[i] = c_.value[i];
        collect(after, paid.lane(lane_), by_centre_[d + 1]);
    }

    // The closed form just after the last date.
    void unstart(std::uint32_t d) {
        if (!march_->starts_exercised(d)) {
            weigh_points(weights_);
            pay_exercised_points(d);
        }
        StartAdjoint start(n_, calendar_, c_, *march_, nodes_, lane_, d);
        const double* const exercisable = march_->exercises(lane_, d) ? spread_ : weights_;
        const StartWeights w = start.solve(weights_, exercisable, point_weights_);
        by_centre_[d] += w.by_centre;
        by_spacing_ += w.by_spacing;
        by_diffusion_ += w.by_deviation * start.deviation() / (2.0 * n_.diffusion[lane_]);
        dates_[d].shift[lane_] = 0.0;
        dates_[d].log_spot[lane_] = w.by_log_spot;
        dates_[d].cash[lane_] = w.by_cash / calendar_.date(d, lane_).spot;
    }

    void unstart_at_once() {
        const double deviation = european_deviation(n_.diffusion[lane_], n_.years[lane_]);
        const EuropeanSlopes slopes = european_slopes(calendar_.centre(0, lane_), deviation, 1.0 / deviation);
        by_centre_[0] += slopes.by_y;
        by_diffusion_ += slopes.by_deviation * deviation / (2.0 * n_.diffusion[lane_]);
    }

    // level = e^(rate tau), slope = e^((yield + diffusion) tau + centre).
    void collect(const LanePayoff& payoff, const PayoffWeight& w, double& by_centre) {
        const std::size_t l = lane_;
        const double by_log_level = payoff.level * w.plain, by_log_slope = -payoff.slope * w.grown;
        by_rate_ = fma(payoff.time, by_log_level, by_rate_);
        by_yield_ = fma(payoff.time, by_log_slope, by_yield_);
        by_diffusion_ = fma(payoff.time, by_log_slope, by_diffusion_);
        by_centre += by_log_slope;
        by_spacing_ -= payoff.slope * w.moved;
        const double growth =
            exponential(fma(n_.yield[l], n_.years[l] - payoff.time, -n_.rate[l] * n_.years[l]));
        const double in_cash = n_.spot[l] / n_.strike[l] * growth * payoff.slope * w.grown;
        exercised_ += n_.side[l] > 0.0 ? w.plain : in_cash;
    }

    // Centres hang on each other through the dates, from the present on.
    void unplace_centres(std::uint32_t dividends, double* by_cash) {
        const std::size_t l = lane_;
        const double side = n_.side[l];
        for (std::uint32_t d = dividends; d > 0; --d) {
            const DateWeights& w = dates_[d - 1];
            const LaneDate date = calendar_.date(d - 1, l);
            const double after = by_centre_[d], by_shift = side * (w.shift[l] + after);
            const CentreAfter c = centre_after(n_, l, date.time, date.spot, date.cash, date.rise);
            const double by_left = by_shift / c.spot;
            const double by_log_spot = w.log_spot[l] + fma(by_left, c.by_log_spot, -by_shift);
            by_cash[(d - 1) * kLadderOptions] = fma(by_left, c.by_cash, w.cash[l]);
            by_vol_ = fma(by_left, c.by_vol, by_vol_);
            by_centre_[d - 1] += fma(side, by_log_spot, after);
            by_drift_ = fma(-side * date.time, by_log_spot, by_drift_);
        }
        by_drift_ = fma(n_.years[l], by_centre_[0], by_drift_);
    }

    LadderSensitivities finish(std::uint32_t dividends, double u, bool exercised, double* by_cash) const {
        const std::size_t l = lane_;
        const bool put = n_.side[l] > 0.0;
        const double discount = exponential(-n_.rate[l] * n_.years[l]);
        const double unit = exercised ? 0.0 : (put ? n_.strike[l] : n_.spot[l]) * discount;
        for (std::uint32_t d = 0; d < dividends; ++d) by_cash[d * kLadderOptions] *= unit;
        const double by_rate = by_rate_ + by_drift_ - n_.years[l] * u, by_yield = by_yield_ - by_drift_;
        const double by_width = fma(by_spacing_, n_.spacing[l] / n_.vol[l], by_vol_);
        const double vega = fma(by_diffusion_ - by_drift_, n_.vol[l], by_width);
        return {unit * vega, unit * (put ? by_rate : by_yield), unit * (put ? by_yield : by_rate),
                exercised ? 1.0 : exercised_};
    }

    const Normalised& n_;
    const Calendar& calendar_;
    const Columns& c_;
    const std::size_t nodes_;
    double* weights_;  // derivative of the price by a row, of its node 0; 0 beyond the grid
    double* spread_;
    double* taps_;
    double point_weights_[NarrowStart::kPoints];  // of the start
    double* by_centre_;                           // of each interval between dates, from the present on
    DateWeights* dates_;
    std::size_t lane_ = 0;
    const ColumnMarch* march_ = nullptr;
    double by_rate_, by_yield_, by_vol_, by_diffusion_, by_drift_, by_spacing_, exercised_;
};

}  // namespace
}  // namespace atalanta
