// The start of a march by columns where the last date is so close to expiry that the grid does not resolve
// what the value to expiry is just before it. The nodes have what it is far from the strike, to its only
// kink, which is placed; the bump about the kink is integrated by points of its own, and each gives its share
// to the six nodes around. Entry: NarrowStart.
#pragma once

#include "pricing/ladder/convolution.hpp"
#include "pricing/ladder/ex_date_column.hpp"
#include "pricing/ladder/spline_stencil.hpp"

namespace atalanta {
namespace {

constexpr double kNarrowCells = 1.15;  // a deviation of the spot to expiry, where the bump is
constexpr double kApart = 8.0;         // cells from it to where exercise ends to pay

class NarrowStart {
  public:
    static constexpr std::size_t kPoints = 24;  // the first half on the side where the option pays

    // What the bump beside the strike stands on: nothing, for there is none; what is left after the dividend;
    // or exercise before it. Deep in the money nodes may have the other of the two.
    enum class Base { none, held, exercised };

    // For lane l about its last date. centre: of the grid after it; before: exercise just before it.
    void set(const Normalised& n, std::size_t l, const LaneDate& date, double centre,
             const LanePayoff& before, std::size_t nodes) {
        n_ = &n;
        lane_ = l;
        date_ = date;
        centre_ = centre;
        before_ = before;
        nodes_ = nodes;
        middle_ = static_cast<double>(nodes / 2);
        deviation_ = european_deviation(n.diffusion[l], date.time);
        inverse_ = 1.0 / deviation_;
        base_ = Base::none;
        exercises_deep_ = exercises_beside_ = false;
        held_nodes_ = nodes;
        if (!is_wide()) choose_base();
        if (base_ != Base::none) place();
    }
    Base base() const { return base_; }
    // Nodes that have what is held far from the strike, from the lowest on.
    std::size_t held_nodes() const { return held_nodes_; }
    // Whether nodes are to be exercised before the date.
    bool exercises() const { return base_ == Base::exercised || exercises_deep_; }
    // Whether nodes resolve the value to expiry themselves.
    bool is_wide() const { return deviation_ * n_->inverse_spacing[lane_] >= kNarrowCells; }
    // From y to the logarithm of X at the forward: what is held is worth the forward's payoff far from the
    // strike.
    double forward() const { return 0.5 * deviation_ * deviation_; }

    // Adds the bump to the values just before the date.
    void add(double* values) const {
        for (std::size_t j = 0; j < kPoints; ++j) {
            if (weight_[j] == 0.0) continue;
            const SplineStencil at(place_[j], nodes_);
            const double worth = is_exercised(j) ? exercise_at(j) : value_[j];
            const double bump = weight_[j] * (worth - (is_paying(j) ? base_at(j) : 0.0));
            for (std::size_t k = 0; k < SplineStencil::kNodes; ++k)
                values[at.first + k] = fma(bump, at.weight[k], values[at.first + k]);
        }
    }

    // For the derivative: of each point its place from the middle, and what it weighs if nodes weigh so much.
    double cells(std::size_t j) const { return place_[j] - middle_; }
    double weight(std::size_t j, const double* by_node) const {
        if (weight_[j] == 0.0) return 0.0;
        const SplineStencil at(place_[j], nodes_);
        double sum = 0.0;
        for (std::size_t k = 0; k < SplineStencil::kNodes; ++k)
            sum = fma(at.weight[k], by_node[at.first + k], sum);
        return weight_[j] * sum;
    }
    static bool is_paying(std::size_t j) { return j < kPoints / 2; }
    // Whether exercise is worth more than what is held there.
    bool is_exercised(std::size_t j) const { return exercises_beside_ && exercise_at(j) > value_[j]; }
    bool stands_on_exercise(std::size_t j) const {
        if (base_ == Base::exercised) return is_paying(j);
        return exercises_deep_ && is_paying(j) && exercise_at(j) > forward_at(j);
    }
    bool stands_on_forward(std::size_t j) const {
        return base_ == Base::held && is_paying(j) && !stands_on_exercise(j);
    }
    double shrinks(std::size_t j) const { return shrinks_[j]; }
    double growth(std::size_t j) const { return growth_[j]; }
    double rest(std::size_t j) const { return rest_[j]; }
    double y(std::size_t j) const { return y_[j]; }

  private:
    // The right to exercise before the dividend counts for calls alone: a put that is not exercised between
    // its dates is worth more after it. What exercise gains over what is held is linear in the spot: a call
    // with a positive yield may be exercised deep in the money alone, one with a negative yield held there
    // again.
    void choose_base() {
        const Normalised& n = *n_;
        base_ = Base::held;
        if (!(n.american[lane_] > 0.0) || n.side[lane_] > 0.0) return;
        // Of what is held, 1 - (share + kept) E.
        const double held = date_.share + kept();
        const double gained = before_.level - 1.0, by_growth = held - before_.slope;
        const double paying = before_.level / before_.slope;
        const bool beside = fma(by_growth, paying, gained) > 0.0;
        exercises_deep_ = fma(by_growth, spot_at(0.0).growth, gained) > 0.0;
        if (!beside) return;
        base_ = Base::exercised;
        held_nodes_ = 0;
        if (exercises_deep_) return;
        // Held again below where both are worth the same: far from the bump, or exercise is part of it.
        const double low = 1.0 / held < paying ? 1.0 / held : paying;
        both_ = place_of(-gained / by_growth);
        const double last = __builtin_floor(place_of(low)) - 2.0;
        if (both_ < last - kApart) {
            held_nodes_ = last > 0.0 ? static_cast<std::size_t>(last) + 1 : 0;
        } else {
            base_ = Base::held;
            held_nodes_ = nodes_;
            exercises_beside_ = true;
        }
    }
    double place_of(double growth) const {
        return fma(logarithm(growth), n_->inverse_spacing[lane_], middle_);
    }
    // Over X just after the date, times what is left of the spot of a call or taken off that of a put, at the
    // forward: what is held is worth nothing from 1 on.
    double kept() const { return exponential(centre_ + forward() - date_.shift); }
    // Where that is so, in cells from node 0.
    double forward_kink() const {
        const bool put = n_->side[lane_] > 0.0;
        return place_of(put ? date_.share + 1.0 / kept() : 1.0 / (date_.share + kept()));
    }
    // Where exercise before the date begins to pay, in cells from node 0.
    double strike() const { return place_of(before_.level / before_.slope); }

    struct Spot {
        double growth, shrinks, rest, y;
    };
    ATALANTA_INLINE Spot spot_at(double place) const {
        const Normalised& n = *n_;
        const double away = (place - middle_) * n.spacing[lane_], growth = exponential(away);
        const double shrinks = n.side[lane_] > 0.0 ? exponential(-away) : growth;
        const LandedNode landed = land_node<false>(n.side[lane_], date_.share * shrinks, date_.shift,
                                                   n.inverse_spacing[lane_], place);
        return {growth, shrinks, landed.rest, fma(landed.place - middle_, n.spacing[lane_], centre_)};
    }

    // Of exercise over value, for a call, and its derivative by the place.
    struct Gain {
        double value, by_place;
    };
    Gain gain(double place) const {
        const Spot s = spot_at(place);
        const double u = european_u(s.y, deviation_, inverse_),
                     by_y = european_slopes(s.y, deviation_, inverse_).by_y;
        const double by_log = fma(-u, 1.0 - s.rest, by_y), paid = before_.slope * s.growth;
        return {before_.level - paid - s.rest * u, -n_->spacing[lane_] * (paid + by_log)};
    }

    void place() {
        constexpr double kSeen = 6.0;  // deviations
        const double kink = forward_kink();
        const double reach = kSeen * deviation_ * spot_at(kink).rest * n_->inverse_spacing[lane_];
        if (base_ == Base::held) {
            const double low = kink - reach;
            spread(sees_both() && both_ < low ? both_ : low, kink, kink + reach);
            leave_exercised();
            return;
        }
        const double from = strike(), high = kink + reach > from ? kink + reach : from;
        spread(exercised_until(kink - reach, from), from, high);
    }

    // Whether the points on the paying side are to reach where exercise begins to pay; from a narrow bump
    // they cannot, and waiting for so little earns next to nothing.
    bool sees_both() const {
        constexpr double kLeastSeen = 0.3;  // cells
        return exercises_beside_ && deviation_ * n_->inverse_spacing[lane_] > kLeastSeen;
    }

    // Points at which time adds nothing to exercise.
    void leave_exercised() {
        for (std::size_t j = 0; exercises_deep_ && j < kPoints / 2; ++j) {
            if (exercise_at(j) > value_[j]) weight_[j] = 0.0;
        }
    }

    // Where the gain falls to zero; from the strike on the tangents fall short of it.
    double exercised_until(double low, double strike) const {
        double at = strike;
        for (int step = 0; step < 8; ++step) {
            const Gain g = gain(at);
            const double moved = at - g.value / g.by_place;
            at = moved > low ? (moved < strike ? moved : strike) : low;
        }
        return at < strike ? at : strike;
    }

    // The points of Gauss and Legendre between low and middle, and between middle and high.
    void spread(double low, double middle, double high) {
        constexpr double kPlace[] = {0.1252334085114689, 0.3678314989981802, 0.5873179542866175,
                                     0.7699026741943047, 0.9041172563704749, 0.9815606342467192};
        constexpr double kShare[] = {0.2491470458134028, 0.2334925365383548, 0.2031674267230659,
                                     0.1600783285433462, 0.1069393259953184, 0.0471753363865118};
        const double last = static_cast<double>(nodes_ - 1);
        for (std::size_t j = 0; j < kPoints; ++j) {
            const std::size_t k = j % (kPoints / 2) / 2;
            const double from = is_paying(j) ? low : middle, to = is_paying(j) ? middle : high;
            const double half = 0.5 * (to - from), away = j % 2 == 0 ? kPlace[k] : -kPlace[k];
            const double place = fma(half, away, from + half);
            const bool inside = place >= 2.0 && place <= last - 3.0;
            place_[j] = inside ? place : middle_;
            weight_[j] = inside ? half * kShare[k] : 0.0;
        }
        const bool put = n_->side[lane_] > 0.0;
        ATALANTA_VECTOR_LOOP
        for (std::size_t j = 0; j < kPoints; ++j) {
            const Spot s = spot_at(place_[j]);
            growth_[j] = s.growth;
            shrinks_[j] = s.shrinks;
            rest_[j] = s.rest;
            y_[j] = s.y;
            value_[j] = (put ? 1.0 : s.rest) * european_u(s.y, deviation_, inverse_);
        }
    }

    double base_at(std::size_t j) const { return stands_on_exercise(j) ? exercise_at(j) : forward_at(j); }
    double exercise_at(std::size_t j) const { return fma(-before_.slope, growth_[j], before_.level); }
    double forward_at(std::size_t j) const {
        return (n_->side[lane_] > 0.0 ? 1.0 : rest_[j]) * (1.0 - exponential(y_[j] + forward()));
    }

    const Normalised* n_ = nullptr;
    std::size_t lane_ = 0, nodes_ = 0;
    LaneDate date_;
    LanePayoff before_;
    double centre_ = 0.0, middle_ = 0.0, deviation_ = 0.0, inverse_ = 0.0;
    double both_ = 0.0;  // where exercise and waiting are worth the same, if exercises_beside_
    Base base_ = Base::none;
    bool exercises_deep_ = false, exercises_beside_ = false;
    std::size_t held_nodes_ = 0;
    alignas(64) double place_[kPoints], weight_[kPoints];  // in cells from node 0
    alignas(64) double growth_[kPoints], shrinks_[kPoints], rest_[kPoints], y_[kPoints];
    alignas(64) double value_[kPoints];  // to expiry
};

}  // namespace
}  // namespace atalanta
