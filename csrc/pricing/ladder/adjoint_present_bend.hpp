// What a march takes off before a first date and adds at the present (present_bend.hpp), transposed: from the
// derivative of a price by what it leaves at the nodes to the one by what they were worth. Entry:
// PresentBendAdjoint::transpose.
#pragma once

#include "pricing/ladder/adjoint_reads.hpp"
#include "pricing/ladder/present_bend.hpp"

namespace atalanta {
namespace {

// The boundary and the terms solve three equations, one for each fitted node: their own derivatives need no
// more than those equations transposed.
class PresentBendAdjoint {
  public:
    PresentBendAdjoint(const PresentBend& bend, const double* growth, std::size_t nodes)
        : bend_(bend),
          fit_(bend.fit()),
          growth_(growth),
          nodes_(nodes),
          middle_(static_cast<double>(nodes / 2)) {}

    // values: of lane l, derivative by the nodes after the date, a node kLadderOptions apart.
    void transpose(std::size_t l, const LaneDate& date, double* values, DateWeights& weights,
                   PayoffWeights& paid, double& by_spacing, double& by_variance) {
        gather(values);
        const LocalSolution present = read_present();
        by_variance = 0.5 * present.uyy;
        unfit(present.uy);
        pay(l, fit_.first, values[fit_.first * kLadderOptions], paid);
        values[fit_.first * kLadderOptions] = 0.0;
        for (std::size_t k = 0; k < kFitted; ++k) {
            const std::size_t i = fit_.first + 1 + k;
            values[i * kLadderOptions] += by_excess_[k];
            pay(l, i, -by_excess_[k], paid);
            by_place(i, -by_term_[k] * slope_over_square(k));
        }
        unbend(l, paid);
        by_spacing += by_spacing_;
        weights.shift[l] += by_shift_;
        const double by_log_share = by_share_ * date.share;
        weights.log_spot[l] -= by_log_share;
        weights.cash[l] += by_log_share / date.cash;
    }

  private:
    static constexpr std::size_t kFitted = BoundaryFit::kFitted, kTerms = BoundaryFit::kTerms;

    // From the nodes to the terms, the boundary and where the nodes lie.
    void gather(const double* values) {
        const double* t = fit_.terms;
        for (std::size_t i = fit_.first + 1; i < nodes_; ++i) {
            const double s = fit_.place(growth_[i]) - fit_.boundary, weight = -values[i * kLadderOptions];
            const double falls = weight * exponential(-fit_.decay * s), square = s * s * falls;
            const double slope = fma(2.0 * t[0], s, s * s * fma(3.0, t[1], 4.0 * t[2] * s)) * falls -
                                 fit_.decay * fma(s, fma(s, t[2], t[1]), t[0]) * square;
            by_terms_[0] += square;
            by_terms_[1] += s * square;
            by_terms_[2] += s * s * square;
            by_boundary_ -= slope;
            by_place(i, slope);
        }
    }

    LocalSolution read_present() {
        double m[PresentBend::kMoments];
        bend_.moments(m);
        for (std::size_t k = 0; k < kTerms; ++k) by_terms_[k] += m[k + 2];
        return bend_.mean(m);
    }

    // Solves the transposed equations. by_present: derivative of the price by where the present lies.
    void unfit(double by_present) {
        const double moves = bend_moves();
        const double first = fma(by_terms_[0], moves, by_boundary_ - by_present);
        double s[kFitted], t[kFitted];
        for (std::size_t k = 0; k < kFitted; ++k) {
            s[k] = fit_.node_place[k] - fit_.boundary;
            t[k] = moves - slope_over_square(k);
        }
        // sum x t = first, sum x s = by the second term, sum x s^2 = by the third.
        const double second = by_terms_[1], third = by_terms_[2];
        const double c01 = s[0] * s[1] * (s[1] - s[0]), c12 = s[1] * s[2] * (s[2] - s[1]),
                     c20 = s[2] * s[0] * (s[0] - s[2]);
        const double whole = 1.0 / (t[0] * c12 + t[1] * c20 + t[2] * c01);
        const auto solve = [&](std::size_t i, std::size_t j, double c) {
            // Cramer's rule, the column of unknown k replaced; i and j are the two others in order.
            return whole * (first * c + second * (t[i] * s[j] * s[j] - t[j] * s[i] * s[i]) * -1.0 +
                            third * (t[i] * s[j] - t[j] * s[i]));
        };
        by_term_[0] = solve(1, 2, c12);
        by_term_[1] = solve(2, 0, c20);
        by_term_[2] = solve(0, 1, c01);
        by_half_bend_ = by_terms_[0];
        for (std::size_t k = 0; k < kFitted; ++k) {
            by_half_bend_ -= by_term_[k];
            by_excess_[k] = by_term_[k] / (s[k] * s[k]) * exponential(fit_.decay * s[k]);
        }
    }

    // The slope of what is worth at a fitted node, over s^2 e^(-decay s).
    double slope_over_square(std::size_t k) const {
        const double* t = fit_.terms;
        const double s = fit_.node_place[k] - fit_.boundary;
        return 2.0 * t[0] / s + fma(3.0, t[1], 4.0 * t[2] * s) -
               fit_.decay * fma(s, fma(s, t[2], t[1]), t[0]);
    }

    // Half the bend by the boundary before the date.
    double bend_moves() const {
        const double spot = exponential(fit_.boundary), left = spot - fit_.share, gain = spot / left;
        const double bend = fma(-fit_.grown, left / fit_.kept, fit_.plain);
        return gain *
               (-0.5 * fit_.grown * gain * spot / fit_.kept - bend * spot * fit_.share / (left * left));
    }

    void by_place(std::size_t i, double weight) {
        const double e = growth_[i] * fit_.kept, before = e + fit_.share;
        by_shift_ = fma(weight, e / before, by_shift_);
        by_share_ += weight / before;
        by_spacing_ = fma(weight * e / before, static_cast<double>(i) - middle_, by_spacing_);
    }

    void pay(std::size_t l, std::size_t i, double weight, PayoffWeights& paid) const {
        paid.add(l, weight, growth_[i], static_cast<double>(i) - middle_);
    }

    // From half the bend at the boundary to what it is made of.
    void unbend(std::size_t l, PayoffWeights& paid) {
        const double spot = exponential(fit_.boundary), left = spot - fit_.share, gain = spot / left;
        const double e = left / fit_.kept, bend = fma(-fit_.grown, e, fit_.plain);
        const double by_bend = 0.5 * gain * gain * by_half_bend_, by_e = -fit_.grown * by_bend;
        paid.bend_plain[l] += by_bend;
        paid.bend_grown[l] = fma(by_bend, e, paid.bend_grown[l]);
        by_shift_ -= by_e * e;
        by_share_ += by_half_bend_ * bend * gain * spot / (left * left) - by_e / fit_.kept;
    }

    const PresentBend& bend_;
    const BoundaryFit& fit_;
    const double* growth_;
    const std::size_t nodes_;
    const double middle_;
    double by_terms_[kTerms] = {}, by_boundary_ = 0.0, by_half_bend_ = 0.0;
    double by_term_[kFitted], by_excess_[kFitted];
    double by_shift_ = 0.0, by_share_ = 0.0, by_spacing_ = 0.0;
};

}  // namespace
}  // namespace atalanta
