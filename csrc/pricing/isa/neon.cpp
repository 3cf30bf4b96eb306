#include "pricing/isa/kernels_here.hpp"
#include "pricing/isa/rows.hpp"

namespace atalanta::isa {

constinit const KernelSet neon =
    kernels_here("neon", "Advanced SIMD with fused multiply-add", {.neon = true});

}  // namespace atalanta::isa
