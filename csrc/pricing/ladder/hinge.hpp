// Kinks of the payoff between nodes. Sampling max(f, 0) at nodes errs at second order by where its kink lies
// in the cell; two-node weights from the Euler-Maclaurin formula restore the integral and its first moment,
// so that neither strike nor dividends need a node of their own.
#pragma once

#include "numerics/vector_loop.hpp"

namespace atalanta {
namespace {

struct HingeWeights {
    double positive, zero;  // to be added to u at the node where f > 0, and beyond the kink
};

// eta: cells from the positive node to the kink. slope and bend: first and second derivative of f at the
// kink, into the positive side.
ATALANTA_INLINE HingeWeights hinge_weights(double eta, double slope, double bend, double h) {
    const double b2 = fma(eta, eta - 1.0, 1.0 / 6.0);
    const double b3 = eta * fma(eta, eta - 1.5, 0.5);
    const double total = h * fma(slope * 0.5, b2, bend * h * (1.0 / 6.0) * b3);
    const double zero = fma(eta, total, -(slope * h * (1.0 / 3.0)) * b3);
    return {total - zero, zero};
}

struct HingeDerivatives {
    double positive_by_eta, zero_by_eta;
};
// Of hinge_weights, by eta.
ATALANTA_INLINE HingeDerivatives hinge_derivatives(double eta, double slope, double bend, double h) {
    const double b2 = fma(eta, eta - 1.0, 1.0 / 6.0), b3 = eta * fma(eta, eta - 1.5, 0.5);
    const double by_b2 = fma(2.0, eta, -1.0), by_b3 = fma(3.0 * eta, eta - 1.0, 0.5);
    const double total = h * fma(slope * 0.5, b2, bend * h * (1.0 / 6.0) * b3);
    const double by_total = h * fma(slope * 0.5, by_b2, bend * h * (1.0 / 6.0) * by_b3);
    const double zero = total + fma(eta, by_total, -(slope * h * (1.0 / 3.0)) * by_b3);
    return {by_total - zero, zero};
}

// The same at four nodes, from the one before the positive node on: four moments of the integral, not two.
// Lengths are in cells.
class WideHinge {
  public:
    static constexpr std::size_t kNodes = 4;

    ATALANTA_INLINE WideHinge(double eta, double slope, double bend)
        : eta_(eta), slope_(slope), half_(0.5 * bend) {
        const double e = eta, e2 = e * e;
        b_[0] = e - 0.5;
        b_[1] = fma(e, e - 1.0, 1.0 / 6.0);
        b_[2] = e * fma(e, e - 1.5, 0.5);
        b_[3] = fma(e2, fma(e, e - 2.0, 1.0), -1.0 / 30.0);
        b_[4] = e * fma(e2, fma(e, e - 2.5, 5.0 / 3.0), -1.0 / 6.0);
        b_[5] = fma(e2, fma(e2, fma(e, e - 3.0, 2.5), -0.5), 1.0 / 42.0);
    }

    // To be added to u.
    ATALANTA_INLINE void weights(double* at) const {
        // Moments about the kink, then about the positive node, then Lagrange's cubics.
        const double w0 = fma(slope_, b_[1] / 2.0, half_ * (b_[2] / 3.0));
        const double w1 = -fma(slope_, b_[2] / 3.0, half_ * (b_[3] / 4.0));
        const double w2 = fma(slope_, b_[3] / 4.0, half_ * (b_[4] / 5.0));
        const double w3 = -fma(slope_, b_[4] / 5.0, half_ * (b_[5] / 6.0));
        const double e = eta_, m1 = fma(e, w0, w1), m2 = fma(e, fma(e, w0, 2.0 * w1), w2);
        const double m3 = fma(e, fma(e, fma(e, w0, 3.0 * w1), 3.0 * w2), w3), sixth = (m3 - m1) * (1.0 / 6.0);
        at[0] = fma(0.5, m2 - m1, -sixth);
        at[1] = w0 - m2 + 0.5 * (m3 - m1);
        at[2] = m1 + 0.5 * (m2 - m3);
        at[3] = sixth;
    }

    struct Derivatives {
        double by_eta, by_slope, by_bend;
    };
    // Of the sum of the weights times v.
    ATALANTA_INLINE Derivatives transpose(const double* v) const {
        // The cubic through v and its derivatives at the kink, over factorials.
        const double third = (v[3] - v[0] + 3.0 * (v[1] - v[2])) * (1.0 / 6.0),
                     second = 0.5 * (v[0] + v[2]) - v[1];
        const double first = v[2] - v[1] - second - third, e = eta_;
        const double q0 = fma(e, fma(e, fma(e, third, second), first), v[1]);
        const double q1 = fma(e, fma(e, 3.0 * third, 2.0 * second), first), q2 = fma(e, 3.0 * third, second);
        const double by_slope =
            q0 * (b_[1] / 2.0) - q1 * (b_[2] / 3.0) + q2 * (b_[3] / 4.0) - third * (b_[4] / 5.0);
        const double by_half =
            q0 * (b_[2] / 3.0) - q1 * (b_[3] / 4.0) + q2 * (b_[4] / 5.0) - third * (b_[5] / 6.0);
        const double by_eta = q0 * fma(slope_, b_[0], half_ * b_[1]) -
                              q1 * fma(slope_, b_[1] / 2.0, half_ * (b_[2] * (2.0 / 3.0))) +
                              q2 * fma(slope_, b_[2] / 3.0, half_ * (b_[3] / 2.0)) -
                              third * fma(slope_, b_[3] / 4.0, half_ * (b_[4] * 0.4));
        return {by_eta, by_slope, 0.5 * by_half};
    }

  private:
    double eta_, slope_, half_;
    double b_[6];  // Bernoulli's polynomials of eta, from the first on
};

}  // namespace
}  // namespace atalanta
