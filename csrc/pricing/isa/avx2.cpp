#include "pricing/isa/kernels_here.hpp"
#include "pricing/isa/rows.hpp"

namespace atalanta::isa {

constinit const KernelSet avx2 =
    kernels_here("avx2", "AVX2 with fused multiply-add", {.avx2 = true, .fma = true, .bmi2 = true});

}  // namespace atalanta::isa
