// Beside the spot that a dividend takes whole. Just after the date a put is exercised where its spot is worth
// less than the interest until the next date, and held for that dividend above: its value bends where hardly
// any spot is left, often below the grid. Just before the date all of that lies within a cell or two, between
// nodes that know nothing of it. There the value is taken for a chain of lines that bends at the nodes after
// the date, and the nodes before it are corrected for each bend. Entries: correct_taken_spot,
// TakenBends.
#pragma once

#include "pricing/ladder/taken_spot.hpp"

namespace atalanta {
namespace {

class TakenBends {
  public:
    // Of a date that takes a spot. u: just after it; `stride` between its nodes and those of growth.
    ATALANTA_INLINE TakenBends(const Normalised& n, std::size_t l, double share, double shift,
                               const LanePayoff& payoff, const double* u, const double* growth,
                               std::size_t stride, std::size_t nodes)
        : payoff_(payoff),
          lost_(lost_at_zero(n, l, payoff, u, growth, stride)),
          u_(u),
          growth_(growth),
          stride_(stride),
          nodes_(nodes),
          spacing_(n.spacing[l]),
          share_(share),
          moved_(exponential(shift)) {}

    // before: u just before the date, the spot itself corrected already.
    void correct(double* before) const {
        const double lowest = slope_above(0);
        const auto correct_bend = [&](double x, double change) {
            const double kept = kept_of(x) * change / moved_;
            TakenSpot(place_of(x), kept, spacing_, nodes_).correct(before, stride_);
        };
        if (lost_.exercised) {
            const double x = first_bend(lowest).x;
            if (matters(x)) correct_bend(x, lowest - payoff_.slope);
        }
        double slope = lost_.exercised ? lowest : lost_.slope;
        for (std::size_t i = 1; i + 1 < nodes_ && matters(x_at(i)); ++i) {
            const double next = slope_above(i);
            correct_bend(x_at(i), next - slope);
            slope = next;
        }
    }

    struct Derivatives {
        double by_shift, by_log_share, by_spacing;
        double by_level, by_slope;  // of the payoff
        double by_lost;             // by what is lost at zero, where that is not by exercise
    };
    // before: derivative by u just before the date, before_stride between nodes; into: by u just after it,
    // added to.
    Derivatives transpose(const double* before, std::size_t before_stride, double* into) const {
        Derivatives d = {};
        const double lowest = slope_above(0);
        double by_change = lost_.exercised ? transpose_first(lowest, before, before_stride, into, d) : 0.0;
        double slope = lost_.exercised ? lowest : lost_.slope;
        std::size_t i = 1;
        for (; i + 1 < nodes_ && matters(x_at(i)); ++i) {
            const double next = slope_above(i);
            const Bend bend = transpose_bend(x_at(i), next - slope, before, before_stride, d);
            d.by_spacing = fma(bend.by_log_x, cells(i), d.by_spacing);
            leave_slope(i - 1, by_change - bend.by_change, into, d);
            by_change = bend.by_change;
            slope = next;
        }
        leave_slope(i - 1, by_change, into, d);
        return d;
    }

  private:
    static constexpr double kReach = 1.0;  // over the spot taken: beyond it nodes before the date see enough

    double x_at(std::size_t i) const { return growth_[i * stride_]; }
    double cells(std::size_t i) const { return static_cast<double>(i) - static_cast<double>(nodes_ / 2); }
    // What u loses per unit of X between two nodes.
    double slope_above(std::size_t i) const {
        return (u_[i * stride_] - u_[(i + 1) * stride_]) / (x_at(i + 1) - x_at(i));
    }
    // Of what is left of it: the spot before the date, over the one at the middle.
    double place_of(double x) const { return fma(x, moved_, share_); }
    // How much of a bend is corrected for; less further up, so that none comes or goes at once.
    double kept_of(double x) const { return 1.0 - x * moved_ / (kReach * share_); }
    bool matters(double x) const {
        return kept_of(x) > 0.0 && TakenSpot::is_inside(place_of(x), growth_, stride_, nodes_);
    }

    // Where the line through the two lowest nodes meets exercise.
    struct FirstBend {
        double x;
        bool below;  // the lowest node, else there
    };
    FirstBend first_bend(double lowest) const {
        const double x = (payoff_.level - fma(lowest, x_at(0), u_[0])) / (payoff_.slope - lowest);
        const bool below = x > 0.0 && x < x_at(0);
        return {below ? x : x_at(0), below};
    }

    struct Bend {
        double by_log_x, by_change;
    };
    Bend transpose_bend(double x, double change, const double* before, std::size_t before_stride,
                        Derivatives& d) const {
        const double place = place_of(x), kept = kept_of(x), of_change = kept * change;
        const TakenSpot::Derivatives unit =
            TakenSpot(place, 1.0 / moved_, spacing_, nodes_).transpose(before, before_stride);
        const double by_log_place = of_change * unit.by_log_share, taken = share_ / place;
        const double by_log_reach = (kept - 1.0) * change * unit.by_log_loses;
        const double by_log_x = fma(by_log_place, 1.0 - taken, by_log_reach);
        d.by_log_share += fma(by_log_place, taken, -by_log_reach);
        d.by_shift += fma(-of_change, unit.by_log_loses, by_log_x);
        d.by_spacing = fma(of_change, unit.by_spacing, d.by_spacing);
        return {by_log_x, kept * unit.by_log_loses};
    }
    // Returns the derivative by the change of slope there.
    double transpose_first(double lowest, const double* before, std::size_t before_stride, double* into,
                           Derivatives& d) const {
        const FirstBend first = first_bend(lowest);
        if (!matters(first.x)) return 0.0;
        const double change = lowest - payoff_.slope;
        const Bend bend = transpose_bend(first.x, change, before, before_stride, d);
        d.by_slope -= bend.by_change;
        if (!first.below) {
            d.by_spacing = fma(bend.by_log_x, cells(0), d.by_spacing);
            return bend.by_change;
        }
        const double by_gap = bend.by_log_x / (-change * first.x), by_turn = bend.by_log_x / change;
        d.by_level += by_gap;
        d.by_slope += by_turn;
        into[0] -= by_gap;
        d.by_spacing -= by_gap * lowest * x_at(0) * cells(0);
        leave_slope(0, -fma(by_gap, x_at(0), by_turn), into, d);
        return bend.by_change;
    }
    // The lowest slope is that at zero, unless that is exercise.
    void leave_slope(std::size_t i, double by_slope, double* into, Derivatives& d) const {
        if (i == 0 && !lost_.exercised) {
            d.by_lost += by_slope;
            return;
        }
        const double rise = x_at(i + 1) - x_at(i), by_fall = by_slope / rise;
        into[i * stride_] += by_fall;
        into[(i + 1) * stride_] -= by_fall;
        d.by_spacing -= by_fall * slope_above(i) * (cells(i + 1) * x_at(i + 1) - cells(i) * x_at(i));
    }

    const LanePayoff payoff_;
    const LostAtZero lost_;
    const double *u_, *growth_;
    const std::size_t stride_, nodes_;
    const double spacing_, share_, moved_;
};

// before: u of lane l just before the date, read from `after`; all of them of node 0.
ATALANTA_INLINE void correct_taken_spot(const Normalised& n, std::size_t l, double share, double shift,
                                        const LanePayoff& payoff, const double* growth, std::size_t stride,
                                        std::size_t nodes, const double* after, double* before) {
    if (!takes_a_spot(n, l, share, growth, stride, nodes)) return;
    const LostAtZero lost = lost_at_zero(n, l, payoff, after, growth, stride);
    TakenSpot(share, lost.slope * exponential(-shift), n.spacing[l], nodes).correct(before, stride);
    if (n.bends[l] > 0.0) {
        TakenBends(n, l, share, shift, payoff, after, growth, stride, nodes).correct(before);
    }
}

}  // namespace
}  // namespace atalanta
