// Polynomials with compile-time coefficients in ascending order, unrolled so that loops around them
// vectorise. The order of evaluation is part of the contract: results are bit-identical everywhere.
#pragma once

#include "numerics/vector_loop.hpp"

namespace atalanta {
namespace {

// Horner in w over c[First], c[First + Step], ...
template <std::size_t First, std::size_t Step, std::size_t N>
ATALANTA_INLINE double horner(double w, const double (&c)[N]) {
    if constexpr (First + Step < N) {
        return fma(horner<First + Step, Step>(w, c), w, c[First]);
    } else {
        return c[First];
    }
}

// Two independent chains, one over even and one over odd powers: half the latency of Horner.
template <std::size_t N>
ATALANTA_INLINE double even_odd(double x, const double (&c)[N]) {
    const double w = x * x;
    return fma(horner<1, 2>(w, c), x, horner<0, 2>(w, c));
}

// Estrin: pairs, then pairs of pairs. Shortest chain, a few multiplications more.
template <std::size_t First, std::size_t Count, std::size_t N>
ATALANTA_INLINE double estrin_part(double x, const double (&powers)[5], const double (&c)[N]) {
    if constexpr (Count == 1) {
        return c[First];
    } else {
        constexpr std::size_t half = Count > 16 ? 16 : Count > 8 ? 8 : Count > 4 ? 4 : Count > 2 ? 2 : 1;
        constexpr std::size_t level = half == 16 ? 4 : half == 8 ? 3 : half == 4 ? 2 : half == 2 ? 1 : 0;
        return fma(estrin_part<First + half, Count - half>(x, powers, c), powers[level],
                   estrin_part<First, half>(x, powers, c));
    }
}

template <std::size_t N>
ATALANTA_INLINE double estrin(double x, const double (&c)[N]) {
    static_assert(N <= 32);
    const double x2 = x * x, x4 = x2 * x2, x8 = x4 * x4;
    const double powers[5] = {x, x2, x4, x8, x8 * x8};
    return estrin_part<0, N>(x, powers, c);
}

}  // namespace
}  // namespace atalanta
