// The points of past time that the equation of a node sums over: where the boundary was then, seen from the
// node, and what exercise beyond it has paid since. Entry: BoundaryPoints::place.
#pragma once

#include "pricing/american/boundary_start.hpp"

namespace atalanta {
namespace {

// Of one node in each lane.
struct NodeLanes {
    alignas(64) Lanes tau, total_vol, inverse_total_vol;
    alignas(64) Lanes drift;            // (r - q - vol^2 / 2) tau / total_vol
    alignas(64) Lanes interest, yield;  // r tau, q tau
};

template <class Class>
class BoundaryPoints {
  public:
    static constexpr std::size_t kNodes = Class::kNodes, kPoints = Class::kPoints;

    // Of node i; h and its squares are those of all nodes.
    void place(const CollocationTables& tables, const PutLanes& at, const Lanes* h, const Lanes* squares,
               std::size_t i) {
        interpolate(tables, tables.interpolation + i * kPoints * kNodes, squares, i);
        node_of(at, tables.root_time[i]);
        evaluate(tables, h, i);
        hold(tables);
    }

    const NodeLanes& node() const { return node_; }
    // At each point: the equation's place a (b = a + spread), the densities at a and b, what is held, and
    // what is paid; the slope of the root of H by H, 0 where H was kept away from zero.
    const Lanes* a() const { return a_; }
    const Lanes* bell_a() const { return bell_a_; }
    const Lanes* bell_b() const { return bell_b_; }
    const Lanes* held() const { return held_; }
    const Lanes* flow() const { return flow_; }
    const Lanes* slope() const { return slope_; }

  private:
    using Digits = typename Class::Digits;

    // H at the points, kept away from the zero that the polynomial may cross; slope_ is 1/2 where it was not.
    void interpolate(const CollocationTables& tables, const double* interpolation, const Lanes* squares,
                     std::size_t i) {
        for (std::size_t j = 0; j < kPoints; ++j) {
            const double least_share = 1e-4 * tables.squared_sine[j];
            ATALANTA_LANE_LOOP
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                const double square = dot<kNodes, 1>(interpolation + j * kNodes, squares, lane);
                const double least = fma(squares[i][lane], least_share, 1e-300);
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
    void evaluate(const CollocationTables& tables, const Lanes* h, std::size_t i) {
        for (std::size_t j = 0; j < kPoints; ++j) {
            const double cosine = tables.cosine[j], inverse_cosine = tables.inverse_cosine[j];
            ATALANTA_LANE_LOOP
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                const double root = square_root(curve_[j][lane]);
                root_[j][lane] = root;
                a_[j][lane] = fma((root - h[i][lane]) * node_.inverse_total_vol[lane], inverse_cosine,
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

    NodeLanes node_;
    alignas(64) Lanes curve_[kPoints], root_[kPoints], slope_[kPoints], a_[kPoints];
    alignas(64) Lanes bell_a_[kPoints], bell_b_[kPoints], growth_[kPoints], held_[kPoints], flow_[kPoints];
};

}  // namespace
}  // namespace atalanta
