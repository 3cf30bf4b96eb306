// Drift away from exercise, in deviations until expiry: the more there is, the narrower the layer beside the
// free boundary, and the more cells that boundary passes in a step. Entry: RulingDrift.
#pragma once

#include "numerics/vector_loop.hpp"
#include "pricing/ladder/problem.hpp"

namespace atalanta {
namespace {

struct RulingDrift {
    double finer, more_steps;  // nodes and steps per node, over those of other options

    // Of an option that can be exercised between its dates.
    explicit RulingDrift(const LadderOption& o) {
        const double away = o.right * (o.dividend_yield - o.rate) * square_root(o.years) / o.vol;
        const double beyond = away > kRuling ? away - kRuling : 0.0;
        const double nodes = fma(kFinerPerDeviation, beyond, 1.0), steps = 1.0 + beyond;
        finer = nodes < kFinest ? nodes : kFinest;
        const double most = kStepsPerFiner * finer;
        more_steps = steps < most ? steps : most;
    }

  private:
    static constexpr double kRuling = 1.5, kFinerPerDeviation = 0.25, kFinest = 4.0;
    static constexpr double kStepsPerFiner = 1.8;  // shorter ones resolve a boundary less well
};

}  // namespace
}  // namespace atalanta
