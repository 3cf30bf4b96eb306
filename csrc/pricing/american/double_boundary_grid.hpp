// Where the edges of the exercise interval are collocated and the integrals over past exercise are summed.
// Entry: shared_grid. In x = sqrt(time left), Chebyshev nodes; for a node x, Gauss-Legendre nodes in t of
// sqrt(u) = x 2t/(1+t^2), sqrt(x^2 - u) = x (1-t^2)/(1+t^2): the square roots at both ends become smooth.
#pragma once

#include "pricing/american/dense_solver.hpp"

namespace atalanta {
namespace {

constexpr double kPi = 3.141592653589793;

struct Turn {
    double cosine, sine;
};

// cos and sin of 0 <= angle <= 0.3 by their series, without the platform's library.
inline Turn small_turn(double angle) {
    const double square = angle * angle;
    double cosine = 1.0, sine = 1.0;
    for (int k = 20; k > 0; k -= 2) {
        cosine = 1.0 - square / (k * (k - 1.0)) * cosine;
        sine = 1.0 - square / (k * (k + 1.0)) * sine;
    }
    return {cosine, angle * sine};
}

inline Turn operator*(Turn a, Turn b) {
    return {a.cosine * b.cosine - a.sine * b.sine, a.sine * b.cosine + a.cosine * b.sine};
}

// Gauss-Legendre on [0, 1], ascending.
template <std::size_t N>
struct GaussLegendre {
    double place[N], weight[N];

    GaussLegendre() {
        const Turn step = small_turn(kPi / (N + 0.5));
        Turn guess = small_turn(0.75 * kPi / (N + 0.5));
        for (std::size_t i = 0; i < N; ++i) {
            set_node(i, guess.cosine);
            guess = guess * step;
        }
    }

  private:
    void set_node(std::size_t i, double x) {
        double slope = 1.0;
        for (int iteration = 0; iteration < 6; ++iteration) {
            double before = 1.0, value = x;
            for (std::size_t k = 2; k <= N; ++k) {
                const double next = ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k;
                before = value;
                value = next;
            }
            slope = N * (x * value - before) / (x * x - 1.0);
            x -= value / slope;
        }
        place[N - 1 - i] = 0.5 * (1.0 + x);
        weight[N - 1 - i] = 1.0 / ((1.0 - x * x) * slope * slope);
    }
};

// sqrt(u), sqrt(x^2 - u) and du of one node, for x = 1.
struct PastTime {
    double early, late, weight;
};

inline PastTime past_time(double t, double weight) {
    const double scale = 1.0 / (1.0 + t * t), early = 2.0 * t * scale, late = (1.0 - t * t) * scale;
    return {early, late, 4.0 * early * late * scale * weight};
}

// T_k(z) - T_k(-1) for k = 1 ... N: what vanishes with the time left.
template <std::size_t N>
inline void chebyshev_basis(double z, double* basis) {
    double before = 1.0, value = z, sign = -1.0;
    for (std::size_t k = 0; k < N; ++k) {
        basis[k] = value - sign;
        const double next = 2.0 * z * value - before;
        before = value;
        value = next;
        sign = -sign;
    }
}

// N collocation nodes in (0, 1], ascending; L past times for each.
template <std::size_t N, std::size_t L>
struct CollocationGrid {
    static constexpr std::size_t kNodes = N, kPast = L;
    double node[N];
    PastTime past[L];
    double at_node[N][N];  // [node][basis]
    double at_past[N][L][N];
    DenseSolver<N> interpolation;  // from values at the nodes to coefficients

    CollocationGrid() {
        const GaussLegendre<L> gauss;
        for (std::size_t j = 0; j < L; ++j) past[j] = past_time(gauss.place[j], gauss.weight[j]);
        const Turn step = small_turn(kPi / N);
        Turn turn = {1.0, 0.0};
        for (std::size_t i = N; i-- > 0;) {
            node[i] = 0.5 * (1.0 + turn.cosine);
            chebyshev_basis<N>(turn.cosine, at_node[i]);
            for (std::size_t j = 0; j < L; ++j) {
                chebyshev_basis<N>(2.0 * node[i] * past[j].early - 1.0, at_past[i][j]);
            }
            for (std::size_t k = 0; k < N; ++k) interpolation.matrix[i][k] = at_node[i][k];
            turn = turn * step;
        }
        interpolation.factorise();
    }
};

template <std::size_t N, std::size_t L>
inline const CollocationGrid<N, L>& shared_grid() {
    static const CollocationGrid<N, L> grid;
    return grid;
}

template <std::size_t N>
inline const GaussLegendre<N>& shared_gauss() {
    static const GaussLegendre<N> gauss;
    return gauss;
}

}  // namespace
}  // namespace atalanta
