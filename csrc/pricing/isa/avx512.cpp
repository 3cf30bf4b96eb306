#include "pricing/isa/kernels_here.hpp"
#include "pricing/isa/rows.hpp"

namespace atalanta::isa {

constinit const KernelSet avx512 = kernels_here("avx512", "AVX-512 with 512-bit vectors",
                                                {.avx2 = true,
                                                 .fma = true,
                                                 .bmi2 = true,
                                                 .avx512f = true,
                                                 .avx512dq = true,
                                                 .avx512bw = true,
                                                 .avx512vl = true});

}  // namespace atalanta::isa
