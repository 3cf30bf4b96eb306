// A small dense system: factorised once with row pivoting, solved for several right-hand sides.
// Entries: DenseSolver::factorise, solve. Plain loops in a fixed order, so that results do not depend on a
// compiler.
#pragma once

#include <utility>

#include "numerics/vector_loop.hpp"

namespace atalanta {
namespace {

template <std::size_t N>
class DenseSolver {
  public:
    double matrix[N][N];  // filled by the caller; its factors after factorise

    // False if the matrix is singular or holds NaN.
    bool factorise() {
        for (std::size_t k = 0; k < N; ++k) {
            pivot_[k] = largest_below(k);
            if (pivot_[k] != k) std::swap(matrix[k], matrix[pivot_[k]]);
            if (!(magnitude(matrix[k][k]) > 0.0)) return false;
            eliminate(k);
        }
        return true;
    }

    void solve(double (&x)[N]) const {
        for (std::size_t k = 0; k < N; ++k) std::swap(x[k], x[pivot_[k]]);
        for (std::size_t i = 1; i < N; ++i) {
            for (std::size_t k = 0; k < i; ++k) x[i] -= matrix[i][k] * x[k];
        }
        for (std::size_t i = N; i-- > 0;) {
            for (std::size_t k = i + 1; k < N; ++k) x[i] -= matrix[i][k] * x[k];
            x[i] /= matrix[i][i];
        }
    }

  private:
    std::size_t largest_below(std::size_t k) const {
        std::size_t best = k;
        for (std::size_t i = k + 1; i < N; ++i) {
            if (magnitude(matrix[i][k]) > magnitude(matrix[best][k])) best = i;
        }
        return best;
    }

    void eliminate(std::size_t k) {
        const double inverse = 1.0 / matrix[k][k];
        for (std::size_t i = k + 1; i < N; ++i) {
            const double factor = matrix[i][k] * inverse;
            matrix[i][k] = factor;
            for (std::size_t j = k + 1; j < N; ++j) matrix[i][j] -= factor * matrix[k][j];
        }
    }

    std::size_t pivot_[N];
};

}  // namespace
}  // namespace atalanta
