#include "pricing/isa/families.hpp"
#include "pricing/ladder/kernels.hpp"

namespace atalanta::isa::ATALANTA_ISA {

constinit const LadderKernels ladder = {&ladder_shape, &ladder_limit, &ladder_solve_doubles,
                                        &ladder_differentiate_doubles, &ladder_solve, &ladder_differentiate,
 &ladder_begin_search, &ladder_advance_search,
&ladder_reopen_search};

}  // namespace atalanta::isa::ATALANTA_ISA
