// A first approximation of both edges, one time after the other: straight lines in x = sqrt(time left),
// Newton for each next point, until the edges cross. It finds how far both exist and where Edge begins.
// Entry: march_edges.
#pragma once

#include "pricing/american/double_boundary_edge.hpp"

namespace atalanta {
namespace {

constexpr std::size_t kMarchNodes = 12, kMarchPast = 16;
using MarchGrid = CollocationGrid<kMarchNodes, kMarchPast>;

// The distance of one edge from its place at expiry; point 0 is expiry itself.
struct Polyline {
    double x[kMarchNodes + 1] = {}, distance[kMarchNodes + 1] = {};
    std::size_t last = 0;

    double at(double place) const {
        std::size_t k = 1;
        while (k < last && x[k] < place) ++k;
        const double share = (place - x[k - 1]) / (x[k] - x[k - 1]);
        return distance[k - 1] + share * (distance[k] - distance[k - 1]);
    }
};

class EdgeMarch {
  public:
    EdgeMarch(Side side, const Market<double>& market, const MarchGrid& grid,
              const Passages<MarchGrid>& passages, double reach)
        : grid_(grid),
          passages_(passages),
          market_(market),
          equation_(edge_equation(side, market)),
          reach_(reach) {}

    // Adds point i + 1; false where Newton does not settle.
    bool advance(std::size_t i) {
        const double before = line_.distance[i], x = reach_ * grid_.node[i];
        line_.x[i + 1] = x;
        line_.last = i + 1;
        // From the side where the holder waits: beyond the edge the equation has a root everywhere.
        const double least = 0.98 * before;
        const double most = i == 0 ? 20.0 * market_.vol * x : 1.05 * before * (x / line_.x[i]);
        double distance = i == 0 ? first_guess(x) : before;
        for (int iteration = 0; iteration < 30; ++iteration) {
            double next = distance - newton_step(i, distance);
            next = next > least ? next : 0.5 * (distance + least);
            next = next < most ? next : 0.5 * (distance + most);
            const bool settled = magnitude(next - distance) <= 1e-3 * next;
            distance = line_.distance[i + 1] = next;
            if (settled) return true;
        }
        return false;
    }

    const Polyline& line() const { return line_; }
    double log_edge(std::size_t point) const {
        return equation_.log_at_expiry - equation_.side * line_.distance[point];
    }

  private:
    // So far from the strike, in deviations, that an exercised position earns what the option is worth there;
    // rather less than that.
    double first_guess(double x) const {
        const double deviation = market_.vol * x, earned = (market_.rate - market_.yield) * x / market_.vol;
        if (equation_.side < 0.0 || earned > 0.1) return 0.5 * deviation;
        return deviation * (square_root(-2.0 * logarithm(earned)) - 1.5);
    }

    double newton_step(std::size_t i, double distance) {
        line_.distance[i + 1] = distance;
        const double c = equation_.gap_weight, x = line_.x[i + 1], towards = -equation_.side;
        const double log_spot = log_edge(i + 1), spot = exponential(log_spot);
        double sum = 0.0, slope = 0.0;
        for (std::size_t j = 0; j < kMarchPast; ++j) {
            const PastTime& past = grid_.past[j];
            const double place = x * past.early, lead = (place - line_.x[i]) / (x - line_.x[i]);
            const double log_past = equation_.log_at_expiry + towards * line_.at(place);
            const ExerciseFlow<double> f =
                exercise_flow(market_, passages_.past[i][j], equation_.side, log_spot, spot, log_past);
            const double weight = x * x * past.weight;
            sum += weight * (f.slope + c * f.gap);
            slope += weight * (f.bend + c * f.slope);
            slope += weight * (lead > 0.0 ? lead : 0.0) * (f.flow_bend - c * f.flow);
        }
        if (equation_.side > 0.0) {
            const ExpiryFlow<double> f = expiry_flow(passages_.whole[i], log_spot, spot);
            sum += f.slope + c * f.gap;
            slope += f.bend + c * f.slope;
        }
        return towards * sum / slope;
    }

    const MarchGrid& grid_;
    const Passages<MarchGrid>& passages_;
    Market<double> market_;
    EdgeEquation equation_;
    double reach_;
    Polyline line_;
};

struct MarchedEdges {
    Polyline lower, upper;
    double reach;      // in x; both edges are known so far, or could be
    bool is_complete;  // they are
};

// One march to `reach`; where the edges cross or are lost on the way, a better reach and nothing else.
inline MarchedEdges march_once(const Market<double>& market, double reach) {
    const MarchGrid& grid = shared_grid<kMarchNodes, kMarchPast>();
    const Passages<MarchGrid> passages(grid, market, reach);
    EdgeMarch lower(Side::lower, market, grid, passages, reach),
        upper(Side::upper, market, grid, passages, reach);
    double apart = upper.log_edge(0) - lower.log_edge(0);
    for (std::size_t i = 0; i < kMarchNodes; ++i) {
        const double x = reach * grid.node[i], x_before = i == 0 ? 0.0 : reach * grid.node[i - 1];
        if (!lower.advance(i) || !upper.advance(i)) return {{}, {}, 0.95 * x_before + 0.02 * x, false};
        const double apart_before = apart;
        apart = upper.log_edge(i + 1) - lower.log_edge(i + 1);
        if (apart >= 0.0 || apart_before < 0.0) continue;
        const double crossing = x_before + (x - x_before) * (apart_before / (apart_before - apart));
        if (crossing < 0.9 * reach) return {{}, {}, (i < kMarchNodes / 2 ? 1.3 : 1.03) * crossing, false};
    }
    return {lower.line(), upper.line(), reach, true};
}

// From at most `longest` down to where both edges exist; incomplete where none is found.
inline MarchedEdges march_edges(const Market<double>& market, double longest) {
    constexpr int kMostTries = 40;
    MarchedEdges edges = march_once(market, longest);
    for (int tries = 0; !edges.is_complete && tries < kMostTries; ++tries) {
        edges = march_once(market, edges.reach < longest ? edges.reach : longest);
    }
    return edges;
}

}  // namespace
}  // namespace atalanta
