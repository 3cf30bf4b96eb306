// The right to exercise just before an ex-date, of all lanes of a block at once, and its kink. Entries:
// exercise_before, correct_kink, LowerKink.
#pragma once

#include "pricing/ladder/ex_date.hpp"
#include "pricing/ladder/smooth_kink.hpp"

namespace atalanta {
namespace {

// Where value and payoff cross just before a date, for those that take its derivative.
struct KinkRecord {
    PerLane node;                     // beyond the kink, 0 where there is none
    PerLane gain[WideHinge::kNodes];  // payoff less value, at the four nodes about it
};

// What taking the derivative of a crossing needs to know, of each lane its own.
struct DateRecord {
    PayoffRecord payoff_after, payoff;  // on the grids after and before the date
    KinkRecord kink;
    KinkRecord lower;     // where the option is held again below; its gains are counted downward
    double* after;        // u just after the date
    std::uint16_t* held;  // a bit per lane
};

// Between the nodes i - 1 and i a lane's payoff stops being worth more than its value: four nodes, from i - 2
// on, are corrected for the kink. gain: there; u: of the lane at node 0, `stride` between nodes; record may
// be null.
ATALANTA_INLINE void correct_kink(std::size_t l, std::size_t i, const double* gain, double* u,
                                  std::size_t stride, KinkRecord* record) {
    double weights[WideHinge::kNodes];
    SmoothKink(gain, 2).weights(weights);
    for (std::size_t k = 0; k < WideHinge::kNodes; ++k) u[(i - 2 + k) * stride] += weights[k];
    if (record == nullptr) return;
    record->node[l] = static_cast<double>(i);
    for (std::size_t k = 0; k < WideHinge::kNodes; ++k) record->gain[k][l] = gain[k];
}

// The kink below which an option that is exercised between two spots is held again, before exercise at the
// date hides it.
class LowerKink {
  public:
    LowerKink() = default;
    // growth and u: of the lane at node 0, `stride` between nodes.
    LowerKink(const LanePayoff& payoff, const double* growth, const double* u, std::size_t stride,
              std::size_t nodes) {
        const auto gain = [&](std::size_t i) {
            return fma(-payoff.slope, growth[i * stride], payoff.level) - u[i * stride];
        };
        std::size_t i = 2;
        while (i + 1 < nodes && (gain(i - 1) > 0.0 || !(gain(i) > 0.0))) ++i;
        if (i + 1 >= nodes) return;
        first_ = i;
        for (std::size_t k = 0; k < WideHinge::kNodes; ++k) gain_[k] = gain(i + 1 - k);
    }

    // As correct_kink.
    void correct(std::size_t l, double* u, std::size_t stride, KinkRecord* record) const {
        if (first_ == 0) return;
        double weights[WideHinge::kNodes];
        SmoothKink(gain_, 2).weights(weights);
        for (std::size_t k = 0; k < WideHinge::kNodes; ++k) u[(first_ + 1 - k) * stride] += weights[k];
        if (record == nullptr) return;
        record->node[l] = static_cast<double>(first_);
        for (std::size_t k = 0; k < WideHinge::kNodes; ++k) record->gain[k][l] = gain_[k];
    }

  private:
    std::size_t first_ = 0;  // the lowest exercised node, 0 where there is no kink
    double gain_[WideHinge::kNodes];
};

// The gains of the last four nodes, payoff less value, by the node modulo four.
using LastGains = PerLane[WideHinge::kNodes];

// Of the lanes whose kink lies below node i.
inline void correct_kinks(LaneSet lanes, const LastGains& gains, std::size_t i, double* u,
                          KinkRecord* record) {
    each_in(lanes, [&](std::size_t l) {
        double gain[WideHinge::kNodes];
        for (std::size_t k = 0; k < WideHinge::kNodes; ++k) {
            gain[k] = gains[(i + 2 + k) % WideHinge::kNodes][l];
        }
        correct_kink(l, i, gain, u + l, kLadderOptions, record);
    });
}

// The right to exercise just before the date: u = max(u, payoff). held and record may be null.
[[gnu::noinline]] inline void exercise_before(const PerLane& level, const PerLane& slope,
                                              const double* growth, std::size_t nodes, double* u,
                                              std::uint16_t* held, KinkRecord* record) {
    constexpr std::size_t kLast = WideHinge::kNodes;
    LastGains gains;
    LaneSet kinked = 0;  // below the node before
    for (std::size_t i = 0; i < nodes; ++i) {
        PerLane &here = gains[i % kLast], &below = gains[(i + kLast - 1) % kLast];
        LaneSet exercised = 0, crossing = 0;
        for (std::size_t at = 0; at < kLadderOptions; at += kRowLanes) {
            const Lanes value = load(node(u, i) + at), zero = repeat(0.0);
            const Lanes pay = fnma(load(slope.at + at), load(node(growth, i) + at), load(level.at + at));
            const Lanes gain = pay - value;
            const LaneMask exercises = gain > zero;
            exercised |= bits_of(exercises) << at;
            if (i > 1) crossing |= bits_of(without(load(below.at + at) > zero, exercises)) << at;
            store(here.at + at, gain);
            store(node(u, i) + at, larger(pay, value));
        }
        if (held != nullptr) held[i] = static_cast<std::uint16_t>(~exercised);
        if (kinked != 0) correct_kinks(kinked, gains, i - 1, u, record);
        kinked = crossing;
    }
}

}  // namespace
}  // namespace atalanta
