// American puts on a unit strike over columns; entry: exercise_premiums<Class>. Eight rows at a time.
#pragma once

#include "pricing/american/put_premium.hpp"

namespace atalanta {
namespace {

template <class Class>
void exercise_premiums(const CollocationTables& tables, const UnitPuts& puts,
                       const ExercisePremiums& out) noexcept {
    PutLanes at;
    BoundaryBlock<Class> boundary;
    PremiumBlock<Class> premium;
    for (std::size_t first = 0; first < puts.size; first += kLanes) {
        load_lanes(puts, first, at);
        boundary.solve(tables, at);
        premium.integrate(tables, at, boundary, puts.spot + first, out, first);
    }
}

}  // namespace
}  // namespace atalanta
