// What this machine's processor can execute, as far as the kernels care.
#pragma once

#include <array>
#include <string_view>
#include <utility>

namespace atalanta {

struct CpuFeatures {
    bool avx2 = false;
    bool fma = false;
    bool bmi2 = false;
    bool avx512f = false;
    bool avx512dq = false;
    bool avx512bw = false;
    bool avx512vl = false;
    bool neon = false;

    // True when every feature in `required` is here.
    bool contains(const CpuFeatures& required) const noexcept;
    std::array<std::pair<std::string_view, bool>, 8> named() const noexcept;
};

// Detected once; safe to call from any thread.
const CpuFeatures& detected_cpu_features() noexcept;

}  // namespace atalanta
