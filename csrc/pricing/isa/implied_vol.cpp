#include "pricing/implied_vol_kernel.hpp"
#include "pricing/isa/families.hpp"

namespace atalanta::isa::ATALANTA_ISA {

constinit const ImpliedVolKernels implied_vol = {&implied_vol_european};

}  // namespace atalanta::isa::ATALANTA_ISA
