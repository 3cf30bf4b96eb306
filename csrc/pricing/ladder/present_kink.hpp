// A date so near that the present still has the kinks of exercise before it, narrower than a cell. The side
// that the present lies on goes on smoothly; what another is worth more beyond a kink is the mean of a cubic
// over part of a normal law, in closed form. Entries: PresentKinks, PresentKink.
#pragma once

#include "pricing/ladder/convolution.hpp"
#include "pricing/ladder/smooth_kink.hpp"

namespace atalanta {
namespace {

// u and its derivatives by y at a place of the grid; here times the spacing and its square.
struct LocalSolution {
    double u, uy, uyy;
};

constexpr std::size_t kReadingReach = 2;  // nodes to each side of the present spot, for its derivatives
constexpr double kNearVariance = 1.4;     // in cells squared: what is wider, nodes resolve

// The kinks within reach of the readings: between two of them an option may be exercised that is held on
// both sides.
struct PresentKinks {
    std::size_t count = 0;     // 0 where there are more than two
    std::size_t node[2] = {};  // each the one above a kink

    // gain: of exercise over value just before the date, at nodes about the present. cells: the deviation
    // from there to the present.
    static PresentKinks find(const double* gain, std::size_t nodes, double cells) {
        constexpr double kSeen = 5.5;
        const std::size_t wanted = static_cast<std::size_t>(kSeen * cells) + kReadingReach + 2;
        const std::size_t middle = nodes / 2, most = middle - 3, reach = wanted < most ? wanted : most;
        PresentKinks found;
        for (std::size_t i = middle - reach + 1; i <= middle + reach; ++i) {
            if ((gain[i - 1] > 0.0) == (gain[i] > 0.0)) continue;
            if (found.count == 2) return {};
            found.node[found.count++] = i;
        }
        return found;
    }
};

class PresentKink {
  public:
    static constexpr std::size_t kNodes = WideHinge::kNodes;

    // As PresentKinks::find; node: one of its.
    PresentKink(const double* gain, std::size_t node, std::size_t nodes, double cells)
        : node_(node),
          turned_(gain[node] > 0.0),
          exercised_((nodes / 2 < node) != turned_),
          gain_{gain[node_of(0)], gain[node_of(1)], gain[node_of(2)], gain[node_of(3)]},
          kink_(gain_, 2) {
        constexpr double kDensity = 0.39894228040143267794, kLeastCells = 1e-9;
        const double deviation = cells > kLeastCells ? cells : kLeastCells, variance = deviation * deviation;
        const double away = static_cast<double>(nodes / 2) - static_cast<double>(node_of(1));
        const double mean = (turned_ ? -away : away) - kink_.place();
        const double z = mean / deviation, density = kDensity * exponential(-0.5 * z * z);
        side_ = exercised_ ? -1.0 : 1.0;
        density_ = density / deviation;
        moments_[0] = normal_distribution(-side_ * z);
        moments_[1] = fma(mean, moments_[0], -side_ * deviation * density);
        moments_[2] = fma(mean, moments_[1], variance * moments_[0]);
        moments_[3] = fma(mean, moments_[2], 2.0 * variance * moments_[1]);
    }

    // Of the four nodes about the kink, counted away from where exercise pays.
    std::size_t node_of(std::size_t k) const { return turned_ ? node_ + 1 - k : node_ - 2 + k; }

    // What its other side adds, for a present on this one.
    LocalSolution reading() const {
        const double slope = kink_.slope(), bend = kink_.bend(), third = kink_.third();
        const double *m = moments_, half = 0.5 * bend, sixth = third * (1.0 / 6.0);
        const double by_cells = side_ * fma(slope, m[0], fma(bend, m[1], 0.5 * third * m[2]));
        return {side_ * fma(slope, m[1], fma(half, m[2], sixth * m[3])), turned_ ? -by_cells : by_cells,
                fma(side_, fma(bend, m[0], third * m[1]), -slope * density_)};
    }

    // Its derivative by the gains at the four nodes.
    void transpose(double* by_gain) const {
        // Of powers of the cells from the node before the kink.
        const double p = kink_.place(), *m = moments_;
        const double first = fma(p, m[0], m[1]), second = fma(p, fma(p, m[0], 2.0 * m[1]), m[2]);
        const double third = fma(p, fma(p, fma(p, m[0], 3.0 * m[1]), 3.0 * m[2]), m[3]);
        kink_.unfit(side_ * m[0], side_ * first, side_ * second, side_ * third, by_gain);
    }

  private:
    std::size_t node_;
    bool turned_, exercised_;  // exercise pays above; and at the kink, on the side of the present
    double gain_[kNodes];
    SmoothKink kink_;
    double side_, density_, moments_[4];  // of the cells from the kink, where the other side pays
};

}  // namespace
}  // namespace atalanta
