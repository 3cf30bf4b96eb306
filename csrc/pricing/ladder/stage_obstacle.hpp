// What holds u at a stage of a step: the payoff below it, and what is known at both ends of the grid.
// Entries: Asymptotes, set_obstacle, set_after_edge.
#pragma once

#include "pricing/ladder/ex_date.hpp"

namespace atalanta {
namespace {

constexpr double kNoObstacle = -1e30;

// Beyond the grid u = level - slope e^y at both ends, from the two nodes there as the interval began.
struct Asymptotes {
    struct End {
        PerLane level, slope;
    };
    End near, far;
    PerLane since;

    void clear() {
        each_lane([&](std::size_t l) {
            near.level[l] = near.slope[l] = far.level[l] = far.slope[l] = since[l] = 0.0;
        });
    }

    void fit(LaneSet lanes, const double* growth, const double* u, std::size_t nodes, const PerLane& time) {
        const double *e_far = node(growth, nodes - 2), *u_far = node(u, nodes - 2);
        const auto fit_end = [](End& end, std::size_t l, double e0, double e1, double u0, double u1) {
            end.slope[l] = (u0 - u1) / (e1 - e0);
            end.level[l] = fma(end.slope[l], e0, u0);
        };
        each_of(lanes, [&](std::size_t l) {
            const std::size_t up = kLadderOptions + l;
            fit_end(near, l, growth[l], growth[up], u[l], u[up]);
            fit_end(far, l, e_far[l], e_far[up], u_far[l], u_far[up]);
            since[l] = time[l];
        });
    }
};

// The payoff is zero `cells` above the middle; a few nodes more, where it is clearly negative.
inline std::size_t obstacle_end(double cells, std::size_t nodes) {
    const double end = cells + static_cast<double>(nodes / 2) + 4.0;
    if (!(end > 1.0)) return 1;
    return end < static_cast<double>(nodes - 1) ? static_cast<std::size_t>(end) : nodes - 1;
}

// payoff: of the stage. exercisable: 0 in lanes that cannot be exercised, or have not begun.
inline void set_obstacle(const Normalised& n, const StepOperator& op, const PayoffRecord& payoff,
                         const Asymptotes& asymptotes, const PerLane& exercisable, const PerLane& centre,
                         const double* growth, std::size_t nodes, Obstacle& obstacle) {
    const double *lowest = growth, *highest = node(growth, nodes - 1), *next = highest - kLadderOptions;
    PerLane cells;
    each_lane([&](std::size_t l) {
        const double a = payoff.level[l], b = payoff.slope[l], time = payoff.time[l];
        const double inverse = n.inverse_diffusion[l], c = -op.alpha[l];
        const double bend = n.rate[l] * a * inverse, bend_slope = n.yield[l] * b * inverse;
        const double grown = exponential(n.diffusion[l] * (time - asymptotes.since[l]));
        const double distance = fma(n.drift[l], time, -centre[l]) * n.inverse_spacing[l];
        const bool on = exercisable[l] != 0.0;
        obstacle.level[l] = on ? a : kNoObstacle;
        obstacle.slope[l] = on ? b : 0.0;
        obstacle.bend[l] = on ? bend : 0.0;
        obstacle.bend_slope[l] = on ? bend_slope : 0.0;
        obstacle.slack[l] = c > 0.0 ? 0.5 * c * n.spacing[l] * n.spacing[l] : 0.0;
        const double edge = fma(-asymptotes.near.slope[l] * grown, lowest[l], asymptotes.near.level[l]);
        const double most = a > 1.0 ? a : 1.0;
        obstacle.edge[l] = edge < most ? edge : most;
        const auto far_at = [&](double e) {
            const double held = fma(-asymptotes.far.slope[l] * grown, e, asymptotes.far.level[l]);
            const double pay = fma(-obstacle.slope[l], e, obstacle.level[l]);
            const double better = pay > held ? pay : held;
            return better > 0.0 ? better : 0.0;
        };
        obstacle.far[l] = far_at(highest[l]);
        obstacle.before_far[l] = far_at(next[l]);
        cells[l] = on ? distance : -1e9;
    });
    double last = -1e9;
    for (std::size_t l = 0; l < kLadderOptions; ++l) last = cells[l] > last ? cells[l] : last;
    obstacle.end = obstacle_end(last, nodes);
}

// Of the lanes exercised between two free boundaries, which are held at node 1 if at node 0.
inline void set_after_edge(const Normalised& n, LaneSet between, const PayoffRecord& payoff,
                           const Asymptotes& asymptotes, const double* growth, Obstacle& obstacle) {
    each_in(between, [&](std::size_t l) {
        const double grown = exponential(n.diffusion[l] * (payoff.time[l] - asymptotes.since[l]));
        const double rise = node(growth, 1)[l] - node(growth, 0)[l];
        obstacle.after_edge[l] = fma(-asymptotes.near.slope[l] * grown, rise, obstacle.edge[l]);
    });
}

}  // namespace
}  // namespace atalanta
