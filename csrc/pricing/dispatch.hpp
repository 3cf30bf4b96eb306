// Which instruction set prices: the rows of this build, the one in use, and how to force another.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "pricing/kernel_set.hpp"

namespace atalanta {

// All rows of this build, best first.
std::span<const KernelSet* const> kernel_sets() noexcept;

// Whether this machine can run the row.
bool supported(const KernelSet& row) noexcept;

// The row in use: the one named by ATALANTA_ISA, else the best that this machine supports.
// Throws std::invalid_argument when ATALANTA_ISA names none of them.
const KernelSet& active_kernels();

// Puts the named row to use and returns the one before. Throws std::invalid_argument when there is no such
// row or the machine cannot run it.
const KernelSet& select_kernels(std::string_view name);

}  // namespace atalanta
