// A ladder: the nodes of a solved grid around the present spot, and how to read price, delta, gamma and theta
// at any spot between them. Between two nodes the value is the quintic with the value, slope and bend of
// both, so that it is twice continuously differentiable and meets the solve at its nodes. Entries:
// profile_of, read_profiles.
#pragma once

#include "pricing/ladder/close_up.hpp"
#include "pricing/ladder/readings.hpp"

namespace atalanta {
namespace {

// A ladder reaches at least kReadDeviations times vol sqrt(years) to each side.
constexpr std::size_t kProfileMargin = 2;  // nodes beyond that, for the stencils

// Nodes of a ladder to each side of the middle.
inline std::size_t profile_half(const LadderShape& shape) {
    const double half = static_cast<double>(shape.nodes / 2) * kReadDeviations * 10.0 / shape.deviations;
    return static_cast<std::size_t>(__builtin_ceil(half)) + kProfileMargin;
}

inline double spot_at(const Normalised& n, std::size_t l, double cells) {
    return n.spot[l] * exponential(n.side[l] * cells * n.spacing[l]);
}

// values: 2 profile_half + 1 numbers.
inline LadderProfile profile_of(const LadderMarch& march, std::size_t l, double* values) {
    const Normalised& n = march.normalised();
    const std::size_t half = profile_half(march.block().shapes[l]);
    const auto last = static_cast<std::ptrdiff_t>(half);
    for (std::ptrdiff_t i = -last; i <= last; ++i) values[i + last] = march.u(l, i);
    const ReadingUnits units = units_of(n, l);
    const double reach = static_cast<double>(half - kProfileMargin);
    const double low = spot_at(n, l, -n.side[l] * reach), high = spot_at(n, l, n.side[l] * reach);
    const double middle = static_cast<double>(march.nodes() / 2);
    const double below = march.exercise_now().lowest[l], above = march.exercise_now().highest[l];
    LadderProfile p = {low,
                       high,
                       n.spot[l],
                       n.spacing[l],
                       static_cast<double>(half),
                       units.side,
                       units.unit,
                       units.strike,
                       units.rate,
                       units.yield,
                       units.variance,
                       kUnbounded,
                       0.0,
                       kNoCloseUp};
    if (above < below) return p;
    const bool put = n.side[l] > 0.0;
    const double farthest =
        below <= kBelowEveryNode ? (put ? 0.0 : kUnbounded) : spot_at(n, l, below - middle);
    const double nearest = spot_at(n, l, above - middle);
    p.exercise_low = put ? farthest : nearest;
    p.exercise_high = put ? nearest : farthest;
    return p;
}

// Beside a kink that the nodes do not see.
inline LadderReading close_reading(const LadderProfile& p, const double* values, double spot) {
    const ReadingUnits units = {p.side, p.unit, p.strike, p.rate, p.yield, p.variance};
    return readings_of(units, spot, read_close_up(p, values, spot));
}

// A block of reads on its way through the loops.
class ProfileReads {
  public:
    void read(const LadderProfile* profiles, const double* const* values, const std::uint32_t* row,
              const double* spot, std::size_t count, const LadderReadColumns& out) {
        const std::size_t rows = round_up_to_lanes(count);
        for (std::size_t i = 0; i < rows; ++i) {
            const std::size_t from = i < count ? i : 0;
            const LadderProfile& p = profiles[row[from]];
            spot_[i] = spot[from];
            row_[i] = row[from];
            load_profile(i, p);
        }
        place(rows);
        for (std::size_t i = 0; i < rows; ++i) {
            const double* from = values[row_[i]] + static_cast<std::size_t>(cell_[i]) - 2;
            for (std::size_t k = 0; k < 6; ++k) value_[k][i] = from[k];
        }
        finish(rows);
        for (std::size_t i = 0; i < count; ++i) {
            const LadderProfile& p = profiles[row[i]];
            if (is_close(p, spot[i])) set(i, close_reading(p, values[row[i]], spot[i]));
            store(i, out);
        }
    }

  private:
    ATALANTA_INLINE void load_profile(std::size_t i, const LadderProfile& p) {
        low_[i] = p.low;
        high_[i] = p.high;
        present_[i] = p.spot;
        spacing_[i] = p.spacing;
        middle_[i] = p.middle;
        side_[i] = p.side;
        unit_[i] = p.unit;
        strike_[i] = p.strike;
        rate_[i] = p.rate;
        yield_[i] = p.yield;
        variance_[i] = p.variance;
        exercise_low_[i] = p.exercise_low;
        exercise_high_[i] = p.exercise_high;
    }

    // The cell below the place, or the middle one outside the ladder, whose reading is then discarded.
    ATALANTA_INLINE void place(std::size_t rows) {
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            const bool reaches = spot_[i] >= low_[i], stays = spot_[i] <= high_[i], within = reaches & stays;
            const double inside = within ? 1.0 : 0.0;
            const double spot = inside > 0.0 ? spot_[i] : present_[i];
            const double moved = side_[i] * log_ratio(spot, present_[i]) / spacing_[i];
            const double at = middle_[i] + moved;
            const double below = (at + kRoundToInteger) - kRoundToInteger;
            const double cell = below > at ? below - 1.0 : below;
            const double least = cell < 2.0 ? 2.0 : cell, most = middle_[i] + middle_[i] - 3.0;
            cell_[i] = least < most ? least : most;
            fraction_[i] = at - cell_[i];
            inside_[i] = inside;
        }
    }

    ATALANTA_INLINE void finish(std::size_t rows) {
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            const double a = value_[0][i], b = value_[1][i], c = value_[2][i], d = value_[3][i],
                         e = value_[4][i];
            LocalSolution at =
                quintic(fraction_[i], differences(a, b, c, d, e), differences(b, c, d, e, value_[5][i]));
            const double inverse = 1.0 / spacing_[i];
            at.uy *= inverse;
            at.uyy *= inverse * inverse;
            const ReadingUnits units = {side_[i], unit_[i], strike_[i], rate_[i], yield_[i], variance_[i]};
            const LadderReading held = readings_of(units, spot_[i], at);
            const LadderReading exercised = exercised_reading(units, spot_[i]);
            const bool from = spot_[i] >= exercise_low_[i], to = spot_[i] <= exercise_high_[i];
            const bool exercises = from & to;
            const bool inside = inside_[i] > 0.0;
            price_[i] = inside ? (exercises ? exercised.price : held.price) : kUndefined;
            delta_[i] = inside ? (exercises ? exercised.delta : held.delta) : kUndefined;
            gamma_[i] = inside ? (exercises ? exercised.gamma : held.gamma) : kUndefined;
            theta_[i] = inside ? (exercises ? exercised.theta : held.theta) : kUndefined;
        }
    }

    ATALANTA_INLINE void set(std::size_t i, const LadderReading& reading) {
        price_[i] = reading.price;
        delta_[i] = reading.delta;
        gamma_[i] = reading.gamma;
        theta_[i] = reading.theta;
    }
    ATALANTA_INLINE void store(std::size_t i, const LadderReadColumns& out) const {
        if (out.price != nullptr) out.price[i] = price_[i];
        if (out.delta != nullptr) out.delta[i] = delta_[i];
        if (out.gamma != nullptr) out.gamma[i] = gamma_[i];
        if (out.theta != nullptr) out.theta[i] = theta_[i];
    }

    using Block = double[kBlockRows];
    std::uint32_t row_[kBlockRows];
    alignas(64) Block spot_, low_, high_, present_, spacing_, middle_, side_, unit_, strike_, rate_, yield_;
    alignas(64) Block variance_, exercise_low_, exercise_high_, cell_, fraction_, inside_;
    alignas(64) Block value_[6];
    alignas(64) Block price_, delta_, gamma_, theta_;
};

inline void read_profiles(const LadderProfile* profiles, const double* const* values,
                          const std::uint32_t* row, const double* spot, std::size_t count,
                          const LadderReadColumns& out) noexcept {
    ProfileReads reads;
    for (std::size_t first = 0; first < count; first += kBlockRows) {
        const std::size_t left = count - first;
        reads.read(profiles, values, row + first, spot + first, left < kBlockRows ? left : kBlockRows,
                   out.from(first));
    }
}

}  // namespace
}  // namespace atalanta
