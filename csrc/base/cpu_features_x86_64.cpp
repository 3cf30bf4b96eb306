#include "base/cpu_features.hpp"

namespace atalanta {
namespace {

CpuFeatures detect() noexcept {
    __builtin_cpu_init();
    CpuFeatures features;
    features.avx2 = __builtin_cpu_supports("avx2");
    features.fma = __builtin_cpu_supports("fma");
    features.bmi2 = __builtin_cpu_supports("bmi2");
    features.avx512f = __builtin_cpu_supports("avx512f");
    features.avx512dq = __builtin_cpu_supports("avx512dq");
    features.avx512bw = __builtin_cpu_supports("avx512bw");
    features.avx512vl = __builtin_cpu_supports("avx512vl");
    return features;
}

}  // namespace

const CpuFeatures& detected_cpu_features() noexcept {
    static const CpuFeatures features = detect();
    return features;
}

}  // namespace atalanta
