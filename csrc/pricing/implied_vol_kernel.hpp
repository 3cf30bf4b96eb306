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

    ATALANTA_INLINE Quote row(std::size_t i, double right_as_double) const {
        return {price[i], right_as_double, spot[i], strike[i], years[i], rate[i], dividend_yield[i]};
    }
};

// Temporaries of one block; later phases overwrite what they no longer need.
class ImpliedVolBlock {
  public:
    void solve(const QuoteBlock& quotes, std::size_t rows, double* vol, ImpliedVolStatus* status,
               FarRows& far_rows) {
        rows &= ~(kLanes - 1);
        carry(quotes, rows);
        normalise(quotes, rows);
        start(rows);
        const std::size_t far = any_far(rows) ? collect_far_rows(rows, vol, far_rows) : 0;
        if (far < rows) {
            prepare_near(rows);
            finish_near(rows, vol);
        }
        if (status != nullptr) explain(quotes, rows, status);
        far_rows.solve_full_block();
    }

  private:
    void carry(const QuoteBlock& quotes, std::size_t rows) {
        // On its own, or the width of the bytes would decide how many rows GCC takes at a time.
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) right_[i] = static_cast<double>(quotes.right[i]);
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            const Carry carry = carry_over(quotes.years[i], quotes.rate[i], quotes.dividend_yield[i]);
            growth_[i] = carry.growth;
            base_[i] = carry.base;
            compound_[i] = carry.compound;
            exponent_[i] = carry.exponent;
            root_[i] = carry.root;
        }
    }

    void normalise(const QuoteBlock& quotes, std::size_t rows) {
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            const Carry carry = {growth_[i], base_[i], compound_[i], exponent_[i], root_[i]};
            const OtmQuote otm = out_of_the_money(quotes.row(i, right_[i]), carry);
            value_[i] = otm.value;
            room_[i] = otm.room;
            lower_[i] = otm.lower;
            upper_[i] = otm.upper;
            gap_[i] = otm.gap;
            valid_[i] = otm.valid;
        }
    }

    void start(std::size_t rows) {
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            a_[i] = log_moneyness(upper_[i], lower_[i], gap_[i]);
            s_[i] = normal_model_logarithm(gap_[i], value_[i]);
        }
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            const double normal_vol = normal_model_vol(a_[i], s_[i]);
            const double valid = valid_[i];  // loaded here: a load inside the choice is control flow
            far_[i] = is_near(a_[i], normal_vol) ? 0.0 : valid;
            s_[i] = lognormal_correction(normal_vol, a_[i]);
        }
    }

    bool any_far(std::size_t rows) const {
        std::uint64_t bits = 0;
        for (std::size_t i = 0; i < rows; ++i) bits |= bits_of(far_[i]);
        return bits != 0;
    }

    // Without a branch per row, because far and near ones come in any order. Returns how many are far.
    std::size_t collect_far_rows(std::size_t rows, double* vol, FarRows& far_rows) const {
        std::uint8_t index[kBlockRows];
        std::size_t count = 0;
        for (std::size_t i = 0; i < rows; ++i) {
            index[count] = static_cast<std::uint8_t>(i);
            count += far_[i] != 0.0;
        }
        for (std::size_t k = 0; k < count; ++k) {
            const std::size_t i = index[k];
            far_rows.add(vol + i, a_[i], value_[i], room_[i], lower_[i], root_[i]);
        }
        return count;
    }

    void prepare_near(std::size_t rows) {
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            h_[i] = a_[i] / s_[i];
            g_[i] = mills_complement(h_[i]);
        }
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            const NearModel model = near_model(a_[i], s_[i], g_[i], lower_[i]);
            model_[i] = model.value;
            slope_[i] = model.slope;
        }
    }

    // Far rows get a number too, which is overwritten when theirs is known.
    void finish_near(std::size_t rows, double* __restrict vol) const {
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            const double s = near_step(a_[i], s_[i], h_[i], value_[i], {model_[i], slope_[i]});
            const double near_vol = s / root_[i];
            vol[i] = valid_[i] == 1.0 ? near_vol : kNaN;
        }
    }

    void explain(const QuoteBlock& quotes, std::size_t rows, ImpliedVolStatus* __restrict status) {
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            const OtmQuote otm = {value_[i], room_[i], lower_[i], upper_[i], gap_[i], valid_[i]};
            status_[i] = status_code(quotes.row(i, right_[i]), exponent_[i], otm);
        }
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            status[i] = static_cast<ImpliedVolStatus>(static_cast<std::int32_t>(status_[i]));
        }
    }

    alignas(64) double right_[kBlockRows], growth_[kBlockRows], base_[kBlockRows], compound_[kBlockRows];
    alignas(64) double exponent_[kBlockRows], root_[kBlockRows];
    alignas(64) double value_[kBlockRows], room_[kBlockRows], lower_[kBlockRows], upper_[kBlockRows];
    alignas(64) double gap_[kBlockRows], valid_[kBlockRows], far_[kBlockRows], status_[kBlockRows];
    alignas(64) double a_[kBlockRows], s_[kBlockRows], h_[kBlockRows], g_[kBlockRows];
    alignas(64) double model_[kBlockRows], slope_[kBlockRows];
};

ATALANTA_INLINE double solve_near(double a, double normal_vol, const OtmQuote& otm) {
    const double s = lognormal_correction(normal_vol, a);
    const double h = a / s;
    return near_step(a, s, h, otm.value, near_model(a, s, mills_complement(h), otm.lower));
}

ATALANTA_INLINE double solve_far(double a, const OtmQuote& otm) {
    const FarStart start = far_start(a, otm.value, otm.room, otm.lower);
    const double s = far_cheap_step(start.target, start.s, far_cheap_model(start.target, start.s));
    return far_step(start.target, s, far_model(start.target, s));
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
    if (status != nullptr) {
        const double number = status_code(quote, carry.exponent, otm);
        status[row] = static_cast<ImpliedVolStatus>(static_cast<std::int32_t>(number));
    }
    if (otm.valid != 1.0) {
        vol[row] = kNaN;
        return;
    }
    const double a = log_moneyness(otm.upper, otm.lower, otm.gap);
    const double normal_vol = normal_model_vol(a, normal_model_logarithm(otm.gap, otm.value));
    const double s = is_near(a, normal_vol) ? solve_near(a, normal_vol, otm) : solve_far(a, otm);
    vol[row] = s / carry.root;
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
