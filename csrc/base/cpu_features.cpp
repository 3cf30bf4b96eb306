#include "base/cpu_features.hpp"

namespace atalanta {
namespace {

CpuFeatures detect() noexcept {
    CpuFeatures features;
#if defined(__x86_64__)
    __builtin_cpu_init();
    features.avx2 = __builtin_cpu_supports("avx2");
    features.fma = __builtin_cpu_supports("fma");
    features.bmi2 = __builtin_cpu_supports("bmi2");
    features.avx512f = __builtin_cpu_supports("avx512f");
    features.avx512dq = __builtin_cpu_supports("avx512dq");
    features.avx512bw = __builtin_cpu_supports("avx512bw");
    features.avx512vl = __builtin_cpu_supports("avx512vl");
#elif defined(__aarch64__)
    features.neon = true;  // part of the base instruction set
#endif
    return features;
}

}  // namespace

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

const CpuFeatures& detected_cpu_features() noexcept {
    static const CpuFeatures features = detect();
    return features;
}

}  // namespace atalanta
