// Doubles as the kernels read and write them: one, two or three floats side by side whose sum they are.
// Entries: split, join. What float cannot hold becomes infinite or NaN, which no kernel takes.
#pragma once

#include <cstddef>

namespace atalanta::gpu {

// width floats per row, 1 to 3.
void split(const double* column, std::size_t rows, int width, float* parts);

// The sums of pairs, rounded once.
void join(const float* pairs, std::size_t rows, double* column);

}  // namespace atalanta::gpu
