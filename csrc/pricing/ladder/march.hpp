// The march of sixteen options from expiry to the present. Entry: LadderMarch::solve, which leaves u of the
// present in its grid, for the readings.
#pragma once

#include "pricing/ladder/ex_date.hpp"
#include "pricing/ladder/shape.hpp"

namespace atalanta {
namespace {

constexpr double kNoObstacle = -1e30;
constexpr double kLeastRatioAtExpiry = 0.5;  // of the first step: a smaller one makes the compact form ring
constexpr double kLeastCentreLeft = 0.2;     // the grid's centre loses at most the rest at an ex-date

// Doubles that a march needs, per shape. The memory is aligned to 64 bytes.
constexpr std::size_t march_doubles(std::size_t nodes, std::size_t dividends) {
    return kLadderOptions * (3 * nodes + 5 * (dividends + 1));
}

class LadderMarch {
  public:
    LadderMarch(const LadderOption* options, const LadderShape& shape, double* memory)
        : shape_(shape),
          nodes_(shape.nodes),
          growth_(memory),
          u_(memory + kLadderOptions * nodes_),
          w_(u_ + kLadderOptions * nodes_),
          centres_(w_ + kLadderOptions * nodes_),
          dates_(centres_ + kLadderOptions * (shape.dividends + 1)) {
        n_.fill(options, shape);
        place_centres(options);
        fill_growth();
    }

    void solve() {
        start();
        double* date = dates_ + kLadderOptions * kDateColumns * shape_.dividends;
        for (std::uint32_t k = 0; k <= shape_.dividends; ++k) {
            const bool last = k == shape_.dividends;
            date -= last ? 0 : kLadderOptions * kDateColumns;
            PerLane until = n_.years;
            if (!last) copy(until, date + kTime * kLadderOptions);
            march(k, until);
            if (!last) cross(k, date);
        }
    }

    // u at the node of the present spot, offset by whole nodes.
    double u(std::size_t lane, std::ptrdiff_t offset) const {
        return node(u_, static_cast<std::size_t>(static_cast<std::ptrdiff_t>(nodes_ / 2) + offset))[lane];
    }
    const Normalised& normalised() const { return n_; }

  private:
    enum : std::size_t { kTime, kCash, kSpot, kShift, kDateColumns };

    ATALANTA_INLINE static void copy(PerLane& to, const double* from) {
        for (std::size_t l = 0; l < kLadderOptions; ++l) to[l] = from[l];
    }

    // The centre follows the median of the spot through its dividends, so that the present spot and every
    // ex-date map node to node there.
    void place_centres(const LadderOption* options) {
        PerLane centre;
        each_lane([&](std::size_t l) {
            const double log_x = n_.side[l] * log_ratio(n_.spot[l], n_.strike[l]);
            centre[l] = fma(n_.drift[l], n_.years[l], log_x);
        });
        for (std::uint32_t d = 0; d <= shape_.dividends; ++d) {
            double* to = centres_ + d * kLadderOptions;
            for (std::size_t l = 0; l < kLadderOptions; ++l) to[l] = centre[l];
            if (d == shape_.dividends) return;
            double* date = dates_ + d * kDateColumns * kLadderOptions;
            for (std::size_t l = 0; l < kLadderOptions; ++l) {
                date[kTime * kLadderOptions + l] = n_.years[l] - options[l].ex_years[d];
                date[kCash * kLadderOptions + l] = options[l].cash[d];
            }
            each_lane([&](std::size_t l) {
                const double log_x = fma(-n_.drift[l], date[kTime * kLadderOptions + l], centre[l]);
                const double at = n_.strike[l] * exponential(n_.side[l] * log_x);
                const double least = kLeastCentreLeft * at, rest = at - date[kCash * kLadderOptions + l];
                const double left = rest > least ? rest : least;
                const double shift = n_.side[l] * log_ratio(left, at);
                date[kSpot * kLadderOptions + l] = at;
                date[kShift * kLadderOptions + l] = shift;
                centre[l] += shift;
            });
        }
    }

    void fill_growth() {
        const double middle = static_cast<double>(nodes_ / 2);
        for (std::size_t i = 0; i < nodes_; ++i) {
            double* to = node(growth_, i);
            each_lane([&](std::size_t l) {
                to[l] = exponential((static_cast<double>(i) - middle) * n_.spacing[l]);
            });
        }
    }

    void start() {
        const double* centre = centres_ + shape_.dividends * kLadderOptions;
        PerLane slope;
        each_lane([&](std::size_t l) {
            slope[l] = exponential(centre[l]);
            asymptote_level_[l] = 1.0;
            asymptote_slope_[l] = slope[l];
            asymptote_since_[l] = 0.0;
            time_[l] = 0.0;
        });
        for (std::size_t i = 0; i < nodes_; ++i) {
            const double* e = node(growth_, i);
            double* to = node(u_, i);
            each_lane([&](std::size_t l) {
                const double pay = fma(-slope[l], e[l], 1.0);
                to[l] = pay > 0.0 ? pay : 0.0;
            });
        }
        for (std::size_t l = 0; l < kLadderOptions; ++l) {
            const double place = fma(-centre[l], n_.inverse_spacing[l], static_cast<double>(nodes_ / 2));
            if (!(place >= 0.0 && place < static_cast<double>(nodes_ - 1))) continue;
            const double below = __builtin_floor(place);
            const HingeWeights w = hinge_weights(place - below, 1.0, -1.0, n_.spacing[l]);
            double* at = node(u_, static_cast<std::size_t>(below)) + l;
            at[0] += w.positive;
            at[kLadderOptions] += w.zero;
        }
    }

    // Interval k, counted from expiry, up to the time to expiry `until`.
    void march(std::uint32_t k, const PerLane& until) {
        const std::size_t steps = shape_.steps[k];
        if (steps == 0) return;
        const double* centre = centres_ + (shape_.dividends - k) * kLadderOptions;
        const PerLane since = time_;
        PerLane grading;
        set_grading(k, steps, until, grading);
        for (std::size_t s = 1; s <= steps; ++s) {
            const double log_share = logarithm(static_cast<double>(s) / static_cast<double>(steps));
            PerLane end, ratio, middle;
            each_lane([&](std::size_t l) {
                const double share = exponential(grading[l] * log_share);
                end[l] = fma(until[l] - since[l], share, since[l]);
                const double dt = end[l] - time_[l];
                ratio[l] = n_.diffusion[l] * dt * n_.inverse_spacing[l] * n_.inverse_spacing[l];
                middle[l] = fma(kGamma, dt, time_[l]);
            });
            op_.set(ratio);
            sweep_down_first(op_, nodes_, u_, w_);
            set_obstacle(middle, centre);
            sweep_up(op_, obstacle_, n_.spacing, growth_, nodes_, true, w_);
            sweep_down_second(op_, nodes_, u_, w_);
            set_obstacle(end, centre);
            sweep_up(op_, obstacle_, n_.spacing, growth_, nodes_, s < steps, w_);
            double* const swapped = u_;
            u_ = w_;
            w_ = swapped;
            time_ = end;
        }
    }

    // Steps grow from expiry on, the first one being about the least that does not ring.
    void set_grading(std::uint32_t k, std::size_t steps, const PerLane& until, PerLane& grading) {
        const double inverse_log = steps > 1 ? 1.0 / logarithm(static_cast<double>(steps)) : 0.0;
        const bool first = k == 0;
        each_lane([&](std::size_t l) {
            const double h = n_.inverse_spacing[l];
            const double total = n_.diffusion[l] * until[l] * h * h * (1.0 / kLeastRatioAtExpiry);
            const double wanted = logarithm(total > 1.0 ? total : 1.0) * inverse_log;
            const double least = wanted > 1.0 ? wanted : 1.0;
            const double graded = least < 2.5 ? least : 2.5;
            grading[l] = first ? graded : 1.0;
        });
    }

    void set_payoff(const PerLane& time, const double* centre, PerLane& level, PerLane& slope) {
        each_lane([&](std::size_t l) {
            level[l] = exponential(n_.rate[l] * time[l]);
            slope[l] = exponential(fma(n_.rate[l] - n_.drift[l], time[l], centre[l]));
        });
    }

    void set_obstacle(const PerLane& time, const double* centre) {
        set_payoff(time, centre, obstacle_.level, obstacle_.slope);
        const double* lowest = growth_;
        PerLane cells;
        each_lane([&](std::size_t l) {
            const double a = obstacle_.level[l], b = obstacle_.slope[l], r = n_.rate[l], q = n_.yield[l];
            const double inverse = 1.0 / n_.diffusion[l];
            const double c = -op_.alpha[l], h2 = n_.spacing[l] * n_.spacing[l];
            const double bend = r * a * inverse, bend_slope = q * b * inverse;
            const double most = a * inverse * ((r > 0.0 ? r : 0.0) + (q < 0.0 ? -q : 0.0));
            const double grown = exponential(n_.diffusion[l] * (time[l] - asymptote_since_[l]));
            const double distance = fma(n_.drift[l], time[l], -centre[l]) * n_.inverse_spacing[l];
            const bool on = n_.exercisable[l] != 0.0;
            obstacle_.level[l] = on ? a : kNoObstacle;
            obstacle_.slope[l] = on ? b : 0.0;
            obstacle_.bend[l] = on ? bend : 0.0;
            obstacle_.bend_slope[l] = on ? bend_slope : 0.0;
            obstacle_.reach[l] = c > 0.0 ? -0.5 * c * h2 * most : 1e300;
            obstacle_.edge[l] = fma(-asymptote_slope_[l] * grown, lowest[l], asymptote_level_[l]);
            cells[l] = on ? distance : -1e9;
        });
        double last = -1e9;
        for (std::size_t l = 0; l < kLadderOptions; ++l) last = cells[l] > last ? cells[l] : last;
        obstacle_.end = obstacle_end(last);
    }

    // The payoff is zero `cells` above the middle; a few nodes more, where it is clearly negative.
    std::size_t obstacle_end(double cells) const {
        const double end = cells + static_cast<double>(nodes_ / 2) + 4.0;
        if (!(end > 1.0)) return 1;
        return end < static_cast<double>(nodes_) ? static_cast<std::size_t>(end) : nodes_;
    }

    void cross(std::uint32_t k, const double* columns) {
        ExDate date;
        copy(date.spot, columns + kSpot * kLadderOptions);
        copy(date.cash, columns + kCash * kLadderOptions);
        copy(date.shift, columns + kShift * kLadderOptions);
        carry_over(n_, date, growth_, nodes_, u_, w_);
        double* const swapped = u_;
        u_ = w_;
        w_ = swapped;
        PerLane level, slope;
        set_payoff(time_, centres_ + (shape_.dividends - 1 - k) * kLadderOptions, level, slope);
        exercise_before(n_, level, slope, growth_, nodes_, u_);
        each_lane([&](std::size_t l) {
            const double e0 = growth_[l], e1 = growth_[kLadderOptions + l], u0 = u_[l];
            asymptote_slope_[l] = (u0 - u_[kLadderOptions + l]) / (e1 - e0);
            asymptote_level_[l] = fma(asymptote_slope_[l], e0, u0);
            asymptote_since_[l] = time_[l];
        });
    }

    const LadderShape& shape_;
    const std::size_t nodes_;
    double *growth_, *u_, *w_, *centres_, *dates_;
    Normalised n_;
    StepOperator op_;
    Obstacle obstacle_;
    PerLane time_;
    PerLane asymptote_level_, asymptote_slope_, asymptote_since_;  // far in the money u = level - slope e^y
};

}  // namespace
}  // namespace atalanta
