// Sizes as bins, four per doubling: the columns of the decision table. Entries: bin_of, bin_centre.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace atalanta::routing {

inline constexpr std::size_t kBinsPerDoubling = 4;
inline constexpr std::uint64_t kLargestWork = (std::uint64_t{1} << 40) - 1;
inline constexpr std::size_t kBins = 40 * kBinsPerDoubling;

// The bin of a size; larger sizes than kLargestWork share the last one, 0 that of 1.
inline std::size_t bin_of(std::uint64_t work) noexcept {
    work = work > kLargestWork ? kLargestWork : work | (work == 0);
    const auto doubling = static_cast<std::size_t>(std::bit_width(work)) - 1;
    return kBinsPerDoubling * doubling + ((work << 2 >> doubling) & 3);
}

// The least size of a bin, as a real number.
inline double bin_start(std::size_t bin) noexcept {
    const auto doubling = static_cast<double>(std::uint64_t{1} << bin / kBinsPerDoubling);
    return doubling * (1.0 + static_cast<double>(bin % kBinsPerDoubling) / kBinsPerDoubling);
}

// The size that a bin is judged by. The smallest bins hold one whole number each, or none.
inline double bin_centre(std::size_t bin) noexcept {
    return bin < 2 * kBinsPerDoubling ? bin_start(bin) : 0.5 * (bin_start(bin) + bin_start(bin + 1));
}

}  // namespace atalanta::routing
