// The kernels as compiled by the translation unit that includes this: same source, its own flags.
#pragma once

#include "pricing/european_kernel.hpp"
#include "pricing/implied_vol_kernel.hpp"
#include "pricing/kernel_set.hpp"

namespace atalanta {
namespace {

constexpr KernelSet kernels_here(const char* name, const char* description, CpuFeatures required) {
    return {name,
            description,
            required,
            &price_european,
            &greeks_european<1>,
            &greeks_european<2>,
            &greeks_european<3>,
            &implied_vol_european};
}

}  // namespace
}  // namespace atalanta
