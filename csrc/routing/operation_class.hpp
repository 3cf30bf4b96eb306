// Kinds of operations, and how the time of each grows with its size. Entries: OperationClass, effort_of,
// prior_threshold.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace atalanta::routing {

enum class OperationClass : std::uint8_t { matrix, vector, transcendental, pricing, search, inference };

inline constexpr std::array<std::string_view, 6> kClassNames = {"matrix",  "vector", "transcendental",
                                                                "pricing", "search", "inference"};

// Elements from which work leaves one thread while nothing is known of the machine.
inline constexpr std::array<std::uint64_t, 6> kPriorThresholds = {1'000, 10'000, 10'000, 10'000, 5'000, 100};

inline std::uint64_t prior_threshold(OperationClass kind) noexcept {
    return kPriorThresholds[static_cast<std::size_t>(kind)];
}

// What the time is linear in. A product of matrices is counted by the elements of a square one of equal
// effort.
inline double effort_of(OperationClass kind, double work) noexcept {
    return kind == OperationClass::matrix ? work * std::sqrt(work) : work;
}

}  // namespace atalanta::routing
