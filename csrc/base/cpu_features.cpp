#include "base/cpu_features.hpp"

namespace atalanta {
std::array<std::pair<std::string_view, bool>, 8> CpuFeatures::named() const noexcept {
    return {{{"avx2", avx2},
             {"fma", fma},
             {"bmi2", bmi2},
             {"avx512f", avx512f},
             {"avx512dq", avx512dq},
             {"avx512bw", avx512bw},
             {"avx512vl", avx512vl},
             {"neon", neon}}};
}

bool CpuFeatures::contains(const CpuFeatures& required) const noexcept {
    const auto here = named();
    const auto wanted = required.named();
    for (std::size_t i = 0; i < here.size(); ++i) {
        if (wanted[i].second && !here[i].second) return false;
    }
    return true;
}

}  // namespace atalanta
