#include "pricing/american/perpetual.hpp"

#include <cmath>

namespace atalanta {

// The value is (1 - B) (S / B)^lambda, B = lambda / (lambda - 1), where lambda <= 0 is a root of
// vol^2 lambda (lambda - 1) / 2 + (r - q) lambda - r = 0; the value is stationary in B.
PerpetualPut perpetual_put(double spot, double rate, double dividend_yield, double vol) noexcept {
    const double half_variance = 0.5 * vol * vol;
    const double slope = half_variance - (rate - dividend_yield);
    const double root = std::sqrt(slope * slope + 4.0 * half_variance * rate);
    const double lambda = slope > 0.0 ? -2.0 * rate / (slope + root) : (slope - root) / (2.0 * half_variance);
    if (lambda == 0.0) return {0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0};
    const double boundary = lambda / (lambda - 1.0);
    const double distance = std::log(spot / boundary);
    const double value = std::exp(lambda * distance) / (1.0 - lambda);
    const double by_lambda = value * distance;  // times minus root, the slope of the quadratic at lambda
    return {boundary,
            value,
            lambda * value / spot,
            lambda * (lambda - 1.0) * value / (spot * spot),
            by_lambda * vol * lambda * (lambda - 1.0) / root,
            by_lambda * (lambda - 1.0) / root,
            -by_lambda * lambda / root};
}

}  // namespace atalanta
