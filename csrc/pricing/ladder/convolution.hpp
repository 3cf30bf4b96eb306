// A Gaussian over a row of nodes: what an interval without exercise does to u, exact in time however long it
// is. Entries: GaussianTaps, convolve, european_u.
#pragma once

#include "numerics/exponential.hpp"
#include "numerics/lanes.hpp"
#include "numerics/mills_fits.hpp"

namespace atalanta {
namespace {

constexpr double kNarrowVariance = 0.64;  // in cells squared: below it samples are no quadrature

// Weights at whole cells, over the caller's memory; those of both sides sum to one.
class GaussianTaps {
  public:
    // variance: in cells squared. deviations: how far the weights reach, at most `most` cells; there is room
    // for one more and whole registers.
    ATALANTA_INLINE GaussianTaps(double variance, double deviations, std::size_t most, double* weights)
        : weight_(weights) {
        if (variance < kNarrowVariance) {
            // The five weights that have its moments.
            const double outer = variance * fma(3.0, variance, -1.0) * (1.0 / 24.0);
            weights[1] = fma(-4.0, outer, 0.5 * variance);
            weights[2] = outer;
            weights[0] = fma(-2.0, weights[1] + weights[2], 1.0);
            reach_ = 2;
            return;
        }
        const double wanted = __builtin_ceil(deviations * square_root(variance));
        reach_ = wanted < static_cast<double>(most) ? static_cast<std::size_t>(wanted) : most;
        const double rate = -0.5 / variance;
        const std::size_t count = round_up_to_lanes(reach_ + 1);
        for (std::size_t j = 0; j < count; ++j) weights[j] = static_cast<double>(j);
        ATALANTA_VECTOR_LOOP
        for (std::size_t j = 0; j < count; ++j) weights[j] = exponential(rate * weights[j] * weights[j]);
        for (std::size_t j = reach_ + 1; j < count; ++j) weights[j] = 0.0;
        double sums[kLanes] = {};
        for (std::size_t j = 0; j < count; j += kLanes) {
            ATALANTA_LANE_LOOP
            for (std::size_t k = 0; k < kLanes; ++k) sums[k] += weights[j + k];
        }
        const double half =
            ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
        const double scale = 1.0 / (half + half - weights[0]);
        for (std::size_t j = 0; j < count; ++j) weights[j] *= scale;
    }

    std::size_t reach() const { return reach_; }
    double operator[](std::size_t j) const { return weight_[j]; }

  private:
    const double* weight_;
    std::size_t reach_;
};

constexpr std::size_t kConvolved = 2 * kRowLanes;  // nodes whose sums stay in registers

// from: the first of kConvolved nodes of a row that goes on by the taps' reach on both sides; to is aligned.
ATALANTA_INLINE void convolve(const GaussianTaps& taps, const double* from, double* to) {
    const Lanes centre = repeat(taps[0]);
    Lanes first = centre * load_anywhere(from), second = centre * load_anywhere(from + kRowLanes);
    for (std::size_t j = 1; j <= taps.reach(); ++j) {
        const Lanes weight = repeat(taps[j]);
        const double *low = from - j, *high = from + j;
        first = fma(weight, load_anywhere(low) + load_anywhere(high), first);
        second = fma(weight, load_anywhere(low + kRowLanes) + load_anywhere(high + kRowLanes), second);
    }
    store(to, first);
    store(to + kRowLanes, second);
}

// The same of kRowLanes nodes.
ATALANTA_INLINE void convolve_less(const GaussianTaps& taps, const double* from, double* to) {
    Lanes sum = repeat(taps[0]) * load_anywhere(from);
    for (std::size_t j = 1; j <= taps.reach(); ++j) {
        sum = fma(repeat(taps[j]), load_anywhere(from - j) + load_anywhere(from + j), sum);
    }
    store(to, sum);
}

ATALANTA_INLINE double normal_distribution(double x) {
    constexpr double kDensity = 0.39894228040143267794;
    const double tail = kDensity * exponential(-0.5 * x * x) * mills(magnitude(x));
    return x < 0.0 ? tail : 1.0 - tail;
}

constexpr double kMostExponent = 700.0;

ATALANTA_INLINE double european_deviation(double diffusion, double time) {
    constexpr double kLeast = 1e-150;
    const double deviation = square_root(2.0 * diffusion * time);
    return deviation > kLeast ? deviation : kLeast;
}

// The mean of (1 - e^(y + deviation Z))^+.
ATALANTA_INLINE double european_u(double y, double deviation, double inverse_deviation) {
    const double a = -y * inverse_deviation, exponent = fma(0.5 * deviation, deviation, y);
    const double bounded = exponent < kMostExponent ? exponent : kMostExponent;
    return normal_distribution(a) - exponential(bounded) * normal_distribution(a - deviation);
}

struct EuropeanSlopes {
    double by_y, by_deviation;
};
ATALANTA_INLINE EuropeanSlopes european_slopes(double y, double deviation, double inverse_deviation) {
    constexpr double kDensity = 0.39894228040143267794;
    const double a = -y * inverse_deviation, exponent = fma(0.5 * deviation, deviation, y);
    const double bounded = exponent < kMostExponent ? exponent : kMostExponent;
    const double second = exponential(bounded) * normal_distribution(a - deviation);
    return {-second, fma(-deviation, second, kDensity * exponential(-0.5 * a * a))};
}

}  // namespace
}  // namespace atalanta
