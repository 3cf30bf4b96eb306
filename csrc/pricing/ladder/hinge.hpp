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

}  // namespace
}  // namespace atalanta
