// A put's first date so near that the present still has the bend of the free boundary just after it, where
// the value leaves the payoff as a parabola does. What it is worth above the payoff there is taken off the
// nodes before the date is crossed, so that none is read across the boundary, and is added at the present:
// its mean over a normal law, in closed form. Entry: PresentBend.
#pragma once

#include "pricing/ladder/boundary_fit.hpp"
#include "pricing/ladder/ex_date_column.hpp"
#include "pricing/ladder/present_kink.hpp"

namespace atalanta {
namespace {

class PresentBend {
  public:
    static constexpr std::size_t kMoments = BoundaryFit::kTerms + 2;

    PresentBend() = default;

    // Whether lane l may have one before its first date: nothing is exercised until then, for the dividend is
    // worth more than the interest.
    static bool is_possible(const Normalised& n, std::size_t l, const LadderOption& o, const LaneDate& date) {
        if (!(n.side[l] > 0.0 && n.exercisable[l] > 0.0) || o.read_far) return false;
        const double until = n.years[l] - date.time, cells = n.vol[l] * n.inverse_spacing[l];
        const double earns = n.yield[l] < 0.0 ? n.rate[l] - n.yield[l] : n.rate[l];
        return cells * cells * until < kMostVariance &&
               date.cash > (exponential(earns * until) - 1.0) * n.strike[l];
    }

    // u: just after the date, and growth, of lane l, stride from node to node; payoff: of exercise then.
    PresentBend(const Normalised& n, std::size_t l, const LaneDate& date, const LanePayoff& payoff,
                const double* growth, const double* u, std::size_t stride, std::size_t nodes)
        : spacing_(n.spacing[l]), variance_(n.vol[l] * n.vol[l] * (n.years[l] - date.time)) {
        const auto is_free = [&](std::size_t i) {
            return u[i * stride] > fma(-payoff.slope, growth[i * stride], payoff.level);
        };
        const double kept = exponential(date.shift);
        std::size_t first = nodes;
        while (first > 0 && is_free(first - 1)) --first;
        if (first == 0 || first == nodes) return;
        const double place = fma(growth[first * stride], kept, date.share);
        if (!is_seen(place)) return;
        cells_ = __builtin_fabs(place - 1.0) / spacing_;
        fit_ = BoundaryFit(n, l, payoff, growth, u, stride, nodes, first, kept, date.share);
    }

    bool is_found() const { return fit_.found; }
    // From the present, about; large where it is out of sight.
    double cells() const { return cells_; }
    const BoundaryFit& fit() const { return fit_; }

    // Leaves at the nodes of a column what goes on smoothly from the payoff.
    void take(const LanePayoff& payoff, const double* growth, std::size_t nodes, double* u) const {
        const double boundary = fit_.boundary;
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < Columns::looped(nodes); ++i) {
            const double above = fit_.place(growth[i]) - boundary;
            u[i] -= fit_.worth(above > 0.0 ? above : 0.0);
        }
        u[fit_.first] = fma(-payoff.slope, growth[fit_.first], payoff.level);
    }

    // What the present has of it; derivatives in cells.
    LocalSolution reading() const {
        double m[kMoments];
        moments(m);
        const LocalSolution at = mean(m);
        return {at.u, spacing_ * at.uy, spacing_ * spacing_ * at.uyy};
    }

    // Of what it is worth, and of its derivatives by y.
    LocalSolution mean(const double* m) const {
        const double a = fit_.terms[0], b = fit_.terms[1], c = fit_.terms[2], k = fit_.decay;
        const double value = fma(a, m[2], fma(b, m[3], c * m[4]));
        const double first = fma(2.0 * a, m[1], fma(3.0 * b, m[2], 4.0 * c * m[3]));
        const double second = fma(2.0 * a, m[0], fma(6.0 * b, m[1], 12.0 * c * m[2]));
        return {value, fma(-k, value, first), fma(k, fma(k, value, -2.0 * first), second)};
    }

    // E[(s + deviation Z)^k e^(-decay (s + deviation Z)); s + deviation Z > 0] at the present.
    void moments(double* m) const {
        constexpr double kDensity = 0.39894228040143267794, kLeastDeviation = 1e-9;
        const double wide = square_root(variance_), least = kLeastDeviation * spacing_, decay = fit_.decay;
        const double deviation = wide > least ? wide : least, variance = deviation * deviation;
        const double mean = fma(-decay, variance, -fit_.boundary), z = mean / deviation;
        const double scale = exponential(decay * fma(0.5 * decay, variance, fit_.boundary));
        m[0] = scale * normal_distribution(z);
        m[1] = fma(mean, m[0], scale * deviation * kDensity * exponential(-0.5 * z * z));
        for (std::size_t k = 2; k < kMoments; ++k) {
            m[k] = fma(mean, m[k - 1], static_cast<double>(k - 1) * variance * m[k - 2]);
        }
    }

  private:
    static constexpr double kMostVariance = 4.0;  // in cells squared: wider ones are resolved by the nodes

    // Whether the present feels what lies at e^distance from it.
    bool is_seen(double e) const {
        constexpr double kSeen = 5.5, kSeenCells = 6.0;
        const double reach = fma(kSeen, square_root(variance_), kSeenCells * spacing_);
        return e > 1.0 - reach && e < 1.0 + reach;
    }

    double spacing_, variance_, cells_ = 1e9;
    BoundaryFit fit_;
};

}  // namespace
}  // namespace atalanta
