// A free boundary as the nodes beyond it tell: where it lies, and how the value leaves the payoff there. The
// first free node does not count, for it may have been freed late. Entry: BoundaryFit.
#pragma once

#include "pricing/ladder/ex_date.hpp"

namespace atalanta {
namespace {

// What u is worth above the payoff is s^2 (a + b s + c s^2) e^(-decay s), s being the distance from the
// boundary in the logarithm of kept E + share: after an ex-date, of the spot before it. The equation gives a
// as half the bend.
struct BoundaryFit {
    static constexpr std::size_t kFitted = 3;  // nodes, from the one beyond the first free one on
    static constexpr std::size_t kTerms = 3;
    static constexpr std::size_t kLeastNode = 4;

    BoundaryFit() = default;
    // u, growth: of lane l, stride from node to node; payoff: of exercise, which is right at the node below
    // first_free.
    BoundaryFit(const Normalised& n, std::size_t l, const LanePayoff& payoff, const double* growth,
                const double* u, std::size_t stride, std::size_t nodes, std::size_t first_free,
                double kept_of_date, double share_of_date)
        : first(first_free), kept(kept_of_date), share(share_of_date) {
        plain = n.rate[l] * payoff.level * n.inverse_diffusion[l];
        grown = n.yield[l] * payoff.slope * n.inverse_diffusion[l];
        if (first < kLeastNode || first + kFitted + kLeastNode > nodes) return;
        for (std::size_t k = 0; k < kFitted; ++k) {
            const std::size_t at = (first + 1 + k) * stride;
            node_place[k] = place(growth[at]);
            excess[k] = u[at] - fma(-payoff.slope, growth[at], payoff.level);
        }
        const double first_place = place(growth[first * stride]), cell = node_place[0] - first_place;
        decay = kDecay / cell;
        found = cell > kLeastCell * n.spacing[l] && fit(first_place, cell);
    }

    ATALANTA_INLINE double place(double e) const { return log_ratio(fma(e, kept, share), 1.0); }
    ATALANTA_INLINE double worth(double s) const {
        return s * s * fma(s, fma(s, terms[2], terms[1]), terms[0]) * exponential(-decay * s);
    }

    bool found = false;
    std::size_t first = 0;
    double boundary = 0.0;
    double terms[kTerms];
    double kept, share, decay;
    double plain, grown;  // the bend is plain - grown E
    double node_place[kFitted], excess[kFitted];

  private:
    static constexpr int kSteps = 6;
    // In cells about the first free node; the decay is per cell.
    static constexpr double kDecay = 0.1;
    static constexpr double kFirstMove = 0.05, kExact = 1e-7, kMostBelow = 1.5, kMostAbove = 0.25;
    // A dividend of most of the spot crowds the cells after it into a part of one before it.
    static constexpr double kLeastCell = 0.3;
    // What the terms are over a cell, as parts of the bend's.
    static constexpr double kMostStraight = 0.2, kMostCurved = 0.1;

    double half_bend(double at) const {
        const double spot = exponential(at), left = spot - share, moves = spot / left;
        return 0.5 * moves * moves * fma(-grown, left / kept, plain);
    }

    // Sets the terms as if the boundary were there; by how much the nodes then miss its bend.
    double miss(double at) {
        double s[kFitted], a[kFitted];
        for (std::size_t k = 0; k < kFitted; ++k) {
            s[k] = node_place[k] - at;
            a[k] = excess[k] / (s[k] * s[k]) * exponential(decay * s[k]);
        }
        const double slope = (a[1] - a[0]) / (s[1] - s[0]), next = (a[2] - a[1]) / (s[2] - s[1]);
        const double second = (next - slope) / (s[2] - s[0]);
        terms[2] = second;
        terms[1] = fma(-second, s[0] + s[1], slope);
        terms[0] = half_bend(at);
        return fma(second, s[0] * s[1], fma(-slope, s[0], a[0])) - terms[0];
    }

    bool fit(double first_free, double cell) {
        const double bend = half_bend(first_free);
        if (!(bend > 0.0 && excess[0] > 0.0)) return false;
        const double lowest = first_free - kMostBelow * cell, highest = first_free + kMostAbove * cell;
        double last = node_place[0] - square_root(excess[0] / bend);
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
        boundary = now;
        miss(now);
        // A boundary that has just appeared moves too fast for so few terms.
        const double straight = __builtin_fabs(terms[1]) * cell,
                     curved = __builtin_fabs(terms[2]) * cell * cell;
        return straight < kMostStraight * terms[0] && curved < kMostCurved * terms[0];
    }
};

}  // namespace
}  // namespace atalanta
