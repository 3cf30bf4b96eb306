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

    // `vol` is where the answer goes. Room for one block more than solve_full_block leaves behind.
    ATALANTA_INLINE void add(double* vol, double a, double value, double room, double lower, double years) {
        destination_[count_] = vol;
        a_[count_] = a;
        value_[count_] = value;
        room_[count_] = room;
        lower_[count_] = lower;
        years_[count_] = years;
        ++count_;
    }

    void solve_full_block() {
        if (count_ < kBlockRows) return;
        solve(kBlockRows);
        count_ -= kBlockRows;
        double* const columns[] = {a_, value_, room_, lower_, years_};
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
            add(destination_[last], a_[last], value_[last], room_[last], lower_[last], years_[last]);
        }
        solve(count_);
        count_ = 0;
    }

  private:
    void solve(std::size_t rows) {
        rows &= ~(kLanes - 1);
        start(rows);
        step(rows);
        for (std::size_t i = 0; i < rows; ++i) *destination_[i] = s_[i];
    }

    void start(std::size_t rows) {
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            const FarStart begin = far_start(a_[i], value_[i], room_[i], lower_[i]);
            sign_[i] = begin.target.sign;
            scaled_[i] = begin.target.scaled;
            s_[i] = begin.s;
        }
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            s_[i] = far_cheap_step({a_[i], sign_[i], scaled_[i]}, s_[i]);
        }
    }

    void step(std::size_t rows) {
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            mills_sum_[i] = far_mills_sum({a_[i], sign_[i], scaled_[i]}, s_[i]);
        }
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            const double s = far_exact_step({a_[i], sign_[i], scaled_[i]}, s_[i], mills_sum_[i]);
            s_[i] = s / square_root(years_[i]);
        }
    }

    static constexpr std::size_t kCapacity = 2 * kBlockRows;
    std::size_t count_ = 0;
    double* destination_[kCapacity];
    alignas(64) double a_[kCapacity], value_[kCapacity], room_[kCapacity], lower_[kCapacity],
        years_[kCapacity];
    alignas(64) double sign_[kBlockRows], scaled_[kBlockRows], s_[kBlockRows], mills_sum_[kBlockRows];
};

}  // namespace
}  // namespace atalanta
