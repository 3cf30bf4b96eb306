// Linear systems across lanes: one matrix per lane, eliminated without pivoting from the last row up, which
// is safe where the unknowns of later rows hardly depend on those of earlier ones.
#pragma once

#include "pricing/american/collocation_lanes.hpp"

namespace atalanta {
namespace {

// In place: the multipliers of elimination replace what is eliminated, reciprocals the pivots.
template <std::size_t N>
void factorise(Lanes (*matrix)[N]) {
    for (std::size_t pivot = N; pivot-- > 0;) {
        ATALANTA_LANE_LOOP
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            matrix[pivot][pivot][lane] = 1.0 / matrix[pivot][pivot][lane];
        }
        for (std::size_t row = 0; row < pivot; ++row) {
            ATALANTA_LANE_LOOP
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                matrix[row][pivot][lane] *= matrix[pivot][pivot][lane];
            }
            for (std::size_t column = 0; column < pivot; ++column) {
                ATALANTA_LANE_LOOP
                for (std::size_t lane = 0; lane < kLanes; ++lane) {
                    matrix[row][column][lane] = fma(-matrix[row][pivot][lane], matrix[pivot][column][lane],
                                                    matrix[row][column][lane]);
                }
            }
        }
    }
}

// Replaces the right-hand side by the solution.
template <std::size_t N>
void substitute(const Lanes (*matrix)[N], Lanes* x) {
    for (std::size_t pivot = N; pivot-- > 0;) {
        for (std::size_t row = 0; row < pivot; ++row) {
            ATALANTA_LANE_LOOP
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                x[row][lane] = fma(-matrix[row][pivot][lane], x[pivot][lane], x[row][lane]);
            }
        }
    }
    for (std::size_t row = 0; row < N; ++row) {
        for (std::size_t column = 0; column < row; ++column) {
            ATALANTA_LANE_LOOP
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                x[row][lane] = fma(-matrix[row][column][lane], x[column][lane], x[row][lane]);
            }
        }
        ATALANTA_LANE_LOOP
        for (std::size_t lane = 0; lane < kLanes; ++lane) x[row][lane] *= matrix[row][row][lane];
    }
}

}  // namespace
}  // namespace atalanta
