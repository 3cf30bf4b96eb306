// The ex-dates of every lane and the centres of its grids between them, in the order of its calendar. Lanes
// with fewer dates than others have ones without cash after their own. Entry: Calendar.
#pragma once

#include "pricing/ladder/block.hpp"
#include "pricing/ladder/close_dates.hpp"

namespace atalanta {
namespace {

// One dividend of one lane.
struct LaneDate {
    double time;  // to expiry
    double cash;
    double spot;   // at the centre of the grid before the date
    double share;  // cash over spot
    double shift;  // what the logarithm of X at the centre gains over the date
    double rise;   // from the centre to the highest spot that is to stay on the grid
};

// One dividend of every lane.
struct ExDate {
    PerLane spot, share, shift;
};

// The spot at the centre of the grid after a date, and its derivatives.
struct CentreAfter {
    double spot;
    double by_log_spot, by_cash, by_vol;
};

constexpr double kCentreReach = 0.8;      // of the half width, in deviations, whose upper end, ...
constexpr double kMostCentreReach = 4.8;  // of wide grids no further, ...
constexpr double kCentreEdge = 0.94;      // ... stays so much of it away from the centre afterwards
constexpr double kReadReach = 2.5;        // deviations, up to which ladders are right

// Deviations up to which spots are to stay on the grid.
ATALANTA_INLINE double centre_reach(const Normalised& n, std::size_t l) {
    const double reach = kCentreReach * n.half_width[l];
    return reach < kMostCentreReach ? reach : kMostCentreReach;
}

// The centre loses the dividend, unless it is so large that spots above would then leave the grid at its
// upper end, where all logarithms have become wider. The derivatives take the rise for one that the present
// date alone causes: where the centre lies moves the price by no more than what the grid errs.
ATALANTA_INLINE CentreAfter centre_after(const Normalised& n, std::size_t l, double time, double spot,
                                         double cash, double rise) {
    const double until = square_root(n.years[l] - time), whole = square_root(n.years[l]);
    const double reach = centre_reach(n, l), edge = kCentreEdge * n.half_width[l];
    const double down = exponential(-edge * n.vol[l] * whole);
    const double plain = spot - cash, least = n.least_left[l] * spot, high = fma(spot, rise, -cash) * down;
    const bool is_plain = plain >= high;
    const double by_vol = reach * spot * rise * down * until - edge * high * whole;
    const double grown = spot * rise * down;
    const double chosen = is_plain ? plain : high, chosen_by_log = is_plain ? spot : grown;
    const double chosen_by_cash = is_plain ? -1.0 : -down, chosen_by_vol = is_plain ? 0.0 : by_vol;
    const bool free = chosen > least;
    return {free ? chosen : least, free ? chosen_by_log : least, free ? chosen_by_cash : 0.0,
            free ? chosen_by_vol : 0.0};
}

class Calendar {
  public:
    static constexpr std::size_t doubles(std::uint32_t dividends) {
        return kColumns * kLadderOptions * (dividends + 1);
    }

    Calendar(std::uint32_t dividends, double* memory) : dividends_(dividends), memory_(memory) {}

    // The centre follows the median of the spot through its dividends, so that the present spot and every
    // ex-date map node to node there.
    void fill(const Normalised& n, const LadderBlock& block) {
        PerLane centre, above, passed;  // above: the highest spot over the centre, after the last date
        for (std::size_t l = 0; l < kLadderOptions; ++l) {
            const bool far = l < block.count && block.options[l].read_far;
            above[l] = far ? exponential(kReadReach * n.vol[l] * square_root(n.years[l])) : 1.0;
        }
        each_lane([&](std::size_t l) {
            const double log_x = n.side[l] * log_ratio(n.spot[l], n.strike[l]);
            centre[l] = fma(n.drift[l], n.years[l], log_x);
            passed[l] = 0.0;
        });
        for (std::uint32_t d = 0; d <= dividends_; ++d) {
            double* to = column(d, kCentre);
            for (std::size_t l = 0; l < kLadderOptions; ++l) to[l] = centre[l];
            if (d == dividends_) return;
            double *time = column(d, kTime), *cash = column(d, kCash);
            double *spot = column(d, kSpot), *shift = column(d, kShift), *rise = column(d, kRise);
            for (std::size_t l = 0; l < kLadderOptions; ++l) {
                const bool pays = l < block.count && d < block.options[l].dividends;
                time[l] = pays ? n.years[l] - block.options[l].ex_years[d] : 0.0;
                cash[l] = pays ? block.options[l].cash[d] : 0.0;
                const bool earlier =
                    pays && atalanta::is_exercised_earlier(block.options[l], block.shapes[l].tolerance, d);
                column(d, kEarlier)[l] = earlier ? 1.0 : 0.0;
            }
            each_lane([&](std::size_t l) {
                const double log_x = fma(-n.drift[l], time[l], centre[l]);
                const double at = n.strike[l] * exponential(n.side[l] * log_x);
                const double until = square_root(n.years[l] - time[l]);
                const double up = above[l] * exponential(centre_reach(n, l) * n.vol[l] * (until - passed[l]));
                const double after = centre_after(n, l, time[l], at, cash[l], up).spot;
                const double left = fma(at, up, -cash[l]) / after;
                spot[l] = at;
                rise[l] = up;
                above[l] = left > 1.0 ? left : 1.0;
                passed[l] = until;
                shift[l] = n.side[l] * log_ratio(after, at);
                centre[l] += shift[l];
            });
        }
    }

    // The logarithm of X at the middle node before date d, plus drift tau.
    double centre(std::uint32_t d, std::size_t l) const { return column(d, kCentre)[l]; }

    // Whether exercise before date d is left to the date before that.
    bool is_exercised_earlier(std::uint32_t d, std::size_t l) const { return column(d, kEarlier)[l] > 0.0; }

    LaneDate date(std::uint32_t d, std::size_t l) const {
        const double cash = column(d, kCash)[l], spot = column(d, kSpot)[l];
        return {column(d, kTime)[l], cash, spot, cash / spot, column(d, kShift)[l], column(d, kRise)[l]};
    }
    ExDate dates(std::uint32_t d) const {
        ExDate dates;
        for (std::size_t l = 0; l < kLadderOptions; ++l) {
            const LaneDate of_lane = date(d, l);
            dates.spot[l] = of_lane.spot;
            dates.share[l] = of_lane.share;
            dates.shift[l] = of_lane.shift;
        }
        return dates;
    }

  private:
    enum : std::size_t { kCentre, kTime, kCash, kSpot, kShift, kRise, kEarlier, kColumns };
    double* column(std::uint32_t d, std::size_t which) const {
        return memory_ + (d * kColumns + which) * kLadderOptions;
    }

    std::uint32_t dividends_;
    double* memory_;
};

}  // namespace
}  // namespace atalanta
