#include "pricing/isa/families.hpp"
#include "pricing/isa/rows.hpp"

namespace atalanta::isa {
namespace {

constexpr CpuFeatures kAvx2 = {.avx2 = true, .fma = true, .bmi2 = true};
constexpr CpuFeatures kAvx512 = {.avx2 = true,
                                 .fma = true,
                                 .bmi2 = true,
                                 .avx512f = true,
                                 .avx512dq = true,
                                 .avx512bw = true,
                                 .avx512vl = true};

constexpr KernelSet avx512_row = {"avx512",          "AVX-512 with 512-bit vectors", kAvx512,
                                  &avx512::european, &avx512::implied_vol,           &avx512::american,
                                  &avx512::ladder};
constexpr KernelSet avx2_row = {
    "avx2",       "AVX2 with fused multiply-add", kAvx2, &avx2::european, &avx2::implied_vol, &avx2::american,
    &avx2::ladder};
constexpr KernelSet baseline_row = {"baseline",
                                    "the compiler's baseline, no fused multiply-add",
                                    {},
                                    &baseline::european,
                                    &baseline::implied_vol,
                                    &baseline::american,
                                    &baseline::ladder};

constexpr const KernelSet* best_first[] = {&avx512_row, &avx2_row, &baseline_row};

}  // namespace

std::span<const KernelSet* const> rows() noexcept {
    return best_first;
}

}  // namespace atalanta::isa
