// American puts on a unit strike over columns; entries: exercise_premiums<Class>, exercise_boundaries<Class>.
// Eight rows at a time.
#pragma once

#include "pricing/american/put_premium.hpp"

namespace atalanta {
namespace {

template <class Class, bool Tangents>
void walk_blocks(const CollocationTables& tables, const UnitPuts& puts, const ExercisePremiums& out) {
    PutLanes at;
    BoundaryBlock<Class> boundary;
    PremiumBlock<Class> premium;
    for (std::size_t first = 0; first < puts.size; first += kLanes) {
        load_lanes(puts, first, at);
        boundary.template solve<Tangents>(tables, at);
        premium.template integrate<Tangents>(tables, at, boundary, puts.spot + first, out, first);
    }
}

template <class Class>
void exercise_premiums(const CollocationTables& tables, const UnitPuts& puts,
                       const ExercisePremiums& out) noexcept {
    if (out.vega == nullptr) {
        walk_blocks<Class, false>(tables, puts, out);
    } else {
        walk_blocks<Class, true>(tables, puts, out);
    }
}

// The spots at which the puts are exercised, out[k * puts.size + i].
template <class Class>
void exercise_boundaries(const CollocationTables& tables, const UnitPuts& puts, const double* coefficients,
                         std::size_t times, double* out) noexcept {
    PutLanes at;
    BoundaryBlock<Class> boundary;
    for (std::size_t first = 0; first < puts.size; first += kLanes) {
        load_lanes(puts, first, at);
        boundary.template solve<false>(tables, at);
        for (std::size_t k = 0; k < times; ++k) {
            const double* interpolation = coefficients + k * Class::kNodes;
            ATALANTA_LANE_LOOP
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                const double square = dot<Class::kNodes, 1>(interpolation, boundary.squares(), lane);
                const double h = square_root(greater(square, 0.0));
                out[k * puts.size + first + lane] = exponential(at.log_limit[lane] - h);
            }
        }
    }
}

}  // namespace
}  // namespace atalanta
