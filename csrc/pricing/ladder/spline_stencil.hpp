// How a value between nodes is handed to them. Entry: SplineStencil.
#pragma once

#include "numerics/vector_loop.hpp"

namespace atalanta {
namespace {

// Weights of six nodes that reproduce cubics: splines, so that the sum over points that move with the
// option has no kinks at nodes.
struct SplineStencil {
    static constexpr std::size_t kNodes = 6;
    std::size_t first;
    double weight[kNodes];

    SplineStencil(double place, std::size_t nodes) {
        const double last = static_cast<double>(nodes) - 4.0, below = __builtin_floor(place);
        const double from = below < 2.0 ? 2.0 : (below < last ? below : last), f = place - from;
        first = static_cast<std::size_t>(from) - 2;
        const double g = 1.0 - f, sixth = 1.0 / 6.0;
        const double outer = sixth * g * g * g, inner = fma(f * f, fma(0.5, f, -1.0), 4.0 * sixth);
        const double upper = sixth * f * f * f, other = fma(g * g, fma(0.5, g, -1.0), 4.0 * sixth);
        const double spline[kNodes + 2] = {0.0, 0.0, outer, inner, other, upper, 0.0, 0.0};
        for (std::size_t k = 0; k < kNodes; ++k) {
            weight[k] = sixth * (8.0 * spline[k + 1] - spline[k] - spline[k + 2]);
        }
    }
};

}  // namespace
}  // namespace atalanta
