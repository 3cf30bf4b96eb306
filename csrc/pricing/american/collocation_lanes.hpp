// What the phases of the collocation kernel share: lanes of options, the sizes of a class of accuracy as a
// type, and sums over nodes or points with coefficients that all lanes have in common.
#pragma once

#include "numerics/graded_functions.hpp"
#include "pricing/american/collocation_tables.hpp"
#include "pricing/american/unit_puts.hpp"

namespace atalanta {
namespace {

using Lanes = double[kLanes];

constexpr double kRootTwoPi = 2.5066282746310002, kInverseRootTwoPi = .39894228040143268;

// Steps of Newton's method: each about squares the error of h, 2e-2 of it at the start.
// gentle: |rate| and |yield| times years are at most ln2 / 2 in every lane.
template <std::size_t Index, std::size_t Steps, class DigitsOfFunctions, bool Gentle>
struct CollocationClass {
    static constexpr std::size_t kIndex = Index, kSteps = Steps;
    static constexpr std::size_t kNodes = kCollocationSizes[Index].nodes;
    static constexpr std::size_t kPoints = kCollocationSizes[Index].points;
    static constexpr std::size_t kPremiumPoints = kCollocationSizes[Index].premium_points;
    using Digits = DigitsOfFunctions;

    // e^x, x being a rate or yield times a part of the years.
    ATALANTA_INLINE static double discount(double x) {
        if constexpr (Gentle) {
            return gentle_exponential<Digits>(x);
        } else {
            return graded_exponential<Digits>(x);
        }
    }
};
using FastCollocation = CollocationClass<0, 2, SixDigits, true>;
using StandardCollocation = CollocationClass<1, 2, SevenDigits, true>;
using FineCollocation = CollocationClass<2, 3, SevenDigits, false>;
using PreciseCollocation = CollocationClass<3, 4, NineDigits, false>;
using FinestCollocation = CollocationClass<4, 5, TwelveDigits, false>;

// Sum of coefficient[k * Stride] * values[k][lane] over k = First, First + Step, ..., unrolled.
template <std::size_t First, std::size_t Step, std::size_t Count, std::size_t Stride>
ATALANTA_INLINE double dot_part(const double* coefficient, const Lanes* values, std::size_t lane) {
    if constexpr (First + Step < Count) {
        return fma(coefficient[First * Stride], values[First][lane],
                   dot_part<First + Step, Step, Count, Stride>(coefficient, values, lane));
    } else {
        return coefficient[First * Stride] * values[First][lane];
    }
}

// Over k < Count, in two chains.
template <std::size_t Count, std::size_t Stride>
ATALANTA_INLINE double dot(const double* coefficient, const Lanes* values, std::size_t lane) {
    return dot_part<0, 2, Count, Stride>(coefficient, values, lane) +
           dot_part<1, 2, Count, Stride>(coefficient, values, lane);
}

ATALANTA_INLINE double greater(double a, double b) {
    return a > b ? a : b;
}
ATALANTA_INLINE double lesser(double a, double b) {
    return a < b ? a : b;
}

// sqrt(2 pi) scale N(x), where bell = scale e^(-x^2/2) and tail = bell M(|x|).
ATALANTA_INLINE double below(double x, double scale, double tail) {
    const double rest = fma(kRootTwoPi, scale, -tail);
    return x < 0.0 ? tail : rest;
}

}  // namespace
}  // namespace atalanta
