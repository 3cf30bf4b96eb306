// Nodes, quadrature and interpolation of boundary collocation. They do not depend on an option: computed once
// with nothing but + - * / and sqrt, so that they are the same on every machine.
#pragma once

#include <cstddef>

namespace atalanta {

// How finely a boundary is resolved: collocation nodes in time, quadrature points of the integral equation,
// quadrature points of the premium.
struct CollocationSize {
    std::size_t nodes, points, premium_points;
};
inline constexpr CollocationSize kCollocationSizes[] = {
    {7, 8, 24}, {10, 12, 32}, {12, 20, 40}, {20, 32, 64}, {32, 64, 128}};
inline constexpr std::size_t kCollocationClasses = 5;

// Gauss-Legendre in theta on [0, pi/2], u = tau sin^2(theta). interpolation[point][node] takes H at the nodes
// to H at the points; it belongs to one node's tau.
struct CollocationTables {
    const double* root_time;              // [nodes] sqrt(tau / T), descending from 1; tau = 0 is left out
    const double* cosine;                 // [points] of theta
    const double* squared_sine;           // [points]
    const double* squared_cosine;         // [points]
    const double* inverse_cosine;         // [points]
    const double* weight;                 // [points] 2 w sin(theta)
    const double* interpolation;          // [nodes][points][nodes]
    const double* premium_cosine;         // [premium_points]
    const double* premium_weight;         // [premium_points] 2 w sin(theta) cos(theta)
    const double* premium_interpolation;  // [premium_points][nodes], for tau = T
};

// index: of kCollocationSizes.
const CollocationTables& collocation_tables(std::size_t index);

// One row of such an interpolation: to sqrt(tau / T) = root_time from `nodes` nodes.
void interpolate_boundary(std::size_t nodes, double root_time, double* coefficients);

}  // namespace atalanta
