// New arrays that kernels fill column by column. Entry: new_columns.
#pragma once

#include "bind/rows.hpp"

namespace atalanta::bind {

// A new array of columns along its first axis, each contiguous. Long ones each start a cache line, an odd
// number of lines after the one before: a vector of results stored across two lines costs twice, and columns
// at the same places of their pages would share few lines of the cache.
Doubles new_columns(const Shape& shape);

}  // namespace atalanta::bind
