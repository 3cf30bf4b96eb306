// The far rows of many blocks, collected until they fill a block of their own, solved and written back.
// Main entries: add and solve_full_block for each block of quotes, solve_rest at the end.
#pragma once

#include "pricing/implied_vol_far.hpp"
#include "pricing/implied_vol_quote.hpp"

namespace atalanta {
namespace {

class FarRows {
  public:
    FarRows() = default;
    FarRows(const FarRows&) = delete;
    FarRows& operator=(const FarRows&) = delete;

    // `vol` is where the answer goes, `root` sqrt(years). Room for one block more than solve_full_block
    // leaves behind.
    ATALANTA_INLINE void add(double* vol, double a, double value, double room, double lower, double root) {
        destination_[count_] = vol;
        a_[count_] = a;
        value_[count_] = value;
        room_[count_] = room;
        lower_[count_] = lower;
        root_[count_] = root;
        ++count_;
    }

    void solve_full_block() {
        if (count_ < kBlockRows) return;
        solve(kBlockRows);
        count_ -= kBlockRows;
        double* const columns[] = {a_, value_, room_, lower_, root_};
        for (double* column : columns) {
            for (std::size_t i = 0; i < count_; ++i) column[i] = column[i + kBlockRows];
        }
        for (std::size_t i = 0; i < count_; ++i) destination_[i] = destination_[i + kBlockRows];
    }

    // Pads to full lanes by repeating the last row, which is written several times with the same value.
    void solve_rest() {
        if (count_ == 0) return;
        const std::size_t last = count_ - 1;
        while (count_ % kLanes != 0) {
            add(destination_[last], a_[last], value_[last], room_[last], lower_[last], root_[last]);
        }
        solve(count_);
        count_ = 0;
    }

  private:
    void solve(std::size_t rows) {
        rows &= ~(kLanes - 1);
        start(rows);
        take_cheap_step(rows);
        take_step(rows);
        for (std::size_t i = 0; i < rows; ++i) *destination_[i] = s_[i];
    }

    ATALANTA_INLINE FarTarget target(std::size_t i) const { return {a_[i], sign_[i], scaled_[i]}; }

    void start(std::size_t rows) {
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            const FarStart begin = far_start(a_[i], value_[i], room_[i], lower_[i]);
            sign_[i] = begin.target.sign;
            scaled_[i] = begin.target.scaled;
            s_[i] = begin.s;
        }
    }

    void take_cheap_step(std::size_t rows) {
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            const FarModel model = far_cheap_model(target(i), s_[i]);
            mills_sum_[i] = model.mills_sum;
            slope_[i] = model.slope;
        }
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            s_[i] = far_cheap_step(target(i), s_[i], {mills_sum_[i], slope_[i]});
        }
    }

    void take_step(std::size_t rows) {
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            const FarModel model = far_model(target(i), s_[i]);
            mills_sum_[i] = model.mills_sum;
            slope_[i] = model.slope;
        }
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            s_[i] = far_step(target(i), s_[i], {mills_sum_[i], slope_[i]}) / root_[i];
        }
    }

    static constexpr std::size_t kCapacity = 2 * kBlockRows;
    std::size_t count_ = 0;
    double* destination_[kCapacity];
    alignas(64) double a_[kCapacity], value_[kCapacity], room_[kCapacity], lower_[kCapacity],
        root_[kCapacity];
    alignas(64) double sign_[kBlockRows], scaled_[kBlockRows], s_[kBlockRows],
        mills_sum_[kBlockRows], slope_[kBlockRows];
};

}  // namespace
}  // namespace atalanta
