// The exercise boundary of American puts by collocation (Andersen, Lake and Offengenden 2016), eight options
// across lanes; entry: BoundaryBlock::solve. The unknowns are h = ln(X / B) at the nodes; between them
// H = h^2 is a polynomial in sqrt(tau). Newton's method with the full Jacobian solves the equation at any
// carry and vol, where the plain iteration diverges. The Jacobian of the last step also tells how the
// boundary moves with vol, rate and yield.
#pragma once

#include "pricing/american/boundary_equation.hpp"
#include "pricing/american/lane_matrix.hpp"

namespace atalanta {
namespace {

template <class Class>
class BoundaryBlock {
  public:
    static constexpr std::size_t kNodes = Class::kNodes;

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
        equation_.evaluate(tables, at, h_, square_, i);
        for (std::size_t lane = 0; lane < kLanes; ++lane) residual_[i][lane] = equation_.residual()[lane];
        if constexpr (Tangents) equation_.differentiate_by_parameters(tables, at, i, tangent_);
        equation_.differentiate(tables, h_, i, jacobian_[i]);
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

    BoundaryEquation<Class> equation_;
    alignas(64) Lanes tangent_[kParameters][kNodes];
    alignas(64) Lanes h_[kNodes], square_[kNodes], residual_[kNodes];
    alignas(64) Lanes jacobian_[kNodes][kNodes];
};

}  // namespace
}  // namespace atalanta
