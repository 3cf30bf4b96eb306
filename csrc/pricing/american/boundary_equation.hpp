// The equation of the boundary at one node: its residual, and its derivatives by h at every node and by vol,
// rate and yield. Entries: BoundaryEquation::evaluate, differentiate, differentiate_by_parameters. It is
// smooth pasting, B = N / D, without the densities at expiry that N and B D have in common, and with yields
// below zero on the side of N: two positive sums whose logarithms are close to parabolas in h.
#pragma once

#include "pricing/american/boundary_points.hpp"

namespace atalanta {
namespace {

// Below this a numerator or denominator has underflowed, and says nothing about its node.
constexpr double kLeastSum = 1e-290;

// Slopes of the equation: by a point's h, per density there, and of its terms at expiry by the node's own h.
struct SlopeLanes {
    alignas(64) Lanes by_bell_a, by_bell_b, edge;
};

// What the equation of a node says at expiry, and its sums: numerator n, denominator d.
struct EdgeLanes {
    alignas(64) Lanes a, bell, held, boundary;
    alignas(64) Lanes flow_n, flow_d, inverse_n, inverse_d;
};

// Weighted sums over the points of a node from which the equation's derivatives by vol, rate and yield
// follow.
struct TangentLanes {
    alignas(64) Lanes a_flow_left, a_slope, a_product;
    alignas(64) Lanes b_flow_left, b_slope, b_square;
};

enum Parameter : std::size_t { kByVol, kByRate, kByYield, kParameters };

template <class Class>
class BoundaryEquation {
  public:
    static constexpr std::size_t kNodes = Class::kNodes, kPoints = Class::kPoints;

    // At node i; the others speak of the node evaluated last.
    void evaluate(const CollocationTables& tables, const PutLanes& at, const Lanes* h, const Lanes* squares,
                  std::size_t i) {
        points_.place(tables, at, h, squares, i);
        close(tables, at, h[i]);
    }
    const Lanes& residual() const { return residual_; }

    // Row i of the identity less the Jacobian.
    void differentiate(const CollocationTables& tables, const Lanes* h, std::size_t i, Lanes* row) {
        const double* interpolation = tables.interpolation + i * kPoints * kNodes;
        alignas(64) Lanes sum;
        for (std::size_t lane = 0; lane < kLanes; ++lane) sum[lane] = slopes_.edge[lane];
        for (std::size_t j = 0; j < kPoints; ++j) {
            const double weight = tables.weight[j] * tables.inverse_cosine[j];
            ATALANTA_LANE_LOOP
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                const double density = fma(slopes_.by_bell_a[lane], points_.bell_a()[j][lane],
                                           -slopes_.by_bell_b[lane] * points_.bell_b()[j][lane]);
                const double slope = points_.a()[j][lane] * weight * density;
                sum[lane] -= slope;
                pull_[j][lane] = points_.slope()[j][lane] * (-2.0 * slope);
            }
        }
        for (std::size_t k = 0; k < kNodes; ++k) {
            const double own = k == i ? 1.0 : 0.0;
            ATALANTA_LANE_LOOP
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                const double through_curve =
                    h[k][lane] * dot<kPoints, kNodes>(interpolation + k, pull_, lane);
                row[k][lane] = fma(own, 1.0 - sum[lane], through_curve);
            }
        }
    }

    // h being held: right-hand sides, of node i, for the derivatives of h.
    void differentiate_by_parameters(const CollocationTables& tables, const PutLanes& at, std::size_t i,
                                     Lanes (*tangents)[kNodes]) {
        sum_tangents(tables);
        close_tangents(at, i, tangents);
    }

  private:
    using Digits = typename Class::Digits;

    // Adds the terms at expiry and turns the sums into the residual.
    void close(const CollocationTables& tables, const PutLanes& at, const Lanes& h) {
        const NodeLanes& node = points_.node();
        ATALANTA_LANE_LOOP
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            const double spread = node.total_vol[lane], inverse = node.inverse_total_vol[lane];
            const double interest = node.interest[lane], yield = node.yield[lane];
            const double log_boundary = at.log_limit[lane] - h[lane];
            const double a = fma(log_boundary, inverse, node.drift[lane]), b = a + spread;
            const double growth = Class::discount(-yield);
            const double bell = growth * graded_exponential<Digits>(-0.5 * b * b);
            const double tail = bell * graded_mills<Digits>(1.0 / (magnitude(b) + Digits::kShift));
            const double held = spread * below(b, growth, tail);
            const double boundary = graded_exponential<Digits>(log_boundary);
            const double paid = greater(yield, 0.0), owed = greater(-yield, 0.0) * boundary;
            const double flow_n = dot<kPoints, 1>(tables.weight, points_.bell_a(), lane);
            const double flow_d = dot<kPoints, 1>(tables.weight, points_.flow(), lane);
            const double numerator = fma(interest, flow_n, owed * flow_d);
            const double denominator = fma(paid, flow_d, held);
            const bool known = (numerator > kLeastSum) & (denominator > kLeastSum);
            const double n = known ? numerator : 1.0, d = known ? denominator : 1.0;
            const double per_n = 1.0 / n, per_d = 1.0 / d;
            const double inverse_n = known ? per_n : 0.0, inverse_d = known ? per_d : 0.0;
            const double residual = log_boundary - log_ratio(n, d);
            residual_[lane] = known ? residual : 0.0;
            slopes_.edge[lane] = fma(owed * flow_d, inverse_n, -bell * inverse_d);
            slopes_.by_bell_a[lane] = interest * inverse_n * inverse;
            slopes_.by_bell_b[lane] = fma(paid, inverse_d, -owed * inverse_n) * inverse;
            edge_.a[lane] = a;
            edge_.bell[lane] = bell;
            edge_.held[lane] = held;
            edge_.boundary[lane] = boundary;
            edge_.flow_n[lane] = flow_n;
            edge_.flow_d[lane] = flow_d;
            edge_.inverse_n[lane] = inverse_n;
            edge_.inverse_d[lane] = inverse_d;
        }
    }

    void sum_tangents(const CollocationTables& tables) {
        const NodeLanes& node = points_.node();
        clear_sums();
        for (std::size_t j = 0; j < kPoints; ++j) {
            const double cosine = tables.cosine[j], weight = tables.weight[j];
            const double left = -tables.squared_cosine[j] * weight;
            ATALANTA_LANE_LOOP
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                const double a = points_.a()[j][lane], b = fma(node.total_vol[lane], cosine, a);
                const double slope_a = weight * a * points_.bell_a()[j][lane],
                             slope_b = weight * a * points_.bell_b()[j][lane];
                sums_.a_flow_left[lane] = fma(left, points_.bell_a()[j][lane], sums_.a_flow_left[lane]);
                sums_.a_slope[lane] = fma(cosine, slope_a, sums_.a_slope[lane]);
                sums_.a_product[lane] = fma(b, slope_a, sums_.a_product[lane]);
                sums_.b_flow_left[lane] = fma(left, points_.flow()[j][lane], sums_.b_flow_left[lane]);
                sums_.b_slope[lane] = fma(cosine, slope_b, sums_.b_slope[lane]);
                sums_.b_square[lane] += fma(a, slope_b, weight * points_.held()[j][lane]);
            }
        }
    }

    static void clear(Lanes& lanes) {
        for (double& value : lanes) value = 0.0;
    }
    void clear_sums() {
        clear(sums_.a_flow_left);
        clear(sums_.a_slope);
        clear(sums_.a_product);
        clear(sums_.b_flow_left);
        clear(sums_.b_slope);
        clear(sums_.b_square);
    }

    void close_tangents(const PutLanes& at, std::size_t i, Lanes (*tangents)[kNodes]) {
        const NodeLanes& node = points_.node();
        ATALANTA_LANE_LOOP
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            const double interest = node.interest[lane], yield = node.yield[lane], tau = node.tau[lane];
            const double paid = greater(yield, 0.0), owed = greater(-yield, 0.0) * edge_.boundary[lane];
            const double spread = node.total_vol[lane], reach = tau * node.inverse_total_vol[lane];
            const double bell = edge_.bell[lane], held = edge_.held[lane];
            const double inverse_n = edge_.inverse_n[lane], inverse_d = edge_.inverse_d[lane];
            const double slope_n = fma(interest, sums_.a_slope[lane], owed * sums_.b_slope[lane]) * reach;
            const double slope_d = fma(paid, sums_.b_slope[lane], -spread * bell) * reach;
            const double vol_n = fma(interest, sums_.a_product[lane], owed * sums_.b_square[lane]);
            const double vol_d = fma(paid, sums_.b_square[lane], fma(-spread * edge_.a[lane], bell, held));
            const double rate_n = tau * fma(interest, sums_.a_flow_left[lane], edge_.flow_n[lane]);
            const double flow_d = edge_.flow_d[lane], minus_flow_d = -flow_d;
            const double flow_by_yield =
                tau * fma(magnitude(yield), sums_.b_flow_left[lane], yield < 0.0 ? minus_flow_d : flow_d);
            const double owed_by_yield = edge_.boundary[lane] * flow_by_yield;
            const double yield_n = yield < 0.0 ? owed_by_yield : 0.0;
            const double yield_d = (yield < 0.0 ? 0.0 : flow_by_yield) - tau * held;
            const double limit = 1.0 - slopes_.edge[lane];
            const double moved = slope_n * inverse_n - slope_d * inverse_d;
            tangents[kByVol][i][lane] = (vol_d * inverse_d - vol_n * inverse_n) * (1.0 / at.vol[lane]);
            tangents[kByRate][i][lane] = fma(at.limit_by_rate[lane], limit, moved - rate_n * inverse_n);
            tangents[kByYield][i][lane] =
                fma(at.limit_by_yield[lane], limit, yield_d * inverse_d - yield_n * inverse_n - moved);
        }
    }

    BoundaryPoints<Class> points_;
    SlopeLanes slopes_;
    EdgeLanes edge_;
    TangentLanes sums_;
    alignas(64) Lanes residual_, pull_[kPoints];
};

}  // namespace
}  // namespace atalanta
