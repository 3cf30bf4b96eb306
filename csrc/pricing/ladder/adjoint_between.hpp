// The up sweep of a stage transposed where some lanes are held below the exercised nodes as well
// (sweep_between.hpp). Entry: transpose_up_mixed.
#pragma once

#include "pricing/ladder/adjoint_sweeps.hpp"

namespace atalanta {
namespace {

// The nodes below the lower free boundary of lane l, from the first held one, `first`, down to node 0.
class LowerTransposed {
  public:
    LowerTransposed(const StepRecord& step, const StageRecord& record, const Normalised& n,
                    const double* growth, std::size_t nodes, std::size_t l)
        : l_(l),
          alpha_(step.op.alpha[l]),
          spacing_(n.spacing[l]),
          below_(record.sweep.lower_below[l]),
          level_(n.rate[l] * record.payoff.level[l] * n.inverse_diffusion[l]),
          slope_(n.yield[l] * record.payoff.slope[l] * n.inverse_diffusion[l]),
          growth_(growth),
          middle_(static_cast<double>(nodes / 2)),
          first_(static_cast<std::size_t>(record.sweep.lower_node[l])),
          is_based_(record.sweep.base[l] != kNotBased),
          start_(is_based_ ? static_cast<std::size_t>(record.sweep.base[l]) : 0),
          has_ghost_(below_ > 0.0 && stores_ghost(step.op, record.ghosts, l)) {}

    // Derivatives by u there leave the grid, before those of the other nodes are transposed.
    void set_aside(double* values, double* aside) const {
        const std::size_t end = first_ + (has_ghost_ ? 2 : 1);
        for (std::size_t i = is_based_ ? start_ + 1 : 0; i < end; ++i) {
            node(aside, i)[l_] = node(values, i)[l_];
            node(values, i)[l_] = 0.0;
        }
    }

    // They come back as derivatives by the down sweep.
    void transpose(double* aside, double* values, PayoffWeights& weights) const {
        const auto at = [&](std::size_t i) -> double& { return node(aside, i)[l_]; };
        for (std::size_t i = start_ + 2; i <= first_; ++i) at(i) = fma(-alpha_, at(i - 1), at(i));
        if (first_ > start_) at(first_) = cross(at(first_), has_ghost_ ? at(first_ + 1) : 0.0, weights);
        // By the sweep from its start on, then by the right side, which the down sweep makes of two nodes.
        double by_right_side = 0.0;
        for (std::size_t i = first_; i > start_; --i) {
            by_right_side = fma(-alpha_, by_right_side, at(i));
            node(values, i)[l_] += by_right_side;
            node(values, i + 1)[l_] = fma(alpha_, by_right_side, node(values, i + 1)[l_]);
        }
        const double by_start = -alpha_ * by_right_side;
        weights.edge[l_] = is_based_ ? 0.0 : at(0) + fma(alpha_, by_start, by_start);
        weights.after_edge[l_] = is_based_ ? 0.0 : alpha_ * by_start;
        if (is_based_) {
            add_payoff(start_, by_start, weights);
            add_payoff(start_ + 1, alpha_ * by_start, weights);
        }
    }

  private:
    void add_payoff(std::size_t i, double weight, PayoffWeights& weights) const {
        weights.add(l_, weight, growth_[i * kLadderOptions + l_], static_cast<double>(i) - middle_);
    }

    // From the first held node, and the continuation beyond it, to the sweep there and the payoff; as
    // transpose_sub_cell.
    double cross(double a, double ghost, PayoffWeights& weights) const {
        const double e = growth_[first_ * kLadderOptions + l_],
                     e_next = growth_[(first_ + 1) * kLadderOptions + l_];
        const double c = -alpha_, s = below_, rest = s - spacing_,
                     cells = static_cast<double>(first_) - middle_;
        if (!(s > 0.0)) {
            weights.add(l_, c * a, e_next, cells + 1.0);
            return a;
        }
        const double t = fma(a, s, ghost * rest) / fma(-c, rest, s);
        weights.add(l_, a - t, e, cells);
        weights.add(l_, fma(c, t, ghost), e_next, cells + 1.0);
        const double by_bend = 0.5 * (fma(a * s, s, ghost * rest * rest) - t * fma(s, s, -(c * rest) * rest));
        weights.bend_plain[l_] += by_bend;
        weights.bend_grown[l_] = fma(by_bend, e, weights.bend_grown[l_]);
        weights.bend_moved[l_] = fma(by_bend * e, cells, weights.bend_moved[l_]);
        weights.spacing[l_] -= fma(-slope_, e, level_) * rest * fma(t, c, ghost);
        return t;
    }

    const std::size_t l_;
    const double alpha_, spacing_, below_;
    const double level_, slope_;  // of the bend
    const double* growth_;
    const double middle_;
    const std::size_t first_;
    const bool is_based_;
    const std::size_t start_;
    const bool has_ghost_;
};

// As transpose_up. aside: room for a grid.
inline void transpose_up_mixed(const StepRecord& step, const StageRecord& record, const Normalised& n,
                               const double* growth, std::size_t nodes, double* values, double* aside,
                               PayoffWeights& weights) {
    const auto lower = [&](std::size_t l) { return LowerTransposed(step, record, n, growth, nodes, l); };
    each_in(record.sweep.two_sided, [&](std::size_t l) { lower(l).set_aside(values, aside); });
    transpose_up(step, record, n, growth, nodes, values, weights);
    each_in(record.sweep.two_sided, [&](std::size_t l) { lower(l).transpose(aside, values, weights); });
}

}  // namespace
}  // namespace atalanta
