// The values just before the last date of a march by columns, transposed: from their weights to what hangs on
// the values to expiry. Entry: StartAdjoint.
#pragma once

#include "pricing/ladder/column_march.hpp"

namespace atalanta {
namespace {

struct StartWeights {
    double by_deviation = 0.0, by_centre = 0.0, by_log_spot = 0.0, by_cash = 0.0, by_spacing = 0.0;
};

class StartAdjoint {
  public:
    // The march has solved lane l, whose last date d has landed in the columns.
    StartAdjoint(const Normalised& n, const Calendar& calendar, const Columns& columns,
                 const ColumnMarch& march, std::size_t nodes, std::size_t l, std::uint32_t d)
        : n_(n),
          c_(columns),
          march_(march),
          narrow_(march.narrow_start()),
          nodes_(nodes),
          lane_(l),
          date_(d),
          side_(n.side[l]),
          spacing_(n.spacing[l]),
          share_(calendar.date(d, l).share),
          centre_(calendar.centre(d + 1, l)),
          deviation_(european_deviation(n.diffusion[l], calendar.date(d, l).time)) {}

    // weights: of the values just before the date, without the right to exercise; with it: exercisable.
    // of_points: of the bump.
    StartWeights solve(const double* weights, const double* exercisable, const double* of_points) {
        const bool is_narrow = narrow_.base() != NarrowStart::Base::none;
        if (is_narrow) leave_bump(of_points);
        for (std::size_t i = 0; i < nodes_; ++i) {
            if (is_narrow) {
                leave_forward(place(i), weights[i]);
            } else {
                leave_value(place(i), weights[i]);
            }
        }
        if (const std::size_t i = march_.start_kink(); i > 0) leave_kink(i, exercisable);
        if (takes_a_spot(n_, lane_, share_, march_.growth(), 1, nodes_)) leave_taken_spot(weights);
        return w_;
    }
    double deviation() const { return deviation_; }

  private:
    // A spot just before the date, so many cells from the middle.
    struct Place {
        double cells, y, rest, shrinks;
    };
    Place place(std::size_t i) const {
        const double middle = static_cast<double>(nodes_ / 2);
        return {static_cast<double>(i) - middle, fma(c_.place[i] - middle, spacing_, centre_), c_.rest[i],
                c_.shrinks[i]};
    }
    bool is_put() const { return side_ > 0.0; }

    void leave_bump(const double* of_points) {
        for (std::size_t j = 0; j < NarrowStart::kPoints; ++j) {
            const Place at = {narrow_.cells(j), narrow_.y(j), narrow_.rest(j), narrow_.shrinks(j)};
            if (!narrow_.is_exercised(j)) leave_value(at, of_points[j]);
            if (narrow_.stands_on_forward(j)) leave_forward(at, -of_points[j]);
        }
    }

    void leave_kink(std::size_t i, const double* weights) {
        const IntrinsicKink::Derivatives d = march_.intrinsic_kink(lane_, date_).transpose(weights + i - 2);
        leave_at_forward(place(march_.start_kink_node(lane_)), d.by_y, d.by_rest);
        w_.by_spacing += d.by_spacing;
    }

    void leave_taken_spot(const double* weights) {
        const TakenSpot::Derivatives d = march_.start_taken_spot(lane_, date_).transpose(weights, 1);
        w_.by_log_spot -= d.by_log_share;
        w_.by_cash += d.by_log_share / share_;
        w_.by_centre += d.by_log_loses;
        w_.by_deviation = fma(d.by_log_loses, deviation_, w_.by_deviation);
        w_.by_spacing += d.by_spacing;
    }

    // There the value to expiry weighs `weight`; then the forward's payoff does.
    ATALANTA_INLINE void leave_value(const Place& at, double weight) {
        const double inverse = 1.0 / deviation_, counted = weight * (is_put() ? 1.0 : at.rest);
        const EuropeanSlopes slopes = european_slopes(at.y, deviation_, inverse);
        w_.by_deviation = fma(counted, slopes.by_deviation, w_.by_deviation);
        leave(at, counted * slopes.by_y, is_put() ? 0.0 : weight * european_u(at.y, deviation_, inverse));
    }
    ATALANTA_INLINE void leave_forward(const Place& at, double weight) {
        const double grown = exponential(fma(0.5 * deviation_, deviation_, at.y)), paid = 1.0 - grown;
        const double pays = paid > 0.0 ? 1.0 : 0.0, counted = weight * (is_put() ? 1.0 : at.rest);
        leave_at_forward(at, -counted * pays * grown, is_put() ? 0.0 : weight * pays * paid);
    }
    ATALANTA_INLINE void leave_at_forward(const Place& at, double by_y, double by_unit) {
        w_.by_deviation = fma(by_y, deviation_, w_.by_deviation);
        leave(at, by_y, by_unit);
    }

    // The place of a node before the date is the logarithm of what is left. by_unit: by the share that is
    // left, in which calls are counted.
    ATALANTA_INLINE void leave(const Place& at, double by_y, double by_unit) {
        const double by_rest = at.rest > kLeastRest ? fma(side_, by_y / at.rest, by_unit) : 0.0;
        const double by_spot = by_rest * (1.0 - at.rest);
        w_.by_centre += by_y;
        w_.by_log_spot += by_spot;
        w_.by_cash -= by_rest * at.shrinks;
        w_.by_spacing += fma(by_spot, side_, by_y) * at.cells;
    }

    const Normalised& n_;
    const Columns& c_;
    const ColumnMarch& march_;
    const NarrowStart& narrow_;
    const std::size_t nodes_, lane_;
    const std::uint32_t date_;
    const double side_, spacing_, share_, centre_, deviation_;
    StartWeights w_;
};

}  // namespace
}  // namespace atalanta
