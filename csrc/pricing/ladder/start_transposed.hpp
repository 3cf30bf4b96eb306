// The values on which a march by steps begins (start.hpp), transposed. Entry: transpose_start.
#pragma once

#include "pricing/ladder/adjoint_sweeps.hpp"
#include "pricing/ladder/start.hpp"

namespace atalanta {
namespace {

// Derivatives by what the area is made of. exercised: by the payoff of expiry where exercise earns something
// until then, so that who ends there has exercised just before; plain and times slope E.
struct StartSlopes {
    double by_diffusion = 0.0, by_rate = 0.0, by_grown = 0.0, by_most = 0.0;
    double exercised_plain = 0.0, exercised_grown = 0.0;

    // At a node of the payoff, or at its kink.
    ATALANTA_INLINE void add(const Normalised& n, std::size_t l, const StartPayoff& paid, double by_level,
                             double by_slope, double e, bool at_kink) {
        if (paid.payoff.time[l] > 0.0) return;
        const double level = paid.payoff.level[l], slope = paid.payoff.slope[l];
        const Earning earns(n, l, level, slope * e);
        const double share = at_kink ? earns.of_kink() : earns.of_node();
        exercised_plain = fma(share, by_level, exercised_plain);
        exercised_grown = fma(share * slope, by_slope, exercised_grown);
    }

    // At a node whose spot is taken, where exercise before expiry costs nothing.
    ATALANTA_INLINE void add_taken(const StartPayoff& paid, std::size_t l, double by_most_paid) {
        by_most += paid.payoff.time[l] * paid.most[l] * by_most_paid;
        if (paid.payoff.time[l] > 0.0) exercised_plain += by_most_paid;
    }

  private:
    // Where exercise earns interest and costs the yield: in cells below the spot up to which it pays, or
    // above that from which on. The kink of the payoff, which ends both, may be nearer.
    class Earning {
      public:
        Earning(const Normalised& n, std::size_t l, double level, double at)
            : ends_(n.rate[l] > 0.0), below_kink_(log_ratio(level, at) * n.inverse_spacing[l]) {
            const double interest = n.rate[l] * level, yield = n.yield[l] * at;
            if (!(interest * yield > 0.0)) {
                cells_ = interest > yield ? kFar : -kFar;
            } else {
                cells_ = log_ratio(interest, yield) * (ends_ ? n.inverse_spacing[l] : -n.inverse_spacing[l]);
            }
        }
        // Shares of the cell about a node, and of the one that the kink lies in.
        double of_node() const {
            const double whole = ends_ ? bounded(below_kink_ + 0.5) : 1.0, share = bounded(cells_ + 0.5);
            return share < whole ? share / whole : 1.0;
        }
        double of_kink() const { return bounded(cells_ + 1.0); }

      private:
        static constexpr double kFar = 1e9;
        static double bounded(double share) { return share > 0.0 ? (share < 1.0 ? share : 1.0) : 0.0; }

        bool ends_;
        double below_kink_, cells_;
    };
};

// Of the correction for the spot that the dividends take, whose kink is as steep as level less the most.
inline void transpose_taken(const Normalised& n, const StartRecord& start, std::size_t l, std::size_t nodes,
                            const double* values, PayoffWeights& near, StartSlopes& slopes) {
    const StartPayoff& paid = start.near;
    const TakenSpot::Derivatives d =
        start_taken_spot(n, start, nodes, l).transpose(values + l, kLadderOptions);
    const double by_level = d.by_log_share / (paid.payoff.level[l] - paid.most[l]);
    near.plain[l] += by_level;
    near.grown[l] += (d.by_log_share - d.by_log_loses) / paid.payoff.slope[l];
    near.spacing[l] += d.by_spacing;
    slopes.add_taken(paid, l, -by_level);
}

// values: derivative by u at the start of lane l. Adds to the weights of both payoffs.
[[gnu::noinline]] inline StartSlopes transpose_start(const Normalised& n, const StartRecord& start,
                                                     std::size_t l, const double* growth, std::size_t nodes,
                                                     const double* values, PayoffWeights& near,
                                                     PayoffWeights& far) {
    const double middle = static_cast<double>(nodes / 2), h = n.spacing[l];
    const double level = start.near.payoff.level[l], slope = start.near.payoff.slope[l];
    StartSlopes slopes;
    for (std::size_t i = 0; i < nodes; ++i) {
        const double e = node(growth, i)[l], pay = start.near.at(l, e), other = start.far.at(l, e);
        if (!(pay > 0.0) && !(other > 0.0)) break;
        const bool is_far = other > pay;
        const StartPayoff& paid = is_far ? start.far : start.near;
        if (is_far ? other < paid.most[l] : pay < paid.most[l]) {
            const double weight = node(values, i)[l];
            (is_far ? far : near).add(l, weight, e, static_cast<double>(i) - middle);
            slopes.add(n, l, paid, weight, weight * e, e, false);
        } else {
            slopes.add_taken(paid, l, node(values, i)[l]);
        }
    }
    if (takes_a_spot(n, l, start.near.taken(l), growth + l, kLadderOptions, nodes))
        transpose_taken(n, start, l, nodes, values, near, slopes);
    const StartKink kink(n, start, nodes, l);
    if (!kink.inside) return slopes;
    const double* at = kink.first(values, l);
    const double first = at[2 * kLadderOptions], second = at[3 * kLadderOptions];
    const HingeWeights w = hinge_weights(kink.eta, level, -level, h),
                       bent = hinge_weights(kink.eta, 0.0, -level, h);
    const HingeDerivatives d = hinge_derivatives(kink.eta, level, -level, h);
    const AreaShares shares(kink.eta + start.centre[l], start.variance[l]);
    double by_area = 0.0, by_place = 0.0;
    for (std::size_t k = 0; k < StartKink::kShares; ++k) {
        by_area = fma(shares.share[k], at[k * kLadderOptions], by_area);
        by_place = fma(shares.by_place[k], at[k * kLadderOptions], by_place);
    }
    const double area = level * start.area[l], of_area = by_area * area;
    const double by_eta = fma(first, d.positive_by_eta, fma(second, d.zero_by_eta, area * by_place));
    const double by_kink = by_eta * n.inverse_spacing[l];
    const double scaled = first * w.positive + second * w.zero;
    const double scaled_twice = first * bent.positive + second * bent.zero;
    const double by_level = (scaled + of_area + by_kink) / level;
    const double by_slope = by_kink / slope;  // slope times it is what the weight by the slope means
    near.plain[l] += by_level;
    near.grown[l] += by_slope;
    slopes.add(n, l, start.near, by_level, by_slope, level / slope, true);
    near.spacing[l] +=
        n.inverse_spacing[l] * (scaled + scaled_twice - of_area - by_eta * (kink.place - middle));
    slopes.by_diffusion = of_area * start.area_by_diffusion[l];
    slopes.by_rate = of_area * start.area_by_rate[l];
    slopes.by_grown = -2.0 * of_area / start.near.grown[l];
    return slopes;
}

}  // namespace
}  // namespace atalanta
