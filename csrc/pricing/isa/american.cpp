#include "pricing/american/american_kernel.hpp"
#include "pricing/isa/families.hpp"

namespace atalanta::isa::ATALANTA_ISA {

constinit const AmericanKernels american = {
    {&exercise_premiums<FastCollocation>, &exercise_premiums<StandardCollocation>,
     &exercise_premiums<FineCollocation>, &exercise_premiums<PreciseCollocation>,
     &exercise_premiums<FinestCollocation>},
    {&exercise_boundaries<FastCollocation>, &exercise_boundaries<StandardCollocation>,
     &exercise_boundaries<FineCollocation>, &exercise_boundaries<PreciseCollocation>,
     &exercise_boundaries<FinestCollocation>}};

}  // namespace atalanta::isa::ATALANTA_ISA
