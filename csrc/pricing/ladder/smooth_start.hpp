// The start of a march by steps whose free boundary begins away from the strike: shortly before expiry the
// option is worth what a European one is, and what exercise adds about its boundary, in closed form. Nothing
// is left of the kink at the strike, from which a few short steps would err. Entry: SmoothStart.
#pragma once

#include "pricing/ladder/convolution.hpp"
#include "pricing/ladder/ex_date.hpp"

namespace atalanta {
namespace {

constexpr double kSmoothedRatio = 1.0;       // D t / h^2 to expiry, where a march begins ...
constexpr double kMostOfFirst = 0.7;         // ... but no more of its first interval than this
constexpr double kBoundaryDeviations = 5.0;  // at least, from the strike to the boundary

class SmoothStart {
  public:
    // Years before expiry at which lane l may begin; 0 where it may not. first: length of its first interval.
    static double time_of(const Normalised& n, std::size_t l, double first) {
        const double r = rate_of(n, l), q = n.yield[l];
        if (!(n.exercisable[l] > 0.0 && n.rate[l] > 0.0 && q > r)) return 0.0;
        const double smoothed = kSmoothedRatio * n.spacing[l] * n.spacing[l] * n.inverse_diffusion[l];
        const double most = kMostOfFirst * first, time = smoothed < most ? smoothed : most;
        const double deviation = european_deviation(n.diffusion[l], time);
        return log_ratio(q, r) > kBoundaryDeviations * deviation ? time : 0.0;
    }

    // centre: of the grid until the last date.
    SmoothStart(const Normalised& n, std::size_t l, double time, double centre)
        : centre_(centre),
          spacing_(n.spacing[l]),
          deviation_(european_deviation(n.diffusion[l], time)),
          inverse_(1.0 / deviation_),
          payoff_{time, exponential(n.rate[l] * time),
                  exponential(fma(n.rate[l] - n.drift[l], time, centre))},
          boundary_(log_ratio(rate_of(n, l) * payoff_.level, n.yield[l] * payoff_.slope)),
          earned_(rate_of(n, l) * payoff_.level * time * deviation_) {}

    const LanePayoff& payoff() const { return payoff_; }
    double deviation() const { return deviation_; }
    bool is_exercised(double cells) const { return deviations_away(cells) < -kBoundaryFalls; }

    // How likely exercise is until expiry: the boundary falls as deviations do, from where it ends.
    double exercised(double cells) const {
        constexpr double kAtBoundary = 0.7385342812343155;  // N(kBoundaryFalls)
        if (is_exercised(cells)) return 1.0;
        return normal_distribution(-deviations_away(cells)) * (1.0 / kAtBoundary);
    }

    // u so many cells from the middle, where E is `growth`.
    double u(double cells, double growth) const {
        if (is_exercised(cells)) return fma(-payoff_.slope, growth, payoff_.level);
        return european_u(y(cells), deviation_, inverse_) + premium(deviations_away(cells));
    }
    EuropeanSlopes slopes(double cells) const { return european_slopes(y(cells), deviation_, inverse_); }

  private:
    // Before expiry exercise earns rate A - yield B E, to first order about where that is 0. What the right
    // to it is worth over what is held then solves an ordinary equation: z + c G(z), z being the distance in
    // deviations, from the boundary at -kBoundaryFalls on; of that z is the European value's.
    static constexpr double kBoundaryFalls = 0.6388332158039357, kPremium = 0.2671472119057089;

    // A rate too small to matter has a boundary that is out of sight, and not beyond the numbers.
    static constexpr double kLeastShare = 1e-9;
    static double rate_of(const Normalised& n, std::size_t l) {
        const double least = kLeastShare * n.yield[l];
        return n.rate[l] > least ? n.rate[l] : least;
    }

    double y(double cells) const { return fma(cells, spacing_, centre_); }
    double deviations_away(double cells) const { return fma(cells, spacing_, -boundary_) * inverse_; }
    // G: the third integral of the normal law.
    double premium(double z) const {
        constexpr double kDensity = 0.39894228040143267794, kSeen = 7.0;
        if (z > kSeen) return 0.0;
        const double density = kDensity * exponential(-0.5 * z * z), above = normal_distribution(-z);
        const double g = fma(fma(z, z, 2.0), density, -z * fma(z, z, 3.0) * above);
        return earned_ * kPremium * g;
    }

    double centre_, spacing_, deviation_, inverse_;
    LanePayoff payoff_;
    double boundary_;  // where the payoff earns nothing, in the logarithm of E
    double earned_;
};

}  // namespace
}  // namespace atalanta
