#include "pricing/american/american_kernel.hpp"
#include "pricing/isa/families.hpp"

namespace atalanta::isa::ATALANTA_ISA {

constinit const AmericanKernels american = {
    {&exercise_premiums<FastCollocation>, &exercise_premiums<StandardCollocation>,
     &exercise_premiums<PreciseCollocation>, &exercise_premiums<FinestCollocation>}};

}  // namespace atalanta::isa::ATALANTA_ISA
