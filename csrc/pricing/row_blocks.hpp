// How a kernel walks its rows: blocks whose row count is a multiple of the vector width, the last one
// overlapping its predecessor instead of running a scalar remainder, and shared values spread over a block.
#pragma once

#include "numerics/vector_loop.hpp"
#include "pricing/columns.hpp"

namespace atalanta {
namespace {

// Up to here rows are computed one by one: a vector would be mostly padding.
constexpr std::size_t kSingleRows = 2;

// The next rows of a column as contiguous memory: the caller's own, or copies of a shared value.
template <class T>
class BlockColumn {
  public:
    explicit BlockColumn(const Column<T>& column) : column_(column) {
        if (!column.shared) return;
        for (std::size_t i = 0; i < kBlockRows; ++i) repeated_[i] = *column.data;
    }
    BlockColumn(const BlockColumn&) = delete;
    BlockColumn& operator=(const BlockColumn&) = delete;

    const T* at(std::size_t row) const { return column_.shared ? repeated_ : column_.data + row; }

  private:
    Column<T> column_;
    alignas(64) T repeated_[kBlockRows];
};

// Calls block(first, rows) until all of `size` rows are covered; rows is a multiple of kLanes, at most
// kBlockRows. Rows in an overlap are computed twice, with the same result. Requires size >= kLanes.
template <class Block>
ATALANTA_INLINE void for_each_block(std::size_t size, Block&& block) {
    std::size_t first = 0;
    for (; first + kBlockRows <= size; first += kBlockRows) block(first, kBlockRows);
    if (first == size) return;
    const std::size_t rows = round_up_to_lanes(size - first);
    if (rows <= size) {
        block(size - rows, rows);
    } else {
        block(0, size & ~(kLanes - 1));
        block(size - kLanes, kLanes);
    }
}

}  // namespace
}  // namespace atalanta
