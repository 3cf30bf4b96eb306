// What the right to exercise early adds to the European value, and its derivatives, from the edges.
// Entry: exercise_value. The integral is split where a probability turns, so that low volatility and spots
// next to an edge cost no accuracy.
#pragma once

#include "pricing/american/double_boundary_pair.hpp"

namespace atalanta {
namespace {

// Put form, strike 1: the premium and its derivatives by the log spot.
template <class Real>
struct ExerciseValue {
    Real value, slope, bend;
};

// Where to split, as t of the time grid: 0 < t < last.
class SplitPlaces {
  public:
    static constexpr std::size_t kMost = 48;

    SplitPlaces(double horizon, double last) : horizon_(horizon), last_(last) {}

    void add_wait(double z) {
        const double share = z / horizon_;
        if (!(share > kLeastShare && share < 1.0)) return;
        add(square_root((1.0 - share) / (1.0 + share)));
    }

    // Next to an edge all scales of time between this one and the horizon matter.
    void add_waits_from(double z) {
        const double least = 2.0 * kLeastShare * horizon_;
        for (z = z > least ? z : least; z < 0.5 * horizon_; z *= 3.0) add_wait(z);
    }

    void add_early(double x) {
        const double share = x / horizon_;
        if (!(share > 0.0 && share < 1.0)) return;
        add(share / (1.0 + square_root((1.0 - share) * (1.0 + share))));
    }

    // Where the mean path is `deviations` away from an edge: mu z^2 + log(spot / edge) = deviations v z.
    void add_turn(double log_moneyness, double drift, double spread) {
        const double discriminant = spread * spread - 4.0 * drift * log_moneyness;
        if (!(discriminant >= 0.0)) return;
        const double sum = spread + (spread < 0.0 ? -1.0 : 1.0) * square_root(discriminant);
        if (sum == 0.0) return;
        add_wait(0.5 * sum / drift);
        add_wait(2.0 * log_moneyness / sum);
    }

    std::size_t count() const { return count_; }
    double operator[](std::size_t k) const { return place_[k]; }
    double last() const { return last_; }

  private:
    static constexpr double kLeastShare = 1e-6;  // of the horizon; shorter waits would round to none

    void add(double t) {
        if (!(t > 0.0 && t < last_) || count_ == kMost) return;
        std::size_t k = count_++;
        for (; k > 0 && place_[k - 1] > t; --k) place_[k] = place_[k - 1];
        place_[k] = t;
    }

    double horizon_, last_;
    std::size_t count_ = 0;
    double place_[kMost];
};

// Where the spot is. As long as there is something to exercise, only the nearer edge matters: what lies
// beyond it has its value already. After the edges have met both do.
enum class Standing { above, below, after };

template <class Pair>
inline SplitPlaces split_places(const Pair& pair, const Market<double>& m, Standing standing, double horizon,
                                double log_spot) {
    const double share = pair.end() / horizon;
    const double last = share / (1.0 + square_root(share < 1.0 ? (1.0 - share) * (1.0 + share) : 0.0));
    SplitPlaces places(horizon, last);
    if (pair.reach() < pair.end()) places.add_early(pair.reach());
    const double drift = m.rate - m.yield - 0.5 * (m.vol * m.vol);
    const auto split_at = [&](double edge) {
        const double log_moneyness = log_spot - edge;
        for (const double deviations : {5.0, 1.2}) {
            places.add_turn(log_moneyness, drift, deviations * m.vol);
            places.add_turn(log_moneyness, drift, -deviations * m.vol);
        }
        places.add_waits_from(magnitude(log_moneyness) / (5.0 * m.vol));
    };
    if (standing != Standing::above) split_at(pair.template log_lower<double>(pair.end()));
    if (standing != Standing::below) split_at(pair.template log_upper<double>(pair.end()));
    return places;
}

template <class Real>
inline void add_flow(ExerciseValue<Real>& sum, double weight, const ExerciseFlow<Real>& flow) {
    sum.value = sum.value + weight * flow.gap;
    sum.slope = sum.slope + weight * flow.slope;
    sum.bend = sum.bend + weight * flow.bend;
}

// Added to the European value above and after; below, to that of receiving the strike for the spot at expiry.
template <std::size_t P, class Real, class Pair>
inline ExerciseValue<Real> exercise_value(const Pair& pair, const Market<double>& plain,
                                          const Market<Real>& market, Standing standing, double horizon,
                                          double log_spot) {
    const GaussLegendre<P>& gauss = shared_gauss<P>();
    const SplitPlaces places = split_places(pair, plain, standing, horizon, log_spot);
    const Real place(log_spot), spot = exponential(place);
    ExerciseValue<Real> sum = {Real(0.0), Real(0.0), Real(0.0)};
    double from = 0.0;
    for (std::size_t panel = 0; panel <= places.count(); ++panel) {
        const double to = panel < places.count() ? places[panel] : places.last();
        for (std::size_t j = 0; j < P; ++j) {
            const PastTime past =
                past_time(from + (to - from) * gauss.place[j], (to - from) * gauss.weight[j]);
            const Passage<Real> passage = passage_of(market, horizon * past.late);
            const double early = horizon * past.early, weight = horizon * horizon * past.weight;
            const auto flow_beyond = [&](double side, const Real& log_edge) {
                return exercise_flow(market, passage, side, place, spot, log_edge);
            };
            if (standing == Standing::below) {
                add_flow(sum, -weight, flow_beyond(1.0, pair.template log_lower<Real>(early)));
                continue;
            }
            add_flow(sum, -weight, flow_beyond(-1.0, pair.template log_upper<Real>(early)));
            if (standing == Standing::above) continue;
            add_flow(sum, weight, flow_beyond(-1.0, pair.template log_lower<Real>(early)));
        }
        from = to;
    }
    return sum;
}

}  // namespace
}  // namespace atalanta
