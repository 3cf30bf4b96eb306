// The exercise boundary of American puts by collocation (Andersen, Lake and Offengenden 2016), eight options
// across lanes; entry: BoundaryBlock::solve. The unknowns are h = ln(X / B) at the nodes; between them
// H = h^2 is a polynomial in sqrt(tau). Their equation is smooth pasting, B = N / D, without the densities at
// expiry that N and B D have in common, and with yields below zero on the side of N: two positive sums whose
// logarithms are close to parabolas in h. Newton's method with the full Jacobian solves it at any carry and
// vol, where the plain iteration diverges. The Jacobian of the last step also tells how the boundary moves
// with vol, rate and yield.
#pragma once

#include "pricing/american/boundary_start.hpp"
#include "pricing/american/lane_matrix.hpp"

namespace atalanta {
namespace {

// Below this a numerator or denominator has underflowed, and says nothing about its node.
constexpr double kLeastSum = 1e-290;

// Of one node in each lane.
struct NodeLanes {
    alignas(64) Lanes tau, total_vol, inverse_total_vol;
    alignas(64) Lanes drift;                 // (r - q - vol^2 / 2) tau / total_vol
    alignas(64) Lanes interest, yield;       // r tau, q tau
    alignas(64) Lanes by_bell_a, by_bell_b;  // slope of the equation by a point's h, per density
    alignas(64) Lanes edge_slope;            // of the equation's terms at expiry by h, at this node
};

// Weighted sums over the points of a node from which the equation's derivatives by vol, rate and yield
// follow.
struct TangentLanes {
    alignas(64) Lanes a_flow_left, a_slope, a_product;
    alignas(64) Lanes b_flow_left, b_slope, b_square;
};

// What the equation of a node says at expiry, and its sums: numerator n, denominator d.
struct EdgeLanes {
    alignas(64) Lanes a, bell, held, boundary;
    alignas(64) Lanes flow_n, flow_d, inverse_n, inverse_d;
};

enum Parameter : std::size_t { kByVol, kByRate, kByYield, kParameters };

template <class Class>
class BoundaryBlock {
  public:
    static constexpr std::size_t kNodes = Class::kNodes, kPoints = Class::kPoints;
    using Digits = typename Class::Digits;

    template <bool Tangents>
    void solve(const CollocationTables& tables, const PutLanes& at) {
        start_boundary<Class>(tables, at, h_);
        square();
        for (std::size_t step = 1; step < Class::kSteps; ++step) newton_step<false>(tables, at);
        newton_step<Tangents>(tables, at);
        if constexpr (Tangents) solve_tangents();
    }

    // H at the nodes, and its derivatives by a parameter.
    const Lanes* squares() const { return square_; }
    const Lanes* square_tangents(std::size_t parameter) const { return tangent_[parameter]; }
    const Lanes* h() const { return h_; }

  private:
    template <bool Tangents>
    void newton_step(const CollocationTables& tables, const PutLanes& at) {
        for (std::size_t i = 0; i < kNodes; ++i) equation<Tangents>(tables, at, i);
        factorise<kNodes>(jacobian_);
        substitute<kNodes>(jacobian_, residual_);
        improve(tables, at);
    }

    void solve_tangents() {
        for (Lanes* tangent : {tangent_[kByVol], tangent_[kByRate], tangent_[kByYield]}) {
            substitute<kNodes>(jacobian_, tangent);
            for (std::size_t i = 0; i < kNodes; ++i) {
                ATALANTA_LANE_LOOP
                for (std::size_t lane = 0; lane < kLanes; ++lane) tangent[i][lane] *= 2.0 * h_[i][lane];
            }
        }
    }

    void square() {
        for (std::size_t i = 0; i < kNodes; ++i) {
            ATALANTA_LANE_LOOP
            for (std::size_t lane = 0; lane < kLanes; ++lane) square_[i][lane] = h_[i][lane] * h_[i][lane];
        }
    }

    // Residual of the equation at node i and its derivatives by every h.
    template <bool Tangents>
    [[gnu::noinline]] void equation(const CollocationTables& tables, const PutLanes& at, std::size_t i) {
        const double* interpolation = tables.interpolation + i * kPoints * kNodes;
        interpolate(tables, interpolation, i);
        node_of(at, tables.root_time[i]);
        evaluate(tables, i);
        hold(tables);
        close_equation(tables, at, i);
        if constexpr (Tangents) {
            sum_tangents(tables);
            close_tangents(at, i);
        }
        differentiate(tables, interpolation, i);
    }

    // H at the points, kept away from the zero that the polynomial may cross; slope_ is 1/2 where it was not.
    void interpolate(const CollocationTables& tables, const double* interpolation, std::size_t i) {
        for (std::size_t j = 0; j < kPoints; ++j) {
            const double least_share = 1e-4 * tables.squared_sine[j];
            ATALANTA_LANE_LOOP
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                const double square = dot<kNodes, 1>(interpolation + j * kNodes, square_, lane);
                const double least = fma(square_[i][lane], least_share, 1e-300);
                curve_[j][lane] = greater(square, least);
                slope_[j][lane] = square > least ? 0.5 : 0.0;
            }
        }
    }

    void node_of(const PutLanes& at, double root_time) {
        ATALANTA_LANE_LOOP
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            const double tau = at.years[lane] * (root_time * root_time);
            const double total_vol = at.vol[lane] * (at.root_years[lane] * root_time);
            const double inverse = 1.0 / total_vol;
            const double vol = at.vol[lane], carry = at.rate[lane] - at.dividend_yield[lane];
            node_.tau[lane] = tau;
            node_.total_vol[lane] = total_vol;
            node_.inverse_total_vol[lane] = inverse;
            node_.drift[lane] = fma(-0.5 * vol, vol, carry) * tau * inverse;
            node_.interest[lane] = at.rate[lane] * tau;
            node_.yield[lane] = at.dividend_yield[lane] * tau;
        }
    }

    // The equation's places a and b = a + spread at the points, and the densities there. Short loops: the
    // processor then has several points in flight at a time.
    void evaluate(const CollocationTables& tables, std::size_t i) {
        for (std::size_t j = 0; j < kPoints; ++j) {
            const double cosine = tables.cosine[j], inverse_cosine = tables.inverse_cosine[j];
            ATALANTA_LANE_LOOP
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                const double root = square_root(curve_[j][lane]);
                root_[j][lane] = root;
                a_[j][lane] = fma((root - h_[i][lane]) * node_.inverse_total_vol[lane], inverse_cosine,
                                  node_.drift[lane] * cosine);
            }
        }
        for (std::size_t j = 0; j < kPoints; ++j) {
            const double cosine = tables.cosine[j], left = -tables.squared_cosine[j];
            ATALANTA_LANE_LOOP
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                const double a = a_[j][lane], b = fma(node_.total_vol[lane], cosine, a);
                const double growth = Class::discount(node_.yield[lane] * left);
                bell_a_[j][lane] = graded_exponential<Digits>(fma(node_.interest[lane], left, -0.5 * a * a));
                bell_b_[j][lane] = growth * graded_exponential<Digits>(-0.5 * b * b);
                growth_[j][lane] = growth;
            }
        }
    }

    // What is held and paid at the points; slope_ becomes the slope of the root of H.
    void hold(const CollocationTables& tables) {
        for (std::size_t j = 0; j < kPoints; ++j) {
            const double cosine = tables.cosine[j];
            ATALANTA_LANE_LOOP
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                const double spread = node_.total_vol[lane] * cosine, b = a_[j][lane] + spread;
                const double root = root_[j][lane], shifted = magnitude(b) + Digits::kShift;
                const double inverse = 1.0 / (root * shifted);  // one division for two
                const double tail = bell_b_[j][lane] * graded_mills<Digits>(inverse * root);
                held_[j][lane] = spread * below(b, growth_[j][lane], tail);
                flow_[j][lane] = held_[j][lane] + bell_b_[j][lane];
                slope_[j][lane] *= inverse * shifted;
            }
        }
    }

    void sum_tangents(const CollocationTables& tables) {
        clear_sums();
        for (std::size_t j = 0; j < kPoints; ++j) {
            const double cosine = tables.cosine[j], weight = tables.weight[j];
            const double left = -tables.squared_cosine[j] * weight;
            ATALANTA_LANE_LOOP
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                const double a = a_[j][lane], b = fma(node_.total_vol[lane], cosine, a);
                const double slope_a = weight * a * bell_a_[j][lane], slope_b = weight * a * bell_b_[j][lane];
                sums_.a_flow_left[lane] = fma(left, bell_a_[j][lane], sums_.a_flow_left[lane]);
                sums_.a_slope[lane] = fma(cosine, slope_a, sums_.a_slope[lane]);
                sums_.a_product[lane] = fma(b, slope_a, sums_.a_product[lane]);
                sums_.b_flow_left[lane] = fma(left, flow_[j][lane], sums_.b_flow_left[lane]);
                sums_.b_slope[lane] = fma(cosine, slope_b, sums_.b_slope[lane]);
                sums_.b_square[lane] += fma(a, slope_b, weight * held_[j][lane]);
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

    // Adds the terms at expiry and turns the sums into the residual.
    void close_equation(const CollocationTables& tables, const PutLanes& at, std::size_t i) {
        ATALANTA_LANE_LOOP
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            const double spread = node_.total_vol[lane], inverse = node_.inverse_total_vol[lane];
            const double interest = node_.interest[lane], yield = node_.yield[lane];
            const double log_boundary = at.log_limit[lane] - h_[i][lane];
            const double a = fma(log_boundary, inverse, node_.drift[lane]), b = a + spread;
            const double growth = Class::discount(-yield);
            const double bell = growth * graded_exponential<Digits>(-0.5 * b * b);
            const double tail = bell * graded_mills<Digits>(1.0 / (magnitude(b) + Digits::kShift));
            const double held = spread * below(b, growth, tail);
            const double boundary = graded_exponential<Digits>(log_boundary);
            const double paid = greater(yield, 0.0), owed = greater(-yield, 0.0) * boundary;
            const double flow_n = dot<kPoints, 1>(tables.weight, bell_a_, lane);
            const double flow_d = dot<kPoints, 1>(tables.weight, flow_, lane);
            const double numerator = fma(interest, flow_n, owed * flow_d);
            const double denominator = fma(paid, flow_d, held);
            const bool known = (numerator > kLeastSum) & (denominator > kLeastSum);
            const double n = known ? numerator : 1.0, d = known ? denominator : 1.0;
            const double per_n = 1.0 / n, per_d = 1.0 / d;
            const double inverse_n = known ? per_n : 0.0, inverse_d = known ? per_d : 0.0;
            const double residual = log_boundary - log_ratio(n, d);
            residual_[i][lane] = known ? residual : 0.0;
            node_.edge_slope[lane] = fma(owed * flow_d, inverse_n, -bell * inverse_d);
            node_.by_bell_a[lane] = interest * inverse_n * inverse;
            node_.by_bell_b[lane] = fma(paid, inverse_d, -owed * inverse_n) * inverse;
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

    // Derivatives of the equation by the parameters, h being held: right-hand sides for those of h.
    void close_tangents(const PutLanes& at, std::size_t i) {
        ATALANTA_LANE_LOOP
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            const double interest = node_.interest[lane], yield = node_.yield[lane], tau = node_.tau[lane];
            const double paid = greater(yield, 0.0), owed = greater(-yield, 0.0) * edge_.boundary[lane];
            const double spread = node_.total_vol[lane], reach = tau * node_.inverse_total_vol[lane];
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
            const double limit = 1.0 - node_.edge_slope[lane];
            const double moved = slope_n * inverse_n - slope_d * inverse_d;
            tangent_[kByVol][i][lane] = (vol_d * inverse_d - vol_n * inverse_n) * (1.0 / at.vol[lane]);
            tangent_[kByRate][i][lane] = fma(at.limit_by_rate[lane], limit, moved - rate_n * inverse_n);
            tangent_[kByYield][i][lane] =
                fma(at.limit_by_yield[lane], limit, yield_d * inverse_d - yield_n * inverse_n - moved);
        }
    }

    // Row i of the identity less the Jacobian.
    void differentiate(const CollocationTables& tables, const double* interpolation, std::size_t i) {
        alignas(64) Lanes sum;
        for (std::size_t lane = 0; lane < kLanes; ++lane) sum[lane] = node_.edge_slope[lane];
        for (std::size_t j = 0; j < kPoints; ++j) {
            const double weight = tables.weight[j] * tables.inverse_cosine[j];
            ATALANTA_LANE_LOOP
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                const double density =
                    fma(node_.by_bell_a[lane], bell_a_[j][lane], -node_.by_bell_b[lane] * bell_b_[j][lane]);
                const double slope = a_[j][lane] * weight * density;
                sum[lane] -= slope;
                slope_[j][lane] *= -2.0 * slope;
            }
        }
        for (std::size_t k = 0; k < kNodes; ++k) {
            const double own = k == i ? 1.0 : 0.0;
            ATALANTA_LANE_LOOP
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                const double through_curve =
                    h_[k][lane] * dot<kPoints, kNodes>(interpolation + k, slope_, lane);
                jacobian_[i][k][lane] = fma(own, 1.0 - sum[lane], through_curve);
            }
        }
    }

    // Steps are kept within half of what h and one deviation allow.
    void improve(const CollocationTables& tables, const PutLanes& at) {
        for (std::size_t i = 0; i < kNodes; ++i) {
            ATALANTA_LANE_LOOP
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                const double deviation = at.vol[lane] * at.root_years[lane] * tables.root_time[i];
                const double most = 0.5 * (h_[i][lane] + deviation);
                const double step = lesser(greater(residual_[i][lane], -most), most);
                const double h = greater(h_[i][lane] + step, 0.0);
                h_[i][lane] = h;
                square_[i][lane] = h * h;
            }
        }
    }

    NodeLanes node_;
    EdgeLanes edge_;
    TangentLanes sums_;
    alignas(64) Lanes tangent_[kParameters][kNodes];
    alignas(64) Lanes h_[kNodes], square_[kNodes], residual_[kNodes];
    alignas(64) Lanes curve_[kPoints], root_[kPoints], slope_[kPoints], a_[kPoints];
    alignas(64) Lanes bell_a_[kPoints], bell_b_[kPoints], growth_[kPoints], held_[kPoints], flow_[kPoints];
    alignas(64) Lanes jacobian_[kNodes][kNodes];
};

}  // namespace
}  // namespace atalanta
