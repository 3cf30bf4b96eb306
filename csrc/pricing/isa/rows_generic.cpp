#include "pricing/isa/families.hpp"
#include "pricing/isa/rows.hpp"

namespace atalanta::isa {
namespace {

constexpr KernelSet baseline_row = {"baseline",          "the compiler's baseline", {},
                                    &baseline::european, &baseline::implied_vol,    &baseline::american,
                                    &baseline::ladder};

constexpr const KernelSet* best_first[] = {&baseline_row};

}  // namespace

std::span<const KernelSet* const> rows() noexcept {
    return best_first;
}

}  // namespace atalanta::isa
