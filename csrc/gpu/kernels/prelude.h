// Kernel text for Metal, CUDA and the host: what the three spell differently, and nothing else. Everything
// above it uses these names alone, so that one text gives the same numbers everywhere.
// No #include, no double, no unsigned short names: none of them exists on all three.
#if defined(__METAL_VERSION__)
#pragma METAL fp contract(off)
#define ATALANTA_FUNCTION inline
#define ATALANTA_TABLE constant float
#define ATALANTA_CONSTANT constant float
#define ATALANTA_THREAD int(thread_position_in_grid.x)
#elif defined(__CUDACC__) || defined(__CUDACC_RTC__)
#define ATALANTA_FUNCTION __device__ __forceinline__
#define ATALANTA_TABLE __device__ const float
#define ATALANTA_CONSTANT constexpr float
#define ATALANTA_THREAD int(blockIdx.x * blockDim.x + threadIdx.x)
#else
#define ATALANTA_FUNCTION inline
#define ATALANTA_TABLE constexpr float
#define ATALANTA_CONSTANT constexpr float
#define ATALANTA_THREAD int(thread_position_in_grid.x)
#ifndef ATALANTA_BUILTIN_ERROR  // robustness tests make the built-in functions worse than any device's
#define ATALANTA_BUILTIN_ERROR 0.0f
#endif
#endif

namespace atalanta_gpu {

#if defined(__METAL_VERSION__)
ATALANTA_FUNCTION float fused(float a, float b, float c) {
    return metal::fma(a, b, c);
}
ATALANTA_FUNCTION float sum(float a, float b) {
    return a + b;
}
ATALANTA_FUNCTION float product(float a, float b) {
    return a * b;
}
ATALANTA_FUNCTION float quotient(float a, float b) {
    return a / b;
}
ATALANTA_FUNCTION float root(float x) {
    return metal::precise::sqrt(x);
}
ATALANTA_FUNCTION float logarithm(float x) {
    return metal::precise::log(x);
}
ATALANTA_FUNCTION float nearest(float x) {
    return metal::rint(x);
}
ATALANTA_FUNCTION float magnitude(float x) {
    return metal::fabs(x);
}
ATALANTA_FUNCTION float scaled(float x, int k) {
    return metal::ldexp(x, k);
}
ATALANTA_FUNCTION int bits_of(float x) {
    return as_type<int>(x);
}
ATALANTA_FUNCTION float not_a_number() {
    return as_type<float>(0x7fc00000);
}
#elif defined(__CUDACC__) || defined(__CUDACC_RTC__)
ATALANTA_FUNCTION float fused(float a, float b, float c) {
    return __fmaf_rn(a, b, c);
}
ATALANTA_FUNCTION float sum(float a, float b) {
    return __fadd_rn(a, b);
}
ATALANTA_FUNCTION float product(float a, float b) {
    return __fmul_rn(a, b);
}
ATALANTA_FUNCTION float quotient(float a, float b) {
    return __fdiv_rn(a, b);
}
ATALANTA_FUNCTION float root(float x) {
    return __fsqrt_rn(x);
}
ATALANTA_FUNCTION float logarithm(float x) {
    return logf(x);
}
ATALANTA_FUNCTION float nearest(float x) {
    return rintf(x);
}
ATALANTA_FUNCTION float magnitude(float x) {
    return fabsf(x);
}
ATALANTA_FUNCTION float scaled(float x, int k) {
    return ldexpf(x, k);
}
ATALANTA_FUNCTION int bits_of(float x) {
    return __float_as_int(x);
}
ATALANTA_FUNCTION float not_a_number() {
    return __int_as_float(0x7fc00000);
}
#else
ATALANTA_FUNCTION float fused(float a, float b, float c) {
    return __builtin_fmaf(a, b, c);
}
ATALANTA_FUNCTION float sum(float a, float b) {
    return a + b;
}
ATALANTA_FUNCTION float product(float a, float b) {
    return a * b;
}
ATALANTA_FUNCTION float quotient(float a, float b) {
    return a / b * (1.0f + ATALANTA_BUILTIN_ERROR);
}
ATALANTA_FUNCTION float root(float x) {
    return __builtin_sqrtf(x) * (1.0f + ATALANTA_BUILTIN_ERROR);
}
ATALANTA_FUNCTION float logarithm(float x) {
    return __builtin_logf(x) * (1.0f + ATALANTA_BUILTIN_ERROR);
}
ATALANTA_FUNCTION float nearest(float x) {
    return __builtin_rintf(x);
}
ATALANTA_FUNCTION float magnitude(float x) {
    return __builtin_fabsf(x);
}
ATALANTA_FUNCTION float scaled(float x, int k) {
    return __builtin_ldexpf(x, k);
}
ATALANTA_FUNCTION int bits_of(float x) {
    return __builtin_bit_cast(int, x);
}
ATALANTA_FUNCTION float not_a_number() {
    return __builtin_nanf("");
}
#endif

ATALANTA_FUNCTION bool within(float x, float least, float most) {
    return x >= least && x <= most;
}

}  // namespace atalanta_gpu
