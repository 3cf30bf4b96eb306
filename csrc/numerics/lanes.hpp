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

constexpr std::size_t kInterleaved = 2;
using Native = __m512d;
using NativeMask = __mmask8;
// GCC 12 warns of an undefined operand inside the intrinsics that take no mask.
constexpr NativeMask kEveryLane = 0xFF;
ATALANTA_INLINE Native native_load(const double* from) {
    return _mm512_load_pd(from);
}
ATALANTA_INLINE Native native_load_anywhere(const double* from) {
    return _mm512_loadu_pd(from);
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

constexpr std::size_t kInterleaved = 2;
using Native = __m256d;
using NativeMask = __m256d;
ATALANTA_INLINE Native native_load(const double* from) {
    return _mm256_load_pd(from);
}
ATALANTA_INLINE Native native_load_anywhere(const double* from) {
    return _mm256_loadu_pd(from);
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

constexpr std::size_t kInterleaved = 2;
using Native = __m128d;
using NativeMask = __m128d;
ATALANTA_INLINE Native native_load(const double* from) {
    return _mm_load_pd(from);
}
ATALANTA_INLINE Native native_load_anywhere(const double* from) {
    return _mm_loadu_pd(from);
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

constexpr std::size_t kInterleaved = 4;
using Native = float64x2_t;
using NativeMask = uint64x2_t;
ATALANTA_INLINE Native native_load(const double* from) {
    return vld1q_f64(from);
}
ATALANTA_INLINE Native native_load_anywhere(const double* from) {
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

constexpr std::size_t kInterleaved = 4;
using Native = double;
using NativeMask = bool;
ATALANTA_INLINE Native native_load(const double* from) {
    return *from;
}
ATALANTA_INLINE Native native_load_anywhere(const double* from) {
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

// Registers as a tree of members: compilers do not keep arrays of vectors in registers.
template <std::size_t Parts>
struct Values {
    Values<Parts / 2> low, high;
};
template <>
struct Values<1> {
    Native value;
};
template <std::size_t Parts>
struct Masks {
    Masks<Parts / 2> low, high;
};
template <>
struct Masks<1> {
    NativeMask value;
};

// As many as hide the latency of one another and leave room for their operands.
using Lanes = Values<kInterleaved>;
using LaneMask = Masks<kInterleaved>;
constexpr std::size_t kRowLanes = kInterleaved * kNativeLanes;

// One operation on every register.
template <template <std::size_t> class Result, std::size_t Parts, class Operation, class... Operands>
ATALANTA_INLINE Result<Parts> on_each(Operation operation, const Operands&... operands) {
    if constexpr (Parts == 1) {
        return {operation(operands.value...)};
    } else {
        return {on_each<Result, Parts / 2>(operation, operands.low...),
                on_each<Result, Parts / 2>(operation, operands.high...)};
    }
}
template <class Operation, class... Operands>
ATALANTA_INLINE Lanes lanes_of(Operation operation, const Operands&... operands) {
    return on_each<Values, kInterleaved>(operation, operands...);
}
template <class Operation, class... Operands>
ATALANTA_INLINE LaneMask mask_of_each(Operation operation, const Operands&... operands) {
    return on_each<Masks, kInterleaved>(operation, operands...);
}

template <std::size_t Parts>
ATALANTA_INLINE Values<Parts> load_registers(const double* from) {
    if constexpr (Parts == 1) {
        return {native_load(from)};
    } else {
        return {load_registers<Parts / 2>(from), load_registers<Parts / 2>(from + Parts / 2 * kNativeLanes)};
    }
}
template <std::size_t Parts>
ATALANTA_INLINE Values<Parts> load_registers_anywhere(const double* from) {
    if constexpr (Parts == 1) {
        return {native_load_anywhere(from)};
    } else {
        return {load_registers_anywhere<Parts / 2>(from),
                load_registers_anywhere<Parts / 2>(from + Parts / 2 * kNativeLanes)};
    }
}
template <std::size_t Parts>
ATALANTA_INLINE void store_registers(double* to, const Values<Parts>& a) {
    if constexpr (Parts == 1) {
        native_store(to, a.value);
    } else {
        store_registers<Parts / 2>(to, a.low);
        store_registers<Parts / 2>(to + Parts / 2 * kNativeLanes, a.high);
    }
}
template <std::size_t Parts>
ATALANTA_INLINE Values<Parts> repeat_registers(Native a) {
    if constexpr (Parts == 1) {
        return {a};
    } else {
        return {repeat_registers<Parts / 2>(a), repeat_registers<Parts / 2>(a)};
    }
}
template <std::size_t Parts>
ATALANTA_INLINE Masks<Parts> mask_registers(unsigned bits) {
    if constexpr (Parts == 1) {
        return {native_mask(bits)};
    } else {
        return {mask_registers<Parts / 2>(bits),
                mask_registers<Parts / 2>(bits >> (Parts / 2 * kNativeLanes))};
    }
}
template <std::size_t Parts>
ATALANTA_INLINE unsigned bits_of(const Masks<Parts>& a) {
    if constexpr (Parts == 1) {
        return native_bits(a.value);
    } else {
        return bits_of(a.low) | bits_of(a.high) << (Parts / 2 * kNativeLanes);
    }
}

// Memory is aligned to the registers, but for load_anywhere.
ATALANTA_INLINE Lanes load(const double* from) {
    return load_registers<kInterleaved>(from);
}
ATALANTA_INLINE Lanes load_anywhere(const double* from) {
    return load_registers_anywhere<kInterleaved>(from);
}
ATALANTA_INLINE void store(double* to, const Lanes& a) {
    store_registers<kInterleaved>(to, a);
}
ATALANTA_INLINE Lanes repeat(double a) {
    return repeat_registers<kInterleaved>(native_repeat(a));
}
// Bit k is lane k.
ATALANTA_INLINE LaneMask mask_of(unsigned bits) {
    return mask_registers<kInterleaved>(bits);
}

ATALANTA_INLINE Lanes operator+(const Lanes& a, const Lanes& b) {
    return lanes_of([](Native x, Native y) { return x + y; }, a, b);
}
ATALANTA_INLINE Lanes operator-(const Lanes& a, const Lanes& b) {
    return lanes_of([](Native x, Native y) { return x - y; }, a, b);
}
ATALANTA_INLINE Lanes operator*(const Lanes& a, const Lanes& b) {
    return lanes_of([](Native x, Native y) { return x * y; }, a, b);
}
ATALANTA_INLINE Lanes operator/(const Lanes& a, const Lanes& b) {
    return lanes_of([](Native x, Native y) { return x / y; }, a, b);
}
// a b + c
ATALANTA_INLINE Lanes fma(const Lanes& a, const Lanes& b, const Lanes& c) {
    return lanes_of([](Native x, Native y, Native z) { return native_fma(x, y, z); }, a, b, c);
}
// c - a b
ATALANTA_INLINE Lanes fnma(const Lanes& a, const Lanes& b, const Lanes& c) {
    return lanes_of([](Native x, Native y, Native z) { return native_fnma(x, y, z); }, a, b, c);
}
// a > b ? a : b
ATALANTA_INLINE Lanes larger(const Lanes& a, const Lanes& b) {
    return lanes_of([](Native x, Native y) { return native_max(x, y); }, a, b);
}
ATALANTA_INLINE Lanes square_root(const Lanes& a) {
    return lanes_of([](Native x) { return native_root(x); }, a);
}
ATALANTA_INLINE LaneMask operator>(const Lanes& a, const Lanes& b) {
    return mask_of_each([](Native x, Native y) { return native_greater(x, y); }, a, b);
}
ATALANTA_INLINE Lanes select(const LaneMask& mask, const Lanes& a, const Lanes& b) {
    return lanes_of([](NativeMask m, Native x, Native y) { return native_select(m, x, y); }, mask, a, b);
}
ATALANTA_INLINE LaneMask operator&(const LaneMask& a, const LaneMask& b) {
    return mask_of_each([](NativeMask x, NativeMask y) { return native_and(x, y); }, a, b);
}
// a and not b
ATALANTA_INLINE LaneMask without(const LaneMask& a, const LaneMask& b) {
    return mask_of_each([](NativeMask x, NativeMask y) { return native_and_not(x, y); }, a, b);
}

}  // namespace
}  // namespace atalanta
