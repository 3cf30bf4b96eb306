// The rights of a block, eight bytes at a time: compilers widen single bytes by way of every size between.
// Entries: signs_of_rights, wrong_rights. Row counts are multiples of eight.
#pragma once

#include <bit>

#include "numerics/vector_loop.hpp"

namespace atalanta {
namespace {

static_assert(kLanes == sizeof(std::uint64_t));

// The sign bit of each of eight bytes that were loaded as one number.
constexpr unsigned kFirstByte = std::endian::native == std::endian::little ? 0 : 56;
constexpr std::uint64_t kSignOfByte[kLanes] = {0x80ULL << (0 ^ kFirstByte),  0x80ULL << (8 ^ kFirstByte),
                                               0x80ULL << (16 ^ kFirstByte), 0x80ULL << (24 ^ kFirstByte),
                                               0x80ULL << (32 ^ kFirstByte), 0x80ULL << (40 ^ kFirstByte),
                                               0x80ULL << (48 ^ kFirstByte), 0x80ULL << (56 ^ kFirstByte)};

ATALANTA_INLINE std::uint64_t eight_bytes(const std::int8_t* from) {
    std::uint64_t bytes;
    __builtin_memcpy(&bytes, from, sizeof bytes);
    return bytes;
}

// Doubles of which only the signs mean anything: those of the rights.
ATALANTA_INLINE void signs_of_rights(const std::int8_t* right, std::size_t rows, double* signs) {
    for (std::size_t first = 0; first < rows; first += kLanes) {
        const std::uint64_t bytes = eight_bytes(right + first);
        ATALANTA_LANE_LOOP
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            signs[first + lane] = double_of((kSignOfByte[lane] - 1) - (bytes & kSignOfByte[lane]));
        }
    }
}

// 0 if all are +1 or -1: bytes of 0x00 or 0xFE once they are compared with +1.
ATALANTA_INLINE std::uint64_t wrong_rights(const std::int8_t* right, std::size_t rows) {
    constexpr std::uint64_t kLowestBits = 0x0101010101010101, kBitsBetween = 0x7E7E7E7E7E7E7E7E;
    std::uint64_t wrong = 0;
    for (std::size_t first = 0; first < rows; first += kLanes) {
        const std::uint64_t bytes = eight_bytes(right + first) ^ kLowestBits;
        wrong |= ((bytes ^ (bytes >> 1)) & kBitsBetween) | (bytes & kLowestBits);
    }
    return wrong;
}

}  // namespace
}  // namespace atalanta
