// Right above the boundary of now, the integrals of delta and gamma have a peak at the present that lies
// between the points of the quadrature: what the exercise of the next moments pays, were the boundary at
// rest. Of that the exact integral is known. Entry: NearBoundary.
#pragma once

#include "pricing/american/collocation_lanes.hpp"

namespace atalanta {
namespace {

// distance: ln(spot / boundary) over vol sqrt(years).
template <class Class>
class NearBoundary {
  public:
    static bool applies(double distance) { return distance > 0.0 && distance < kFar; }

    NearBoundary(const CollocationTables& tables, double distance) {
        using Digits = typename Class::Digits;
        double summed_slope = 0.0, summed_bend = 0.0;
        for (std::size_t j = 0; j < Class::kPremiumPoints; ++j) {
            const double inverse = 1.0 / tables.premium_cosine[j], place = distance * inverse;
            const double bell = graded_exponential<Digits>(-0.5 * place * place);
            const double weighed = tables.premium_weight[j] * inverse * bell;
            summed_slope += weighed;
            summed_bend = fma(weighed * inverse, place, summed_bend);
        }
        const double bell = graded_exponential<Digits>(-0.5 * distance * distance);
        const double tail = bell * graded_mills<Digits>(1.0 / (distance + Digits::kShift));
        slope_ = 2.0 * fma(-distance, tail, bell) - summed_slope;
        bend_ = 2.0 * tail - summed_bend;
    }

    // What the sums of first and second derivatives miss, of a flow of 1 over vol sqrt(years) and over its
    // square.
    double slope() const { return slope_; }
    double bend() const { return bend_; }

  private:
    // Where the points are close enough to see the peak.
    static constexpr double kFar = 3.2 / static_cast<double>(Class::kPremiumPoints);

    double slope_, bend_;
};

}  // namespace
}  // namespace atalanta
