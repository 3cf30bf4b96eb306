// Size classes: eight per doubling, so that from 512 bytes on rounding up wastes at most one part in eight.
// Below, every block still begins on a cache line, and sizes go up in whole lines. Main entries: `class_of`,
// `class_bytes`.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace atalanta::memory {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kPageBytes = std::size_t{16} << 10;    // unit of the page heap; a page of Apple silicon
constexpr std::size_t kGranuleBytes = std::size_t{2} << 20;  // a huge page
constexpr std::size_t kLargestRequest = std::size_t{1} << 40;

// Where the policies begin: below, ordinary pages; from here to a granule, runs that share huge pages; from a
// granule on, huge pages of their own. Slabs hold many blocks of one class.
constexpr std::size_t kMediumBytes = std::size_t{128} << 10;
constexpr std::size_t kLargestSlabBlock = std::size_t{32} << 10;

// Classes count from 1. Of a size that is not 0, which is taken for one beyond any.
constexpr std::uint32_t class_of_some(std::size_t bytes) noexcept {
    const std::size_t last = (bytes - 1) | (kAlignment - 1);
    const auto level = static_cast<std::uint32_t>(63 ^ std::countl_zero(last));
    const std::uint32_t shift = level - 3;  // leaves 8 to 15
    return 8 * shift + static_cast<std::uint32_t>(last >> shift) - 30;
}

constexpr std::uint32_t class_of(std::size_t bytes) noexcept {
    return bytes == 0 ? 1 : class_of_some(bytes);
}

constexpr std::size_t class_bytes(std::uint32_t size_class) noexcept {
    const std::uint32_t shift = (size_class + 22) / 8;
    return static_cast<std::size_t>((size_class + 22) % 8 + 9) << shift;
}

constexpr std::uint32_t kClasses = class_of(kLargestRequest) + 1;
constexpr std::uint32_t kThinkableClasses =
    class_of_some(0) + 1;  // what `class_of_some` may say of any number
constexpr std::uint32_t kFirstMediumClass = class_of(kMediumBytes + 1);
constexpr std::uint32_t kFirstLargeClass = class_of(kGranuleBytes);
constexpr std::uint32_t kFirstRunClass = class_of(kLargestSlabBlock + 1);

// The same out of a table, which is quicker where the class is known only at run time.
struct ClassTable {
    std::size_t bytes[kClasses];
    constexpr ClassTable() : bytes() {
        for (std::uint32_t c = 0; c < kClasses; ++c) bytes[c] = class_bytes(c);
    }
};
inline constexpr ClassTable kClassTable;

static_assert(class_bytes(class_of(64)) == 64 && class_bytes(class_of(65)) == 128);
static_assert(class_bytes(kFirstMediumClass) % kPageBytes == 0);
static_assert(class_bytes(kClasses - 1) == kLargestRequest);

}  // namespace atalanta::memory
