#include "pricing/isa/families.hpp"
#include "pricing/ladder/kernels.hpp"

namespace atalanta::isa::ATALANTA_ISA {

constinit const LadderKernels ladder = {&ladder_shape, &ladder_limit, &ladder_doubles, &ladder_solve};

}  // namespace atalanta::isa::ATALANTA_ISA
