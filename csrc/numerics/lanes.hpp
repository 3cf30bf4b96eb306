// Eight doubles that stay in registers: one zmm, two ymm, or four xmm or NEON vectors. For recurrences, whose
// state compilers would otherwise keep in memory; everything else is a plain loop over arrays.
// The same operations in the same order everywhere: bits depend on the fused multiply-add only.
#pragma once

#include "numerics/vector_loop.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace atalanta {
namespace {

#if defined(__AVX512F__)

using Native = __m512d;
using NativeMask = __mmask8;
// GCC 12 warns of an undefined operand inside the intrinsics that take no mask.
constexpr NativeMask kEveryLane = 0xFF;
ATALANTA_INLINE Native native_load(const double* from) {
    return _mm512_load_pd(from);
}
ATALANTA_INLINE void native_store(double* to, Native a) {
    _mm512_store_pd(to, a);
}
ATALANTA_INLINE Native native_repeat(double a) {
    return _mm512_set1_pd(a);
}
ATALANTA_INLINE Native native_fma(Native a, Native b, Native c) {
    return _mm512_fmadd_pd(a, b, c);
}
ATALANTA_INLINE Native native_fnma(Native a, Native b, Native c) {
    return _mm512_fnmadd_pd(a, b, c);
}
ATALANTA_INLINE Native native_max(Native a, Native b) {
    return _mm512_maskz_max_pd(kEveryLane, a, b);
}
ATALANTA_INLINE Native native_root(Native a) {
    return _mm512_maskz_sqrt_pd(kEveryLane, a);
}
ATALANTA_INLINE NativeMask native_greater(Native a, Native b) {
    return _mm512_cmp_pd_mask(a, b, _CMP_GT_OQ);
}
ATALANTA_INLINE Native native_select(NativeMask mask, Native a, Native b) {
    return _mm512_mask_blend_pd(mask, b, a);
}
ATALANTA_INLINE NativeMask native_and(NativeMask a, NativeMask b) {
    return static_cast<NativeMask>(a & b);
}
ATALANTA_INLINE NativeMask native_or(NativeMask a, NativeMask b) {
    return static_cast<NativeMask>(a | b);
}
ATALANTA_INLINE NativeMask native_and_not(NativeMask a, NativeMask b) {
    return static_cast<NativeMask>(a & ~b);
}
ATALANTA_INLINE unsigned native_bits(NativeMask a) {
    return a;
}
ATALANTA_INLINE NativeMask native_mask(unsigned bits) {
    return static_cast<NativeMask>(bits);
}

#elif defined(__AVX2__) && defined(__FMA__)

using Native = __m256d;
using NativeMask = __m256d;
ATALANTA_INLINE Native native_load(const double* from) {
    return _mm256_load_pd(from);
}
ATALANTA_INLINE void native_store(double* to, Native a) {
    _mm256_store_pd(to, a);
}
ATALANTA_INLINE Native native_repeat(double a) {
    return _mm256_set1_pd(a);
}
ATALANTA_INLINE Native native_fma(Native a, Native b, Native c) {
    return _mm256_fmadd_pd(a, b, c);
}
ATALANTA_INLINE Native native_fnma(Native a, Native b, Native c) {
    return _mm256_fnmadd_pd(a, b, c);
}
ATALANTA_INLINE Native native_max(Native a, Native b) {
    return _mm256_max_pd(a, b);
}
ATALANTA_INLINE Native native_root(Native a) {
    return _mm256_sqrt_pd(a);
}
ATALANTA_INLINE NativeMask native_greater(Native a, Native b) {
    return _mm256_cmp_pd(a, b, _CMP_GT_OQ);
}
ATALANTA_INLINE Native native_select(NativeMask mask, Native a, Native b) {
    return _mm256_blendv_pd(b, a, mask);
}
ATALANTA_INLINE NativeMask native_and(NativeMask a, NativeMask b) {
    return _mm256_and_pd(a, b);
}
ATALANTA_INLINE NativeMask native_or(NativeMask a, NativeMask b) {
    return _mm256_or_pd(a, b);
}
ATALANTA_INLINE NativeMask native_and_not(NativeMask a, NativeMask b) {
    return _mm256_andnot_pd(b, a);
}
ATALANTA_INLINE unsigned native_bits(NativeMask a) {
    return static_cast<unsigned>(_mm256_movemask_pd(a));
}
ATALANTA_INLINE NativeMask native_mask(unsigned bits) {
    const __m256i each = _mm256_set_epi64x(8, 4, 2, 1);
    return _mm256_castsi256_pd(_mm256_cmpeq_epi64(_mm256_and_si256(_mm256_set1_epi64x(bits), each), each));
}

#elif defined(__x86_64__)

using Native = __m128d;
using NativeMask = __m128d;
ATALANTA_INLINE Native native_load(const double* from) {
    return _mm_load_pd(from);
}
ATALANTA_INLINE void native_store(double* to, Native a) {
    _mm_store_pd(to, a);
}
ATALANTA_INLINE Native native_repeat(double a) {
    return _mm_set1_pd(a);
}
ATALANTA_INLINE Native native_fma(Native a, Native b, Native c) {
    return _mm_add_pd(_mm_mul_pd(a, b), c);
}
ATALANTA_INLINE Native native_fnma(Native a, Native b, Native c) {
    return _mm_sub_pd(c, _mm_mul_pd(a, b));
}
ATALANTA_INLINE Native native_max(Native a, Native b) {
    return _mm_max_pd(a, b);
}
ATALANTA_INLINE Native native_root(Native a) {
    return _mm_sqrt_pd(a);
}
ATALANTA_INLINE NativeMask native_greater(Native a, Native b) {
    return _mm_cmpgt_pd(a, b);
}
ATALANTA_INLINE Native native_select(NativeMask mask, Native a, Native b) {
    return _mm_or_pd(_mm_and_pd(mask, a), _mm_andnot_pd(mask, b));
}
ATALANTA_INLINE NativeMask native_and(NativeMask a, NativeMask b) {
    return _mm_and_pd(a, b);
}
ATALANTA_INLINE NativeMask native_or(NativeMask a, NativeMask b) {
    return _mm_or_pd(a, b);
}
ATALANTA_INLINE NativeMask native_and_not(NativeMask a, NativeMask b) {
    return _mm_andnot_pd(b, a);
}
ATALANTA_INLINE unsigned native_bits(NativeMask a) {
    return static_cast<unsigned>(_mm_movemask_pd(a));
}
ATALANTA_INLINE NativeMask native_mask(unsigned bits) {
    return _mm_castsi128_pd(_mm_set_epi64x(-static_cast<int>(bits >> 1 & 1), -static_cast<int>(bits & 1)));
}

#elif defined(__aarch64__)

using Native = float64x2_t;
using NativeMask = uint64x2_t;
ATALANTA_INLINE Native native_load(const double* from) {
    return vld1q_f64(from);
}
ATALANTA_INLINE void native_store(double* to, Native a) {
    vst1q_f64(to, a);
}
ATALANTA_INLINE Native native_repeat(double a) {
    return vdupq_n_f64(a);
}
ATALANTA_INLINE Native native_fma(Native a, Native b, Native c) {
    return vfmaq_f64(c, a, b);
}
ATALANTA_INLINE Native native_fnma(Native a, Native b, Native c) {
    return vfmsq_f64(c, a, b);
}
ATALANTA_INLINE Native native_max(Native a, Native b) {
    return vbslq_f64(vcgtq_f64(a, b), a, b);  // b where they are equal or unordered, as x86 has it
}
ATALANTA_INLINE Native native_root(Native a) {
    return vsqrtq_f64(a);
}
ATALANTA_INLINE NativeMask native_greater(Native a, Native b) {
    return vcgtq_f64(a, b);
}
ATALANTA_INLINE Native native_select(NativeMask mask, Native a, Native b) {
    return vbslq_f64(mask, a, b);
}
ATALANTA_INLINE NativeMask native_and(NativeMask a, NativeMask b) {
    return vandq_u64(a, b);
}
ATALANTA_INLINE NativeMask native_or(NativeMask a, NativeMask b) {
    return vorrq_u64(a, b);
}
ATALANTA_INLINE NativeMask native_and_not(NativeMask a, NativeMask b) {
    return vbicq_u64(a, b);
}
ATALANTA_INLINE unsigned native_bits(NativeMask a) {
    return static_cast<unsigned>((vgetq_lane_u64(a, 0) & 1) | (vgetq_lane_u64(a, 1) & 2));
}
ATALANTA_INLINE NativeMask native_mask(unsigned bits) {
    return vtstq_u64(vdupq_n_u64(bits), vcombine_u64(vcreate_u64(1), vcreate_u64(2)));
}

#else

using Native = double;
using NativeMask = bool;
ATALANTA_INLINE Native native_load(const double* from) {
    return *from;
}
ATALANTA_INLINE void native_store(double* to, Native a) {
    *to = a;
}
ATALANTA_INLINE Native native_repeat(double a) {
    return a;
}
ATALANTA_INLINE Native native_fma(Native a, Native b, Native c) {
    return fma(a, b, c);
}
ATALANTA_INLINE Native native_fnma(Native a, Native b, Native c) {
    return fma(-a, b, c);
}
ATALANTA_INLINE Native native_max(Native a, Native b) {
    return a > b ? a : b;
}
ATALANTA_INLINE Native native_root(Native a) {
    return square_root(a);
}
ATALANTA_INLINE NativeMask native_greater(Native a, Native b) {
    return a > b;
}
ATALANTA_INLINE Native native_select(NativeMask mask, Native a, Native b) {
    return mask ? a : b;
}
ATALANTA_INLINE NativeMask native_and(NativeMask a, NativeMask b) {
    return a && b;
}
ATALANTA_INLINE NativeMask native_or(NativeMask a, NativeMask b) {
    return a || b;
}
ATALANTA_INLINE NativeMask native_and_not(NativeMask a, NativeMask b) {
    return a && !b;
}
ATALANTA_INLINE unsigned native_bits(NativeMask a) {
    return a ? 1u : 0u;
}
ATALANTA_INLINE NativeMask native_mask(unsigned bits) {
    return (bits & 1) != 0;
}

#endif

constexpr std::size_t kNativeLanes = sizeof(Native) / sizeof(double);
constexpr std::size_t kNativeParts = kLanes / kNativeLanes;

struct Lanes {
    Native part[kNativeParts];
};
struct LaneMask {
    NativeMask part[kNativeParts];
};

// One operation on every part.
template <class Result, class Operation>
ATALANTA_INLINE Result each_part(Operation&& operation) {
    Result result;
    for (std::size_t p = 0; p < kNativeParts; ++p) result.part[p] = operation(p);
    return result;
}

// Memory is aligned to 64 bytes.
ATALANTA_INLINE Lanes load(const double* from) {
    return each_part<Lanes>([&](std::size_t p) { return native_load(from + p * kNativeLanes); });
}
ATALANTA_INLINE void store(double* to, Lanes a) {
    for (std::size_t p = 0; p < kNativeParts; ++p) native_store(to + p * kNativeLanes, a.part[p]);
}
ATALANTA_INLINE Lanes repeat(double a) {
    return each_part<Lanes>([&](std::size_t) { return native_repeat(a); });
}
ATALANTA_INLINE Lanes operator+(Lanes a, Lanes b) {
    return each_part<Lanes>([&](std::size_t p) { return a.part[p] + b.part[p]; });
}
ATALANTA_INLINE Lanes operator-(Lanes a, Lanes b) {
    return each_part<Lanes>([&](std::size_t p) { return a.part[p] - b.part[p]; });
}
ATALANTA_INLINE Lanes operator*(Lanes a, Lanes b) {
    return each_part<Lanes>([&](std::size_t p) { return a.part[p] * b.part[p]; });
}
ATALANTA_INLINE Lanes operator/(Lanes a, Lanes b) {
    return each_part<Lanes>([&](std::size_t p) { return a.part[p] / b.part[p]; });
}
// a b + c
ATALANTA_INLINE Lanes fma(Lanes a, Lanes b, Lanes c) {
    return each_part<Lanes>([&](std::size_t p) { return native_fma(a.part[p], b.part[p], c.part[p]); });
}
// c - a b
ATALANTA_INLINE Lanes fnma(Lanes a, Lanes b, Lanes c) {
    return each_part<Lanes>([&](std::size_t p) { return native_fnma(a.part[p], b.part[p], c.part[p]); });
}
// a > b ? a : b
ATALANTA_INLINE Lanes larger(Lanes a, Lanes b) {
    return each_part<Lanes>([&](std::size_t p) { return native_max(a.part[p], b.part[p]); });
}
ATALANTA_INLINE Lanes square_root(Lanes a) {
    return each_part<Lanes>([&](std::size_t p) { return native_root(a.part[p]); });
}
ATALANTA_INLINE LaneMask operator>(Lanes a, Lanes b) {
    return each_part<LaneMask>([&](std::size_t p) { return native_greater(a.part[p], b.part[p]); });
}
ATALANTA_INLINE Lanes select(LaneMask mask, Lanes a, Lanes b) {
    return each_part<Lanes>([&](std::size_t p) { return native_select(mask.part[p], a.part[p], b.part[p]); });
}
ATALANTA_INLINE LaneMask operator&(LaneMask a, LaneMask b) {
    return each_part<LaneMask>([&](std::size_t p) { return native_and(a.part[p], b.part[p]); });
}
ATALANTA_INLINE LaneMask operator|(LaneMask a, LaneMask b) {
    return each_part<LaneMask>([&](std::size_t p) { return native_or(a.part[p], b.part[p]); });
}
// a and not b
ATALANTA_INLINE LaneMask without(LaneMask a, LaneMask b) {
    return each_part<LaneMask>([&](std::size_t p) { return native_and_not(a.part[p], b.part[p]); });
}
ATALANTA_INLINE bool any(LaneMask a, LaneMask b) {
    const LaneMask either = a | b;
    unsigned bits = 0;
    for (std::size_t p = 0; p < kNativeParts; ++p) bits |= native_bits(either.part[p]);
    return bits != 0;
}
// Bit k is lane k.
ATALANTA_INLINE LaneMask mask_of(unsigned bits) {
    return each_part<LaneMask>([&](std::size_t p) { return native_mask(bits >> (p * kNativeLanes)); });
}
ATALANTA_INLINE unsigned bits_of(LaneMask a) {
    unsigned bits = 0;
    for (std::size_t p = 0; p < kNativeParts; ++p) bits |= native_bits(a.part[p]) << (p * kNativeLanes);
    return bits;
}

}  // namespace
}  // namespace atalanta
