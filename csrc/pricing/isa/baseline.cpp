#include "pricing/isa/kernels_here.hpp"
#include "pricing/isa/rows.hpp"

namespace atalanta::isa {

constinit const KernelSet baseline =
    kernels_here("baseline", "the compiler's baseline, no fused multiply-add", {});

}  // namespace atalanta::isa
