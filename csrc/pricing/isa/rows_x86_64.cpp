#include "pricing/isa/rows.hpp"

namespace atalanta::isa {
namespace {

constexpr const KernelSet* best_first[] = {&avx512, &avx2, &baseline};

}  // namespace

std::span<const KernelSet* const> rows() noexcept {
    return best_first;
}

}  // namespace atalanta::isa
