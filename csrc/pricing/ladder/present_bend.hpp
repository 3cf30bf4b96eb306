// A put's first date so near that the present still has the bend of the free boundary just after it, where
// the value leaves the payoff as a parabola does. What it is worth above the payoff there is taken off the
// nodes before the date is crossed, so that none is read across the boundary, and is added at the present:
// its mean over a normal law, in closed form. Entry: PresentBend.
#pragma once

#include "pricing/ladder/ex_date.hpp"
#include "pricing/ladder/present_kink.hpp"

namespace atalanta {
namespace {

constexpr double kBendVariance = 4.0;  // in cells squared: wider ones are resolved by the nodes

class PresentBend {
  public:
    PresentBend() = default;

    // Whether lane l may have one before its first date: nothing is exercised until then, for the dividend is
    // worth more than the interest.
    static bool is_possible(const Normalised& n, std::size_t l, const LadderOption& o, const LaneDate& date) {
        if (!(n.side[l] > 0.0 && n.exercisable[l] > 0.0 && n.rate[l] > 0.0) || o.read_far) return false;
        const double until = n.years[l] - date.time, cells = n.vol[l] * n.inverse_spacing[l];
        const double earns = n.yield[l] < 0.0 ? n.rate[l] - n.yield[l] : n.rate[l];
        return cells * cells * until < kBendVariance &&
               date.cash > (exponential(earns * until) - 1.0) * n.strike[l];
    }

    // u: just after the date, a column as growth is; payoff: of exercise then.
    PresentBend(const Normalised& n, std::size_t l, const LaneDate& date, const LanePayoff& payoff,
                const double* growth, std::size_t nodes, const double* u)
        : share_(date.share), kept_(exponential(date.shift)), spacing_(n.spacing[l]) {
        variance_ = n.vol[l] * n.vol[l] * (n.years[l] - date.time);
        plain_ = n.rate[l] * payoff.level * n.inverse_diffusion[l];
        grown_ = n.yield[l] * payoff.slope * n.inverse_diffusion[l];
        const auto excess = [&](std::size_t i) { return u[i] - fma(-payoff.slope, growth[i], payoff.level); };
        first_ = nodes;
        while (first_ > 0 && excess(first_ - 1) > 0.0) --first_;
        if (first_ < kLeastNode || first_ + kFitted + kLeastNode > nodes) return;
        for (std::size_t k = 0; k < kFitted; ++k) {
            place_[k] = place(growth[first_ + 1 + k]);
            excess_[k] = excess(first_ + 1 + k);
        }
        found_ = fit(place(growth[first_])) && is_seen();
    }

    bool is_found() const { return found_; }

    // Leaves at the nodes what goes on smoothly from the payoff.
    void take(const LanePayoff& payoff, const double* growth, std::size_t nodes, double* u) const {
        u[first_] = fma(-payoff.slope, growth[first_], payoff.level);
        for (std::size_t i = first_ + 1; i < nodes; ++i) u[i] -= worth(place(growth[i]) - boundary_);
    }

    // What the present has of it; derivatives in cells.
    LocalSolution reading() const {
        double m[kMoments];
        moments(m);
        const LocalSolution at = mean(m);
        return {at.u, spacing_ * at.uy, spacing_ * spacing_ * at.uyy};
    }

  private:
    friend class PresentBendAdjoint;

    static constexpr std::size_t kFitted = 3;  // nodes, from the one beyond the first free one on
    static constexpr std::size_t kLeastNode = 4, kMoments = 5;
    static constexpr double kDecay = 0.1;  // a cell

    // Of a node after the date: where it lies before it, from the present.
    double place(double e) const { return log_ratio(fma(e, kept_, share_), 1.0); }

    // Half the curvature with which the value leaves the payoff at a boundary there.
    double half_bend(double boundary) const {
        const double spot = exponential(boundary), left = spot - share_, moves = spot / left;
        return 0.5 * moves * moves * fma(-grown_, left / kept_, plain_);
    }

    double worth(double s) const {
        return s * s * fma(s, fma(s, terms_[2], terms_[1]), terms_[0]) * exponential(-decay_ * s);
    }

    // From the excess at the nodes to the terms, were the boundary there; by how much the first one misses
    // the bend.
    double miss(double boundary) {
        double s[kFitted], a[kFitted];
        for (std::size_t k = 0; k < kFitted; ++k) {
            s[k] = place_[k] - boundary;
            a[k] = excess_[k] / (s[k] * s[k]) * exponential(decay_ * s[k]);
        }
        const double first = (a[1] - a[0]) / (s[1] - s[0]), next = (a[2] - a[1]) / (s[2] - s[1]);
        const double second = (next - first) / (s[2] - s[0]);
        terms_[2] = second;
        terms_[1] = fma(-second, s[0] + s[1], first);
        const double least = fma(second, s[0] * s[1], fma(-first, s[0], a[0]));
        terms_[0] = half_bend(boundary);
        return least - terms_[0];
    }

    bool fit(double first_free) {
        decay_ = kDecay / spacing_;
        const double bend = half_bend(first_free);
        if (!(bend > 0.0)) return false;
        const double cell = place_[0] - first_free;
        const double lowest = first_free - kMostBelow * cell, highest = first_free + kMostAboveFree * cell;
        double last = place_[0] - square_root(excess_[0] / bend);
        last = last > lowest ? (last < highest ? last : highest) : lowest;
        double missed = miss(last), now = last + kFirstMove * cell;
        for (int k = 0; k < kSteps; ++k) {
            const double misses = miss(now), slope = (misses - missed) / (now - last);
            last = now;
            missed = misses;
            if (misses == 0.0) break;
            now = now - misses / slope;
            if (!(now > lowest && now < highest)) return false;
            if (__builtin_fabs(now - last) < kExact * cell) break;
        }
        boundary_ = now;
        miss(now);
        return true;
    }

    bool is_seen() const {
        const double reach = fma(kSeen, square_root(variance_), kSeenCells * spacing_);
        return boundary_ > -reach && boundary_ < reach;
    }

    // Of what it is worth, and of its derivatives by y.
    LocalSolution mean(const double* m) const {
        const double a = terms_[0], b = terms_[1], c = terms_[2], k = decay_;
        const double value = fma(a, m[2], fma(b, m[3], c * m[4]));
        const double first = fma(2.0 * a, m[1], fma(3.0 * b, m[2], 4.0 * c * m[3]));
        const double second = fma(2.0 * a, m[0], fma(6.0 * b, m[1], 12.0 * c * m[2]));
        return {value, fma(-k, value, first), fma(k, fma(k, value, -2.0 * first), second)};
    }

    // E[(s + deviation Z)^k e^(-decay (s + deviation Z)); s + deviation Z > 0] at the present.
    void moments(double* m) const {
        constexpr double kDensity = 0.39894228040143267794, kLeastDeviation = 1e-9;
        const double wide = square_root(variance_), least = kLeastDeviation * spacing_;
        const double deviation = wide > least ? wide : least, variance = deviation * deviation;
        const double mean = fma(-decay_, variance, -boundary_), z = mean / deviation;
        const double scale = exponential(decay_ * fma(0.5 * decay_, variance, boundary_));
        m[0] = scale * normal_distribution(z);
        m[1] = fma(mean, m[0], scale * deviation * kDensity * exponential(-0.5 * z * z));
        for (std::size_t k = 2; k < kMoments; ++k) {
            m[k] = fma(mean, m[k - 1], static_cast<double>(k - 1) * variance * m[k - 2]);
        }
    }

    static constexpr int kSteps = 6;
    static constexpr double kFirstMove = 0.05, kExact = 1e-7, kMostBelow = 1.5, kMostAboveFree = 0.25;
    static constexpr double kSeen = 5.5, kSeenCells = 8.0;

    double share_, kept_;  // e^place before the date is kept_ e^place + share_ after it
    double spacing_, variance_;
    double plain_, grown_;  // the bend is plain - grown e^place
    std::size_t first_ = 0;
    double place_[kFitted], excess_[kFitted];
    double boundary_ = 0.0, decay_ = 0.0;
    double terms_[3];  // of s^2, s^3 and s^4, times e^(-decay s)
    bool found_ = false;
};

}  // namespace
}  // namespace atalanta
