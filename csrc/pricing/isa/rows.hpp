// The rows of this build, best first. Each row is a translation unit with its own compiler flags; the list
// for the processor family is a file of its own, and the build links the one that fits.
#pragma once

#include <span>

#include "pricing/kernel_set.hpp"

namespace atalanta::isa {

extern const KernelSet avx512, avx2, neon, baseline;

std::span<const KernelSet* const> rows() noexcept;

}  // namespace atalanta::isa
