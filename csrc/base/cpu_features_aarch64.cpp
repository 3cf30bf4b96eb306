// Advanced SIMD is part of the base instruction set.
#include "base/cpu_features.hpp"

namespace atalanta {

const CpuFeatures& detected_cpu_features() noexcept {
    static constexpr CpuFeatures features{.neon = true};
    return features;
}

}  // namespace atalanta
