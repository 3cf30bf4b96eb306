// American puts on a unit strike over columns; entry: exercise_premiums<Class>. Eight rows at a time.
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

}  // namespace
}  // namespace atalanta
