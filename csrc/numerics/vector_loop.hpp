// The vocabulary of a kernel: the vectorise hint, the block sizes, and the few operations that must
// compile to one instruction. Everything here has internal linkage, because each instruction set
// compiles its own copy: a shared inline function could carry AVX-512 code to a machine without it.
#pragma once

#include <cstddef>
#include <cstdint>

// ATALANTA_VECTOR_LOOP before loops over rows; ATALANTA_LANE_LOOP before loops over the lanes of one block,
// which would be unrolled, their count being known, before anybody looks for vectors.
#if defined(__clang__)
#define ATALANTA_VECTOR_LOOP _Pragma("clang loop vectorize(assume_safety)")
#define ATALANTA_LANE_LOOP _Pragma("clang loop vectorize(assume_safety) unroll(disable)")
#else
#define ATALANTA_VECTOR_LOOP _Pragma("GCC ivdep")
#define ATALANTA_LANE_LOOP _Pragma("GCC ivdep") _Pragma("GCC unroll 1")
#endif
#define ATALANTA_INLINE [[gnu::always_inline]] inline

namespace atalanta {
namespace {

// Row counts of inner loops are multiples of kLanes; the temporaries of kBlockRows rows stay in L1.
constexpr std::size_t kLanes = 8;
constexpr std::size_t kBlockRows = 64;

constexpr std::size_t round_up_to_lanes(std::size_t rows) {
    return (rows + kLanes - 1) & ~(kLanes - 1);
}

// a*b + c, fused where the instruction set has it. Without hardware the builtin would be a library call.
// ATALANTA_UNFUSED is for code that is compiled once for all processors and must round alike on each.
ATALANTA_INLINE double fma(double a, double b, double c) {
#if (defined(__FMA__) || defined(__aarch64__)) && !defined(ATALANTA_UNFUSED)
    return __builtin_fma(a, b, c);
#else
    return a * b + c;
#endif
}

ATALANTA_INLINE double square_root(double x) {
    return __builtin_sqrt(x);
}
ATALANTA_INLINE double magnitude(double x) {
    return __builtin_fabs(x);
}
ATALANTA_INLINE std::uint64_t bits_of(double x) {
    return __builtin_bit_cast(std::uint64_t, x);
}
ATALANTA_INLINE double double_of(std::uint64_t bits) {
    return __builtin_bit_cast(double, bits);
}

}  // namespace
}  // namespace atalanta
