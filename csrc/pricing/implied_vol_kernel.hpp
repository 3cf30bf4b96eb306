// Implied volatility of European options over columns; entry: implied_vol_european. A block of rows goes
// through short loops, one per phase, as if every row were near; far rows are collected across blocks.
// Single, padded and blocked rows call the same functions in the same order: same bits.
#pragma once

#include "pricing/implied_vol_far_rows.hpp"
#include "pricing/implied_vol_near.hpp"
#include "pricing/implied_vol_quote.hpp"
#include "pricing/row_blocks.hpp"

namespace atalanta {
namespace {

ATALANTA_INLINE bool is_near(double log_moneyness, double normal_vol) {
    return (log_moneyness <= kNearLogMoneyness) & (normal_vol <= kNearTotalVol);
}

// Contiguous columns of one block.
struct QuoteBlock {
    const double* __restrict price;
    const std::int8_t* __restrict right;
    const double* __restrict spot;
    const double* __restrict strike;
    const double* __restrict years;
    const double* __restrict rate;
    const double* __restrict dividend_yield;
};

// Temporaries of one block; later phases overwrite what they no longer need.
class ImpliedVolBlock {
  public:
    void solve(const QuoteBlock& quotes, std::size_t rows, double* vol, ImpliedVolStatus* status,
               FarRows& far_rows) {
        rows &= ~(kLanes - 1);
        prepare(quotes, rows);
        start(rows);
        if (any(near_, rows)) solve_near(rows);
        store(quotes, rows, vol);
        if (status != nullptr) store_status(rows, status);
        if (any(far_, rows)) collect_far_rows(quotes, rows, vol, far_rows);
    }

  private:
    void prepare(const QuoteBlock& quotes, std::size_t rows) {
        // On its own, or the width of the bytes would decide how many rows GCC takes at a time.
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) right_[i] = static_cast<double>(quotes.right[i]);
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            const Carry carry = carry_over(quotes.years[i], quotes.rate[i], quotes.dividend_yield[i]);
            growth_[i] = carry.growth;
            compound_[i] = carry.compound;
            exponent_[i] = carry.exponent;
        }
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            const Quote quote = {quotes.price[i], right_[i],      quotes.spot[i],          quotes.strike[i],
                                 quotes.years[i], quotes.rate[i], quotes.dividend_yield[i]};
            const OtmQuote otm = out_of_the_money(quote, {growth_[i], compound_[i], exponent_[i]});
            value_[i] = otm.value;
            room_[i] = otm.room;
            lower_[i] = otm.lower;
            gap_[i] = otm.gap;
            a_[i] = otm.log_moneyness;
            status_[i] = otm.status;
        }
    }

    void start(std::size_t rows) {
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            const double normal_vol = normal_model_vol(a_[i], gap_[i], value_[i]);
            const double good = status_[i] == code(ImpliedVolStatus::ok) ? 1.0 : 0.0;
            const double near = is_near(a_[i], normal_vol) ? good : 0.0;
            near_[i] = near;
            far_[i] = good - near;
            s_[i] = lognormal_correction(normal_vol, a_[i]);
        }
    }

    void solve_near(std::size_t rows) {
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            h_[i] = a_[i] / s_[i];
            integral_[i] = mills_complement(h_[i]);
        }
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) integral_[i] = scaled_integral(a_[i], s_[i], integral_[i]);
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            s_[i] = near_step(s_[i], a_[i], h_[i], integral_[i], value_[i], lower_[i]);
        }
    }

    void store(const QuoteBlock& quotes, std::size_t rows, double* __restrict vol) {
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            const double near_vol = s_[i] / square_root(quotes.years[i]);
            vol[i] = status_[i] == code(ImpliedVolStatus::ok) ? near_vol : kNaN;
        }
    }

    void store_status(std::size_t rows, ImpliedVolStatus* __restrict status) {
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            status[i] = static_cast<ImpliedVolStatus>(static_cast<std::int32_t>(status_[i]));
        }
    }

    // The rows are compacted without a branch, because far and near ones come in any order.
    void collect_far_rows(const QuoteBlock& quotes, std::size_t rows, double* vol, FarRows& far_rows) {
        std::uint8_t index[kBlockRows];
        std::size_t count = 0;
        for (std::size_t i = 0; i < rows; ++i) {
            index[count] = static_cast<std::uint8_t>(i);
            count += far_[i] != 0.0;
        }
        for (std::size_t k = 0; k < count; ++k) {
            const std::size_t i = index[k];
            far_rows.add(vol + i, a_[i], value_[i], room_[i], lower_[i], quotes.years[i]);
        }
        far_rows.solve_full_block();
    }

    static bool any(const double* flags, std::size_t rows) {
        std::uint64_t bits = 0;
        for (std::size_t i = 0; i < rows; ++i) bits |= bits_of(flags[i]);
        return bits != 0;
    }

    alignas(64) double right_[kBlockRows], growth_[kBlockRows], compound_[kBlockRows], exponent_[kBlockRows];
    alignas(64) double value_[kBlockRows], room_[kBlockRows], lower_[kBlockRows], gap_[kBlockRows];
    alignas(64) double a_[kBlockRows], s_[kBlockRows], h_[kBlockRows], integral_[kBlockRows];
    alignas(64) double status_[kBlockRows], near_[kBlockRows], far_[kBlockRows];
};

ATALANTA_INLINE double solve_near(const OtmQuote& otm, double normal_vol) {
    const double a = otm.log_moneyness;
    const double s = lognormal_correction(normal_vol, a);
    const double h = a / s;
    return near_step(s, a, h, scaled_integral(a, s, mills_complement(h)), otm.value, otm.lower);
}

ATALANTA_INLINE double solve_far(const OtmQuote& otm) {
    const FarStart start = far_start(otm.log_moneyness, otm.value, otm.room, otm.lower);
    const double s = far_cheap_step(start.target, start.s);
    return far_exact_step(start.target, s, far_mills_sum(start.target, s));
}

// One row with real branches: quicker than a padded block for one or two.
inline void solve_row(const QuotedRows& rows, std::size_t row, double* vol, ImpliedVolStatus* status) {
    const double years = rows.years[row];
    const Carry carry = carry_over(years, rows.rate[row], rows.dividend_yield[row]);
    const Quote quote = {rows.price[row],
                         static_cast<double>(rows.right[row]),
                         rows.spot[row],
                         rows.strike[row],
                         years,
                         rows.rate[row],
                         rows.dividend_yield[row]};
    const OtmQuote otm = out_of_the_money(quote, carry);
    if (status != nullptr) status[row] = static_cast<ImpliedVolStatus>(static_cast<int>(otm.status));
    if (otm.status != code(ImpliedVolStatus::ok)) {
        vol[row] = kNaN;
        return;
    }
    const double normal_vol = normal_model_vol(otm.log_moneyness, otm.gap, otm.value);
    const bool near = is_near(otm.log_moneyness, normal_vol);
    vol[row] = (near ? solve_near(otm, normal_vol) : solve_far(otm)) / square_root(years);
}

// At least kLanes rows.
inline void solve_blocks(const QuotedRows& rows, double* vol, ImpliedVolStatus* status) {
    const BlockColumn price(rows.price), spot(rows.spot), strike(rows.strike), years(rows.years),
        rate(rows.rate), dividend_yield(rows.dividend_yield);
    const BlockColumn right(rows.right);
    ImpliedVolBlock block;
    FarRows far_rows;
    for_each_block(rows.size, [&](std::size_t first, std::size_t count) {
        const QuoteBlock quotes = {price.at(first),         right.at(first), spot.at(first),
                                   strike.at(first),        years.at(first), rate.at(first),
                                   dividend_yield.at(first)};
        block.solve(quotes, count, vol + first, status == nullptr ? nullptr : status + first, far_rows);
    });
    far_rows.solve_rest();
}

// Three to seven rows: copied, the first one repeated, to one vector.
inline void solve_padded(const QuotedRows& rows, double* vol, ImpliedVolStatus* status) {
    double columns[6][kLanes], padded_vol[kLanes];
    std::int8_t right[kLanes];
    ImpliedVolStatus padded_status[kLanes];
    const Column<double>* sources[6] = {&rows.price, &rows.spot, &rows.strike,
                                        &rows.years, &rows.rate, &rows.dividend_yield};
    for (std::size_t i = 0; i < kLanes; ++i) {
        const std::size_t row = i < rows.size ? i : 0;
        for (std::size_t c = 0; c < 6; ++c) columns[c][i] = (*sources[c])[row];
        right[i] = rows.right[row];
    }
    const auto column = [&](std::size_t c) { return Column<double>{columns[c], false}; };
    solve_blocks({kLanes, column(0), {right, false}, column(1), column(2), column(3), column(4), column(5)},
                 padded_vol, padded_status);
    for (std::size_t i = 0; i < rows.size; ++i) vol[i] = padded_vol[i];
    if (status == nullptr) return;
    for (std::size_t i = 0; i < rows.size; ++i) status[i] = padded_status[i];
}

// vol is NaN where the status is not ok; status may be null. Outputs must not overlap inputs.
inline void implied_vol_european(const QuotedRows& rows, double* vol, ImpliedVolStatus* status) noexcept {
    constexpr std::size_t kSingleRows = 2;
    if (rows.size <= kSingleRows) {
        for (std::size_t row = 0; row < rows.size; ++row) solve_row(rows, row, vol, status);
    } else if (rows.size < kLanes) {
        solve_padded(rows, vol, status);
    } else {
        solve_blocks(rows, vol, status);
    }
}

}  // namespace
}  // namespace atalanta
