#include "pricing/isa/families.hpp"
#include "pricing/ladder/kernels.hpp"
#include "pricing/ladder/price_table.hpp"

namespace atalanta::isa::ATALANTA_ISA {

constinit const LadderKernels ladder = {.shape = &ladder_shape,
                                        .limit = &ladder_limit,
                                        .solve_doubles = &ladder_solve_doubles,
                                        .differentiate_doubles = &ladder_differentiate_doubles,
                                        .solve = &ladder_solve,
                                        .differentiate = &ladder_differentiate,
                                        .profile_size = &ladder_profile_size,
                                        .profiles = &ladder_profiles,
                                        .read = &read_profiles,
                                        .read_table = &read_price_table,
                                        .begin_search = &ladder_begin_search,
                                        .advance_search = &ladder_advance_search,
                                        .reopen_search = &ladder_reopen_search};

}  // namespace atalanta::isa::ATALANTA_ISA
