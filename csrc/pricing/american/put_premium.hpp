// What early exercise adds to a European put, and its derivatives, as an integral over the boundary; entry:
// PremiumBlock::integrate.
#pragma once

#include "pricing/american/boundary_newton.hpp"
#include "pricing/american/premium_near_boundary.hpp"

namespace atalanta {
namespace {

// Sums over the quadrature, per lane, the weights' years left out.
struct PremiumSums {
    alignas(64) Lanes premium, delta, gamma, sensitivity[kParameters];
};

template <class Class>
class PremiumBlock {
  public:
    template <bool Tangents>
    void integrate(const CollocationTables& tables, const PutLanes& at, const BoundaryBlock<Class>& boundary,
                   const double* spot, const ExercisePremiums& out, std::size_t first) {
        prepare(at, spot);
        for (std::size_t j = 0; j < Class::kPremiumPoints; ++j) add_point<Tangents>(tables, at, boundary, j);
        see_boundary<Tangents>(tables, at, boundary);
        finish<Tangents>(at, boundary, out, first);
    }

  private:
    using Digits = typename Class::Digits;

    void prepare(const PutLanes& at, const double* spot) {
        ATALANTA_LANE_LOOP
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            spot_[lane] = spot[lane];
            log_spot_[lane] = logarithm(spot[lane]) - at.log_limit[lane];
            total_vol_[lane] = at.vol[lane] * at.root_years[lane];
            inverse_[lane] = 1.0 / total_vol_[lane];
            inverse_vol_[lane] = 1.0 / at.vol[lane];
            drift_[lane] = fma(-0.5 * at.vol[lane], at.vol[lane], at.rate[lane] - at.dividend_yield[lane]) *
                           at.years[lane] * inverse_[lane];
            interest_[lane] = at.rate[lane] * at.years[lane];
            yield_[lane] = at.dividend_yield[lane] * at.years[lane];
            sums_.premium[lane] = sums_.delta[lane] = sums_.gamma[lane] = 0.0;
            for (Lanes& sum : sums_.sensitivity) sum[lane] = 0.0;
        }
    }

    // The boundary sqrt(u) = sqrt(T) sin(theta) before expiry, seen from the spot of now.
    template <bool Tangents>
    void add_point(const CollocationTables& tables, const PutLanes& at, const BoundaryBlock<Class>& boundary,
                   std::size_t j) {
        const double cosine = tables.premium_cosine[j], inverse_cosine = 1.0 / cosine;
        const double left = -cosine * cosine, weight = tables.premium_weight[j];
        const double* interpolation = tables.premium_interpolation + j * Class::kNodes;
        ATALANTA_LANE_LOOP
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            const double square = dot<Class::kNodes, 1>(interpolation, boundary.squares(), lane);
            const double root = square_root(greater(square, 0.0));
            const double spread = total_vol_[lane] * cosine, inverse = inverse_[lane] * inverse_cosine;
            const double d2 = fma(log_spot_[lane] + root, inverse, drift_[lane] * cosine);
            const double d1 = d2 + spread;
            const double discount = Class::discount(interest_[lane] * left);
            const double yield_discount = Class::discount(yield_[lane] * left);
            const double bell2 = discount * graded_exponential<Digits>(-0.5 * d2 * d2);
            const double bell1 = yield_discount * graded_exponential<Digits>(-0.5 * d1 * d1);
            const double a1 = magnitude(d1) + Digits::kShift, a2 = magnitude(d2) + Digits::kShift;
            const double both = 1.0 / (a1 * a2);
            const double n1 = below(-d1, yield_discount, bell1 * graded_mills<Digits>(a2 * both));
            const double n2 = below(-d2, discount, bell2 * graded_mills<Digits>(a1 * both));
            const double strike_flow = interest_[lane] * weight, spot_flow = yield_[lane] * weight;
            const double spot_density = spot_flow * bell1 * inverse;
            const double strike_density = strike_flow * bell2 * inverse;
            sums_.premium[lane] += fma(strike_flow, n2, -(spot_flow * spot_[lane]) * n1);
            sums_.delta[lane] += fma(spot_[lane], spot_density - spot_flow * n1, -strike_density);
            sums_.gamma[lane] += fma(strike_density, fma(d2, inverse, 1.0),
                                     spot_[lane] * spot_density * fma(-d1, inverse, 1.0));
            if constexpr (Tangents) {
                const double strike_bell = strike_flow * bell2, spot_bell = spot_flow * spot_[lane] * bell1;
                const double nearer = (spot_bell - strike_bell) * inverse;  // by ln(spot / boundary)
                const double by_carry =
                    (spot_bell - strike_bell) * (at.years[lane] * inverse_[lane]) * cosine;
                const double half_inverse = 0.5 / greater(root, 1e-150);
                const double per_square = square > 0.0 ? nearer * half_inverse : 0.0;
                const double by_vol = fma(strike_bell, d1, -spot_bell * d2) * inverse_vol_[lane];
                const double by_rate =
                    fma(at.years[lane] * weight * n2, fma(interest_[lane], left, 1.0), by_carry);
                const double by_yield =
                    fma(-at.years[lane] * weight * spot_[lane] * n1, fma(yield_[lane], left, 1.0), -by_carry);
                sums_.sensitivity[kByVol][lane] +=
                    fma(per_square,
                        dot<Class::kNodes, 1>(interpolation, boundary.square_tangents(kByVol), lane), by_vol);
                sums_.sensitivity[kByRate][lane] += fma(
                    per_square, dot<Class::kNodes, 1>(interpolation, boundary.square_tangents(kByRate), lane),
                    fma(-nearer, at.limit_by_rate[lane], by_rate));
                sums_.sensitivity[kByYield][lane] +=
                    fma(per_square,
                        dot<Class::kNodes, 1>(interpolation, boundary.square_tangents(kByYield), lane),
                        fma(-nearer, at.limit_by_yield[lane], by_yield));
            }
        }
    }

    // What the points miss beside the boundary.
    template <bool Tangents>
    void see_boundary(const CollocationTables& tables, const PutLanes& at,
                      const BoundaryBlock<Class>& boundary) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            const double h = boundary.h()[0][lane], distance = (log_spot_[lane] + h) * inverse_[lane];
            if (!NearBoundary<Class>::applies(distance)) continue;
            const NearBoundary<Class> near(tables, distance);
            const double flow = fma(-yield_[lane], spot_[lane], interest_[lane]) * inverse_[lane];
            const double slope = flow * near.slope();
            sums_.delta[lane] -= slope;
            sums_.gamma[lane] = fma(flow * inverse_[lane], near.bend(), sums_.gamma[lane] + slope);
            if constexpr (Tangents) {
                const double half = 0.5 * slope / greater(h, 1e-150);
                const auto moves = [&](std::size_t k) { return half * boundary.square_tangents(k)[0][lane]; };
                sums_.sensitivity[kByVol][lane] -= moves(kByVol);
                sums_.sensitivity[kByRate][lane] -= fma(-slope, at.limit_by_rate[lane], moves(kByRate));
                sums_.sensitivity[kByYield][lane] -= fma(-slope, at.limit_by_yield[lane], moves(kByYield));
            }
        }
    }

    template <bool Tangents>
    void finish(const PutLanes& at, const BoundaryBlock<Class>& boundary, const ExercisePremiums& out,
                std::size_t first) {
        constexpr double kUnit = kInverseRootTwoPi;
        ATALANTA_LANE_LOOP
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            const double inverse_spot = kUnit / spot_[lane];
            out.boundary[first + lane] = exponential(at.log_limit[lane] - boundary.h()[0][lane]);
            out.premium[first + lane] = kUnit * sums_.premium[lane];
            out.delta[first + lane] = inverse_spot * sums_.delta[lane];
            out.gamma[first + lane] = inverse_spot * sums_.gamma[lane] / spot_[lane];
        }
        if constexpr (Tangents) {
            ATALANTA_LANE_LOOP
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                out.vega[first + lane] = kUnit * sums_.sensitivity[kByVol][lane];
                out.rho[first + lane] = kUnit * sums_.sensitivity[kByRate][lane];
                out.phi[first + lane] = kUnit * sums_.sensitivity[kByYield][lane];
            }
        }
    }

    alignas(64) Lanes spot_, log_spot_, total_vol_, inverse_, inverse_vol_, drift_, interest_, yield_;
    PremiumSums sums_;
};

}  // namespace
}  // namespace atalanta
