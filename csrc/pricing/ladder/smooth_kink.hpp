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

// The kink of (1 - e^y)^+ between two nodes.
class IntrinsicKink {
  public:
    // y: at the positive node, below 0, and beyond the kink.
    ATALANTA_INLINE IntrinsicKink(double below, double above)
        : below_(below), above_(above), width_(above - below), place_(-below / width_) {}

    ATALANTA_INLINE HingeWeights weights() const {
        return hinge_weights(place_, width_, -width_ * width_, 1.0);
    }

    // Derivatives of positive w.positive + zero w.zero by y at both nodes.
    ATALANTA_INLINE void transpose(double positive, double zero, double& by_below, double& by_above) const {
        const double f = place_, s = width_, b = -width_ * width_;
        const double b2 = fma(f, f - 1.0, 1.0 / 6.0), b3 = f * fma(f, f - 1.5, 0.5);
        const double by_b2 = fma(2.0, f, -1.0), by_b3 = fma(3.0 * f, f - 1.0, 0.5);
        const double total = 0.5 * s * b2 + b * b3 * (1.0 / 6.0), turned = zero - positive;
        const double total_by_f = 0.5 * s * by_b2 + b * by_b3 * (1.0 / 6.0);
        const double zero_by_f = total + f * total_by_f - s * by_b3 * (1.0 / 3.0);
        const double total_by_s = 0.5 * b2 - s * b3 * (1.0 / 3.0);
        const double zero_by_s = f * total_by_s - b3 * (1.0 / 3.0);
        const double by_f = fma(positive, total_by_f, turned * zero_by_f);
        const double by_s = fma(positive, total_by_s, turned * zero_by_s);
        by_below = -by_f * above_ / (s * s) - by_s;
        by_above = by_f * below_ / (s * s) + by_s;
    }

  private:
    double below_, above_, width_, place_;
};

}  // namespace
}  // namespace atalanta
