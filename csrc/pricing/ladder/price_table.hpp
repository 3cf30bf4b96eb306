// Prices of several ladders at the same spots: what a grid of scenarios asks for. The price alone, and what
// the spots have in common once, so that it takes a third of a read. Entry: read_price_table.
#pragma once

#include "pricing/ladder/profile.hpp"

namespace atalanta {
namespace {

// A block of spots, and one ladder after the other at them.
class PriceTable {
  public:
    PriceTable(const double* spot, std::size_t count) : count_(count), padded_(round_up_to_lanes(count)) {
        for (std::size_t i = 0; i < padded_; ++i) spot_[i] = spot[i < count ? i : 0];
        for (std::size_t k = 0; k < 6; ++k) {
            for (std::size_t i = count; i < padded_; ++i) value_[k][i] = 0.0;  // nobody fetches these
        }
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < padded_; ++i) {
            const double positive = spot_[i] > 0.0 ? spot_[i] : 1.0;  // no other is in a ladder's range
            log_[i] = log_ratio(positive, 1.0);
        }
    }

    void read(const LadderProfile& profile, const double* values, double* price) {
        place(profile);
        for (std::size_t i = 0; i < count_; ++i) {
            const double* from = values + static_cast<std::size_t>(cell_[i]) - 2;
            for (std::size_t k = 0; k < 6; ++k) value_[k][i] = from[k];
        }
        finish(profile);
        for (std::size_t i = 0; i < count_; ++i) price[i] = price_[i];
        if (!(profile.close_up.low <= profile.close_up.high)) return;
        for (std::size_t i = 0; i < count_; ++i) {
            if (is_close(profile, spot_[i])) price[i] = close_reading(profile, values, spot_[i]).price;
        }
    }

  private:
    // The cell below each place, or the middle one outside the ladder, as in ProfileReads.
    ATALANTA_INLINE void place(const LadderProfile& p) {
        const double low = p.low, high = p.high, middle = p.middle, most = middle + middle - 3.0;
        if (p.spot != centre_) {  // ladders of one option share it
            centre_ = p.spot;
            present_ = log_ratio(p.spot, 1.0);
        }
        const double cells = p.side / p.spacing, present = present_;
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < padded_; ++i) {
            const bool reaches = spot_[i] >= low, stays = spot_[i] <= high, within = reaches & stays;
            const double inside = within ? 1.0 : 0.0;
            const double at = fma(inside * cells, log_[i] - present, middle);
            const double below = (at + kRoundToInteger) - kRoundToInteger;
            const double cell = below > at ? below - 1.0 : below;
            const double least = cell < 2.0 ? 2.0 : cell;
            cell_[i] = least < most ? least : most;
            fraction_[i] = at - cell_[i];
            inside_[i] = inside;
        }
    }

    ATALANTA_INLINE void finish(const LadderProfile& p) {
        const double side = p.side, strike = p.strike, unit = p.unit;
        const double from = p.exercise_low, to = p.exercise_high;
        const double by_spot = side > 0.0 ? 0.0 : unit, alone = side > 0.0 ? unit : 0.0;
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < padded_; ++i) {
            const double a = value_[0][i], b = value_[1][i], c = value_[2][i], d = value_[3][i],
                         e = value_[4][i];
            const double u = quintic_value(fraction_[i], differences(a, b, c, d, e),
                                           differences(b, c, d, e, value_[5][i]));
            const double held = fma(by_spot, spot_[i], alone) * u, exercised = side * (strike - spot_[i]);
            const bool above = spot_[i] >= from, beneath = spot_[i] <= to, exercises = above & beneath;
            const double price = exercises ? exercised : held;
            price_[i] = inside_[i] > 0.0 ? price : kUndefined;
        }
    }

    using Block = double[kBlockRows];
    std::size_t count_, padded_;
    double centre_ = 1.0, present_ = 0.0;
    alignas(64) Block spot_, log_, cell_, fraction_, inside_, price_;
    alignas(64) Block value_[6];
};

// price[r * spots + s] of ladder row[r] at spot[s]; NaN outside its range.
inline void read_price_table(const LadderProfile* profiles, const double* const* values,
                             const std::uint32_t* row, std::size_t rows, const double* spot,
                             std::size_t spots, double* price) noexcept {
    for (std::size_t first = 0; first < spots; first += kBlockRows) {
        const std::size_t left = spots - first;
        PriceTable table(spot + first, left < kBlockRows ? left : kBlockRows);
        for (std::size_t r = 0; r < rows; ++r)
            table.read(profiles[row[r]], values[row[r]], price + r * spots + first);
    }
}

}  // namespace
}  // namespace atalanta
