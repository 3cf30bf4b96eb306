// The kink of max(value, payoff) where both are smooth from node to node: the cubic through four gains,
// payoff less value, says where it lies and how sharply they part, to fourth order. Entry: SmoothKink.
#pragma once

#include "numerics/exponential.hpp"
#include "pricing/ladder/hinge.hpp"

namespace atalanta {
namespace {

class SmoothKink {
  public:
    // Between the nodes i - 1, with a gain, and i, without one; each has another one beside it. Lengths are
    // in cells from i - 1.
    ATALANTA_INLINE SmoothKink(const double* gain, std::size_t i) : value_(gain[i - 1]) {
        const double a = gain[i - 2], b = gain[i - 1], c = gain[i], d = gain[i + 1];
        third_ = ((d - a) - 3.0 * (c - b)) * (1.0 / 6.0);
        second_ = 0.5 * (a + c) - b;
        first_ = c - b - second_ - third_;
        place_ = b / (b - c);
        for (int step = 0; step < 3; ++step) {
            const double moved = place_ - gain_at() / slope();
            place_ = moved > 0.0 ? (moved < 1.0 ? moved : 1.0) : 0.0;
        }
    }

    // To be added to the larger of both, at the four nodes from i - 2 on.
    ATALANTA_INLINE void weights(double* at) const { hinge().weights(at); }
    ATALANTA_INLINE void correct(double* values) const {
        double added[WideHinge::kNodes];
        weights(added);
        for (std::size_t k = 0; k < WideHinge::kNodes; ++k) values[k] += added[k];
    }

    // The derivative of what that adds, by the four gains; by_node: the derivative by the nodes.
    ATALANTA_INLINE void transpose(const double* by_node, double* by_gain) const {
        const WideHinge::Derivatives d = hinge().transpose(by_node);
        const double f = place_, falls = -slope();
        const double by_f = d.by_eta - d.by_slope * bend() + d.by_bend * 6.0 * third_;
        // The place moves by the gain there over its fall.
        const double by_value = by_f / falls;
        unfit(by_value, by_value * f - d.by_slope, by_value * f * f - 2.0 * f * d.by_slope + 2.0 * d.by_bend,
              by_value * f * f * f - 3.0 * f * f * d.by_slope + 6.0 * f * d.by_bend, by_gain);
    }

    // From derivatives by the terms of the cubic to those by the four gains.
    ATALANTA_INLINE static void unfit(double by_value, double by_first, double by_second, double by_third,
                                      double* by_gain) {
        by_gain[0] = -by_third / 6.0 + 0.5 * by_second - by_first / 3.0;
        by_gain[1] = by_value + 0.5 * by_third - by_second - 0.5 * by_first;
        by_gain[2] = -0.5 * by_third + 0.5 * by_second + by_first;
        by_gain[3] = (by_third - by_first) / 6.0;
    }

    // Of the kink, and of the gain there.
    ATALANTA_INLINE double place() const { return place_; }
    ATALANTA_INLINE double slope() const {
        return fma(place_, fma(place_, 3.0 * third_, 2.0 * second_), first_);
    }
    ATALANTA_INLINE double bend() const { return fma(6.0 * third_, place_, 2.0 * second_); }
    ATALANTA_INLINE double third() const { return 6.0 * third_; }

  private:
    ATALANTA_INLINE WideHinge hinge() const { return {place_, -slope(), bend()}; }
    ATALANTA_INLINE double gain_at() const {
        return fma(place_, fma(place_, fma(place_, third_, second_), first_), value_);
    }

    double value_, first_, second_, third_;  // of the cubic
    double place_;
};

// The same between the nodes i - 1, without a gain, and i, with one: nodes are counted downward from i + 1.
class TurnedKink {
  public:
    static constexpr std::size_t kNodes = WideHinge::kNodes;

    ATALANTA_INLINE TurnedKink(const double* gain, std::size_t i)
        : turned_{gain[i + 1], gain[i], gain[i - 1], gain[i - 2]}, kink_(turned_, 2) {}

    // last: the value at the node i + 1.
    ATALANTA_INLINE void correct(double* last) const {
        double added[kNodes];
        kink_.weights(added);
        for (std::size_t k = 0; k < kNodes; ++k) *(last - k) += added[k];
    }

    // As SmoothKink; last: the derivative by the node i + 1.
    ATALANTA_INLINE void transpose(const double* last, double* by_gain) const {
        const double by_node[kNodes] = {*last, *(last - 1), *(last - 2), *(last - 3)};
        kink_.transpose(by_node, by_gain);
    }

  private:
    double turned_[kNodes];
    SmoothKink kink_;
};

// The kink of the forward's payoff just before a dividend, where it is linear in E of X: between two nodes it
// is unit (1 - e^x), x being the distance beyond the kink.
class IntrinsicKink {
  public:
    // side: of Normalised. y and rest: of the forward after the dividend and the share of the spot that is
    // left, at the node beyond the kink for a put, at the one before it for a call, which counts in shares.
    ATALANTA_INLINE IntrinsicKink(double side, double y, double rest, double spacing)
        : put_(side > 0.0), rest_(rest), grows_(exponential(-side * y)), spacing_(spacing) {
        moves_ = fma(rest, grows_ - 1.0, 1.0);
        unit_ = put_ ? moves_ / (rest * grows_) : 1.0;
        from_ = put_ ? 1.0 : 0.0;
        place_ = fma(side, logarithm(moves_) / spacing, from_);
    }

    // To be added at the four nodes from the one before the positive one on.
    ATALANTA_INLINE void correct(double* values) const {
        double added[WideHinge::kNodes];
        hinge().weights(added);
        for (std::size_t k = 0; k < WideHinge::kNodes; ++k) values[k] += added[k];
    }

    struct Derivatives {
        double by_y, by_rest, by_spacing;
    };
    // values: derivative by those nodes.
    ATALANTA_INLINE Derivatives transpose(const double* values) const {
        const WideHinge::Derivatives d = hinge().transpose(values);
        const double h = spacing_, side = put_ ? 1.0 : -1.0;
        const double of_unit = put_ ? unit_ * h * fma(-h, d.by_bend, d.by_slope) : 0.0;
        const double by_moves = fma(side, d.by_eta / h, of_unit) / moves_;
        const double by_log_grows = grows_ * rest_ * by_moves - of_unit;
        const double by_rest = fma(grows_ - 1.0, by_moves, -of_unit / rest_);
        const double by_width = unit_ * fma(-2.0 * h, d.by_bend, d.by_slope);
        return {-side * by_log_grows, by_rest, fma(d.by_eta, (from_ - place_) / h, by_width)};
    }

  private:
    ATALANTA_INLINE WideHinge hinge() const {
        const double slope = unit_ * spacing_;
        return {place_, slope, -slope * spacing_};
    }

    bool put_;
    double rest_, grows_, spacing_;  // grows_: of what is left, from the node to the kink
    double moves_, unit_;            // E, from there to the kink
    double from_, place_;            // the node and the kink, in cells from the positive node
};

}  // namespace
}  // namespace atalanta
