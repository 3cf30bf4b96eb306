// The instruction sets of this build, best first. The list for the processor family is a file of its own, and
// the build links the one that fits.
#pragma once

#include <span>

#include "pricing/kernel_set.hpp"

namespace atalanta::isa {

std::span<const KernelSet* const> rows() noexcept;

}  // namespace atalanta::isa
