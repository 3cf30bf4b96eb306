#include "base/cpu_features.hpp"

namespace atalanta {

const CpuFeatures& detected_cpu_features() noexcept {
    static constexpr CpuFeatures features{};
    return features;
}

}  // namespace atalanta
