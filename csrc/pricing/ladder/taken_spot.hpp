// The spot that a dividend takes whole: below it a put is worth what it is without a spot, above it what it
// loses to what is left. In the logarithm that is a kink, and no node lies there: four are corrected for it.
// Entries: TakenSpot, takes_a_spot, lost_at_zero.
#pragma once

#include "pricing/ladder/calendar.hpp"
#include "pricing/ladder/ex_date.hpp"
#include "pricing/ladder/hinge.hpp"

namespace atalanta {
namespace {

class TakenSpot {
  public:
    // Of the nodes before a date. share: the dividend over the spot at the middle one. loses: what u loses
    // per spot that is left, over that at the middle node.
    ATALANTA_INLINE TakenSpot(double share, double loses, double spacing, std::size_t nodes)
        : fall_(share * loses), spacing_(spacing), cells_(logarithm(share) / spacing) {
        const double place = cells_ + static_cast<double>(nodes / 2);
        below_ = static_cast<std::size_t>(place);
        eta_ = place - static_cast<double>(below_);
    }

    // Whether it has two nodes on each side. growth: `stride` between nodes, here and below.
    ATALANTA_INLINE static bool is_inside(double share, const double* growth, std::size_t stride,
                                          std::size_t nodes) {
        return share > growth[stride] && share < growth[(nodes - 3) * stride];
    }

    ATALANTA_INLINE void correct(double* u, std::size_t stride) const {
        double added[WideHinge::kNodes];
        hinge().weights(added);
        for (std::size_t k = 0; k < WideHinge::kNodes; ++k) u[(below_ - 1 + k) * stride] -= added[k];
    }

    struct Derivatives {
        double by_log_share, by_log_loses, by_spacing;
    };
    // values: derivative by u.
    ATALANTA_INLINE Derivatives transpose(const double* values, std::size_t stride) const {
        double at[WideHinge::kNodes];
        for (std::size_t k = 0; k < WideHinge::kNodes; ++k) at[k] = values[(below_ - 1 + k) * stride];
        const WideHinge::Derivatives d = hinge().transpose(at);
        const double h = spacing_, by_place = -d.by_eta / h;
        const double by_fall = fall_ * h * fma(d.by_bend, h, -d.by_slope);
        const double by_width = fall_ * fma(2.0 * h, d.by_bend, -d.by_slope);
        return {by_place + by_fall, by_fall, fma(-by_place, cells_, by_width)};
    }

  private:
    ATALANTA_INLINE WideHinge hinge() const {
        return {eta_, fall_ * spacing_, -(fall_ * spacing_) * spacing_};
    }

    double fall_, spacing_;
    double cells_, eta_;  // from the middle node; from the one below
    std::size_t below_;
};

// What u of a put loses per unit of X where hardly any spot is left: by exercise, or along the line through
// the two lowest nodes.
struct LostAtZero {
    double slope;
    bool exercised;
};
ATALANTA_INLINE LostAtZero lost_at_zero(const Normalised& n, std::size_t l, const LanePayoff& payoff,
                                        const double* u, const double* growth, std::size_t stride) {
    const double slope = (u[0] - u[stride]) / (growth[stride] - growth[0]);
    const double held = fma(slope, growth[0], u[0]);
    const bool exercised = n.american[l] > 0.0 && payoff.level > held;
    return {exercised ? payoff.slope : (slope > 0.0 ? slope : 0.0), exercised};
}

// The spot that a date takes of a put, if there is one among the nodes.
ATALANTA_INLINE bool takes_a_spot(const Normalised& n, std::size_t l, double share, const double* growth,
                                  std::size_t stride, std::size_t nodes) {
    return n.side[l] > 0.0 && TakenSpot::is_inside(share, growth, stride, nodes);
}

}  // namespace
}  // namespace atalanta
