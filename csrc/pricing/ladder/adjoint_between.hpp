// The up sweep of a stage transposed where some lanes are held below the exercised nodes as well
// (sweep_between.hpp, sweep_islands.hpp). Entry: transpose_up_mixed.
#pragma once

#include "pricing/ladder/adjoint_sweeps.hpp"
#include "pricing/ladder/pivots.hpp"

namespace atalanta {
namespace {

// Nodes of lane l that are held below exercised ones, `first` being the first of them below the boundary.
class HeldBelow {
  protected:
    // below: how far that node lies below the boundary, 0 where that was not found inside a cell.
    HeldBelow(const StepRecord& step, const StageRecord& record, const Normalised& n, const double* growth,
              std::size_t nodes, std::size_t l, std::size_t first, double below)
        : l_(l),
          alpha_(step.op.alpha[l]),
          spacing_(n.spacing[l]),
          below_(below),
          level_(n.rate[l] * record.payoff.level[l] * n.inverse_diffusion[l]),
          slope_(n.yield[l] * record.payoff.slope[l] * n.inverse_diffusion[l]),
          growth_(growth),
          middle_(static_cast<double>(nodes / 2)),
          first_(first),
          has_ghost_(below > 0.0 && stores_ghost(step.op, record.ghosts, l)) {}

    // Derivatives by u from node `from` on leave the grid, before those of the other nodes are transposed.
    void set_aside_from(std::size_t from, double* values, double* aside) const {
        const std::size_t end = first_ + (has_ghost_ ? 2 : 1);
        for (std::size_t i = from; i < end; ++i) {
            node(aside, i)[l_] = node(values, i)[l_];
            node(values, i)[l_] = 0.0;
        }
    }
    // By the right side, which the down sweep makes of two nodes.
    void add_right_side(std::size_t i, double weight, double* values) const {
        node(values, i)[l_] += weight;
        node(values, i + 1)[l_] = fma(alpha_, weight, node(values, i + 1)[l_]);
    }
    void add_payoff(std::size_t i, double weight, PayoffWeights& weights) const {
        weights.add(l_, weight, growth_[i * kLadderOptions + l_], static_cast<double>(i) - middle_);
    }

    // From the first held node, and the continuation beyond it, to the sweep there and the payoff; as
    // transpose_sub_cell.
    double cross(double a, const double* aside, PayoffWeights& weights) const {
        const double ghost = has_ghost_ ? node(aside, first_ + 1)[l_] : 0.0;
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
    const bool has_ghost_;
};

// Those from the first held one down to node 0.
class LowerTransposed : HeldBelow {
  public:
    LowerTransposed(const StepRecord& step, const StageRecord& record, const Normalised& n,
                    const double* growth, std::size_t nodes, std::size_t l)
        : HeldBelow(step, record, n, growth, nodes, l, static_cast<std::size_t>(record.sweep.lower_node[l]),
                    record.sweep.lower_below[l]) {}

    void set_aside(double* values, double* aside) const { set_aside_from(0, values, aside); }

    // They come back as derivatives by the down sweep.
    void transpose(double* aside, double* values, PayoffWeights& weights) const {
        const auto at = [&](std::size_t i) -> double& { return node(aside, i)[l_]; };
        for (std::size_t i = 2; i <= first_; ++i) at(i) = fma(-alpha_, at(i - 1), at(i));
        if (first_ > 0) at(first_) = cross(at(first_), aside, weights);
        // By the sweep from its start on, then by the right side.
        double by_right_side = 0.0;
        for (std::size_t i = first_; i > 0; --i) {
            by_right_side = fma(-alpha_, by_right_side, at(i));
            add_right_side(i, by_right_side, values);
        }
        const double by_start = -alpha_ * by_right_side;
        weights.edge[l_] = at(0) + fma(alpha_, by_start, by_start);
        weights.after_edge[l_] = alpha_ * by_start;
    }
};

// Those of a stretch that ends with node `last` below: beyond it the option is exercised, or node 0 is held.
class StretchTransposed : HeldBelow {
  public:
    StretchTransposed(const StepRecord& step, const StageRecord& record, const Normalised& n,
                      const double* growth, std::size_t nodes, std::size_t l, std::size_t last,
                      std::size_t first, double below)
        : HeldBelow(step, record, n, growth, nodes, l, first, below),
          last_(last),
          from_edge_(last == 1 && contains(record.sweep.held[0], l)),
          pivots_(alpha_) {}

    void set_aside(double* values, double* aside) const { set_aside_from(last_, values, aside); }

    void transpose(double* aside, double* values, PayoffWeights& weights) const {
        const auto at = [&](std::size_t i) -> double& { return node(aside, i)[l_]; };
        const auto inverse = [&](std::size_t i) { return pivots_.inverse(i - last_); };
        for (std::size_t i = last_; i < first_; ++i) {
            at(i) *= inverse(i);
            at(i + 1) = fma(-alpha_, at(i), at(i + 1));
        }
        const double by = inverse(first_);
        at(first_) =
            below_ > 0.0 ? by * cross(at(first_), aside, weights) : cross(by * at(first_), aside, weights);
        double by_right_side = at(first_);
        for (std::size_t i = first_;; --i) {
            add_right_side(i, by_right_side, values);
            if (i == last_) break;
            by_right_side = fma(-alpha_ * inverse(i - 1), by_right_side, at(i - 1));
        }
        const double by_end = -alpha_ * by_right_side;
        if (from_edge_) {
            weights.edge[l_] += by_end;
        } else {
            add_payoff(last_ - 1, by_end, weights);
        }
    }

  private:
    const std::size_t last_;
    const bool from_edge_;
    const Pivots pivots_;
};

// Calls body for the stretches of lane l, as sweep_islands.hpp found them, the highest first.
template <class Body>
inline void each_stretch(const StepRecord& step, const StageRecord& record, const Normalised& n,
                         const double* growth, std::size_t nodes, std::size_t l, Body&& body) {
    const auto highest = static_cast<std::size_t>(record.sweep.lower_node[l]);
    const auto is_held = [&](std::size_t i) { return contains(record.sweep.held[i], l); };
    for (std::size_t i = highest; i > 0;) {
        while (i > 0 && !is_held(i)) --i;
        const std::size_t first = i;
        while (i > 0 && is_held(i)) --i;
        const double below = first == highest ? record.sweep.lower_below[l] : 0.0;
        if (i < first) body(StretchTransposed(step, record, n, growth, nodes, l, i + 1, first, below));
    }
}

// As transpose_up. aside: room for a grid.
inline void transpose_up_mixed(const StepRecord& step, const StageRecord& record, const Normalised& n,
                               const double* growth, std::size_t nodes, double* values, double* aside,
                               PayoffWeights& weights) {
    const LaneSet islands = record.sweep.islands, others = record.sweep.two_sided & ~islands;
    const auto each = [&](auto&& body) {
        each_in(others, [&](std::size_t l) { body(LowerTransposed(step, record, n, growth, nodes, l)); });
        each_in(islands, [&](std::size_t l) { each_stretch(step, record, n, growth, nodes, l, body); });
    };
    each([&](const auto& held) { held.set_aside(values, aside); });
    each_in(islands, [&](std::size_t l) { weights.after_edge[l] = 0.0; });
    transpose_up(step, record, n, growth, nodes, values, weights);
    each([&](const auto& held) { held.transpose(aside, values, weights); });
}

}  // namespace
}  // namespace atalanta
