#include "pricing/isa/families.hpp"
#include "pricing/isa/rows.hpp"

namespace atalanta::isa {
namespace {

constexpr KernelSet neon_row = {"neon",
                                "Advanced SIMD with fused multiply-add",
                                {.neon = true},
                                &neon::european,
                                &neon::implied_vol,
                                &neon::american,
                                &neon::ladder};

constexpr const KernelSet* best_first[] = {&neon_row};

}  // namespace

std::span<const KernelSet* const> rows() noexcept {
    return best_first;
}

}  // namespace atalanta::isa
