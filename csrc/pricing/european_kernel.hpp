// Price and Greeks of European options over columns; entries: price_european, greeks_european<Order>.
// A block of rows goes through short loops, one per step of european_formulas.hpp, with its temporaries in
// L1; rows outside the ordinary range are then rewritten one by one. Single, padded and blocked rows call the
// same functions in the same order: same bits.
#pragma once

#include "pricing/european_limits.hpp"
#include "pricing/row_blocks.hpp"

namespace atalanta {
namespace {

// Contiguous columns of one block.
struct EuropeanColumns {
    const std::int8_t* __restrict right;
    const double* __restrict spot;
    const double* __restrict strike;
    const double* __restrict years;
    const double* __restrict rate;
    const double* __restrict dividend_yield;
    const double* __restrict vol;
};

template <int Order>
ATALANTA_INLINE void store(const GreekColumns& out, std::size_t row, const Sensitivities& g) {
    out[Greek::price][row] = g.price;
    out[Greek::delta][row] = g.delta;
    out[Greek::gamma][row] = g.gamma;
    out[Greek::vega][row] = g.vega;
    out[Greek::theta][row] = g.theta;
    out[Greek::rho][row] = g.rho;
    out[Greek::phi][row] = g.phi;
    if constexpr (Order >= 2) {
        out[Greek::vanna][row] = g.vanna;
        out[Greek::charm][row] = g.charm;
        out[Greek::vomma][row] = g.vomma;
    }
    if constexpr (Order >= 3) {
        out[Greek::speed][row] = g.speed;
        out[Greek::zomma][row] = g.zomma;
        out[Greek::color][row] = g.color;
    }
}

// Temporaries of one block.
class EuropeanBlock {
  public:
    // A carry shared by all rows is computed here, once.
    explicit EuropeanBlock(const OptionRows& rows)
        : carry_is_shared_(rows.years.shared & rows.rate.shared & rows.dividend_yield.shared) {
        if (!carry_is_shared_) return;
        const ExpiryCarry carry = carry_of(*rows.years.data, *rows.rate.data, *rows.dividend_yield.data);
        shared_growth_ = carry.growth;
        for (std::size_t i = 0; i < kBlockRows; ++i) set_carry(i, carry);
    }

    [[gnu::noinline]] void price(const EuropeanColumns& in, std::size_t rows, double* out) {
        rows &= ~(kLanes - 1);
        prepare(in, rows);
        finish_price(in, rows, out);
        if (!any_exception(rows)) return;
        for (std::size_t i = 0; i < rows; ++i) {
            if (is_exception(i)) out[i] = limit_of(option(in, i)).price;
        }
    }

    template <int Order>
    [[gnu::noinline]] void greeks(const EuropeanColumns& in, std::size_t rows, const GreekColumns& out) {
        rows &= ~(kLanes - 1);
        prepare(in, rows);
        finish_ratios(in, rows);
        finish_greeks<Order>(in, rows, out);
        if (!any_exception(rows)) return;
        for (std::size_t i = 0; i < rows; ++i) {
            if (is_exception(i)) store<Order>(out, i, limit_of(option(in, i)));
        }
    }

  private:
    ATALANTA_INLINE Option option(const EuropeanColumns& in, std::size_t i) const {
        return {right_[i],  in.spot[i],           in.strike[i], in.years[i],
                in.rate[i], in.dividend_yield[i], in.vol[i]};
    }

    ATALANTA_INLINE void set_carry(std::size_t i, const ExpiryCarry& carry) {
        root_years_[i] = carry.root_years;
        discount_[i] = carry.discount;
        exponents_[i] = carry.exponents;
    }

    ATALANTA_INLINE void set_forward(std::size_t i, double spot, double strike, Growth growth) {
        const Ratio ratio = split_ratio(spot, strike);
        const Forward forward = forward_of(spot, strike, growth);
        fraction_[i] = ratio.fraction;
        exponent_[i] = ratio.exponent;
        gain_[i] = forward.gain;
        forward_[i] = forward.value;
        exception_[i] = amount_exception(spot, strike);
    }

    // Each loop mixes divisions or square roots with polynomials, so that neither waits alone.
    ATALANTA_INLINE void prepare(const EuropeanColumns& in, std::size_t rows) {
        for (std::size_t i = 0; i < rows; ++i) right_[i] = static_cast<double>(in.right[i]);
        if (carry_is_shared_) {
            prepare_shared_carry(in, rows);
        } else {
            expects_small_ = expects_small_ && prepare_carry(in, rows, [=](std::size_t i) {
                return small_carry_of(in.years[i], in.rate[i], in.dividend_yield[i]);
            });
            if (!expects_small_) {
                expects_small_ = prepare_carry(in, rows, [=](std::size_t i) {
                    return carry_of(in.years[i], in.rate[i], in.dividend_yield[i]);
                });
            }
        }
        prepare_distances(in, rows);
    }

    ATALANTA_INLINE void prepare_shared_carry(const EuropeanColumns& in, std::size_t rows) {
        const Growth growth = shared_growth_;
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) set_forward(i, in.spot[i], in.strike[i], growth);
    }

    // Whether all exponents are small.
    template <class CarryAt>
    ATALANTA_INLINE bool prepare_carry(const EuropeanColumns& in, std::size_t rows, CarryAt carry_at) {
        std::uint64_t beyond = 0;
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            const ExpiryCarry carry = carry_at(i);
            set_carry(i, carry);
            set_forward(i, in.spot[i], in.strike[i], carry.growth);
            beyond |= beyond_small_carry(carry.exponents);
        }
        return beyond >> 63 == 0;
    }

    ATALANTA_INLINE void prepare_distances(const EuropeanColumns& in, std::size_t rows) {
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            const Horizon t = horizon_of(in.vol[i], root_years_[i]);
            half_vol_[i] = t.half_vol;
            inverse_total_vol_[i] = t.inverse_total_vol;
            distance_[i] = distance_of(option(in, i), {exponent_[i], fraction_[i]}, t.inverse_total_vol);
            exception_[i] |= exponent_exception(t.half_vol, exponents_[i]);
        }
    }

    ATALANTA_INLINE void finish_price(const EuropeanColumns& in, std::size_t rows, double* __restrict out) {
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            const Tails tails = tails_of(distance_[i], half_vol_[i]);
            const double bound = bound_of(in.strike[i], gain_[i], forward_[i], discount_[i]);
            const Bell bell = bell_of(bound, tails.z1);
            const TailRatios ratios = ratios_of(tails, distance_[i], half_vol_[i]);
            const TailValues values = tail_values(tails, ratios, bound, bell);
            out[i] = price_of(right_[i], gain_[i], discount_[i], values.out_of_the_money);
        }
    }

    ATALANTA_INLINE void finish_ratios(const EuropeanColumns& in, std::size_t rows) {
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            const Tails tails = tails_of(distance_[i], half_vol_[i]);
            const double bound = bound_of(in.strike[i], gain_[i], forward_[i], discount_[i]);
            const Bell bell = bell_of(bound, tails.z1);
            const TailRatios ratios = ratios_of(tails, distance_[i], half_vol_[i]);
            const TailValues values = tail_values(tails, ratios, bound, bell);
            bell_[i] = bell.value;
            otm_[i] = values.out_of_the_money;
            near_tail_[i] = values.near_tail;
            far_tail_[i] = values.far_tail;
        }
    }

    template <int Order>
    ATALANTA_INLINE void finish_greeks(const EuropeanColumns& in, std::size_t rows, const GreekColumns& out) {
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            const Option o = option(in, i);
            const Moneyness m = {distance_[i], gain_[i], forward_[i]};
            const Tails tails = tails_of(m.distance, half_vol_[i]);
            const Legs legs = legs_of(o.right, o.strike, m, discount_[i], tails, near_tail_[i], far_tail_[i]);
            const double price = price_of(o.right, m.gain, discount_[i], otm_[i]);
            store<Order>(out, i,
                         sensitivities_of(o, root_years_[i], inverse_total_vol_[i], legs,
                                          standardise(tails, m.gain), bell_[i], price));
        }
    }

    bool is_exception(std::size_t i) const { return (exception_[i] | wrong_right(i)) != 0; }
    bool any_exception(std::size_t rows) const {
        std::uint64_t any = 0;
        for (std::size_t i = 0; i < rows; ++i) any |= exception_[i] | wrong_right(i);
        return any != 0;
    }
    // 0 for +1 and -1. Not part of exception_, because here it is off the path of the long loops.
    ATALANTA_INLINE std::uint64_t wrong_right(std::size_t i) const {
        return bits_of(fma(right_[i], right_[i], -1.0));
    }

    const bool carry_is_shared_;
    Growth shared_growth_;
    bool expects_small_ = true;  // exponents like those of the last block
    alignas(64) double right_[kBlockRows], fraction_[kBlockRows];
    alignas(64) double root_years_[kBlockRows], discount_[kBlockRows];
    alignas(64) double exponents_[kBlockRows], half_vol_[kBlockRows], inverse_total_vol_[kBlockRows];
    alignas(64) double distance_[kBlockRows], gain_[kBlockRows], forward_[kBlockRows];
    alignas(64) double near_tail_[kBlockRows], far_tail_[kBlockRows], otm_[kBlockRows], bell_[kBlockRows];
    alignas(64) std::uint64_t exponent_[kBlockRows], exception_[kBlockRows];
};

ATALANTA_INLINE Option option_at(const OptionRows& rows, std::size_t row) {
    return {static_cast<double>(rows.right[row]),
            rows.spot[row],
            rows.strike[row],
            rows.years[row],
            rows.rate[row],
            rows.dividend_yield[row],
            rows.vol[row]};
}

// One row with a real branch: quicker than a padded block for one or two.
ATALANTA_INLINE Sensitivities single_row(const Option& o) {
    const ExpiryCarry carry = carry_of(o.years, o.rate, o.dividend_yield);
    const Horizon t = horizon_of(o.vol, carry.root_years);
    const std::uint64_t exception =
        amount_exception(o.spot, o.strike) | exponent_exception(t.half_vol, carry.exponents);
    return exception == 0 && magnitude(o.right) == 1.0 ? evaluate(o, o, carry, t) : limit_of(o);
}

// At least kLanes rows, block by block: solve(columns, first, count).
template <class Solve>
ATALANTA_INLINE void solve_blocks(const OptionRows& rows, Solve&& solve) {
    const BlockColumn right(rows.right);
    const BlockColumn spot(rows.spot), strike(rows.strike), years(rows.years), rate(rows.rate),
        dividend_yield(rows.dividend_yield), vol(rows.vol);
    for_each_block(rows.size, [&](std::size_t first, std::size_t count) {
        solve(EuropeanColumns{right.at(first), spot.at(first), strike.at(first), years.at(first),
                              rate.at(first), dividend_yield.at(first), vol.at(first)},
              first, count);
    });
}

inline void price_blocks(const OptionRows& rows, double* price) {
    EuropeanBlock block(rows);
    solve_blocks(rows, [&](const EuropeanColumns& in, std::size_t first, std::size_t count) {
        block.price(in, count, price + first);
    });
}

template <int Order>
void greeks_blocks(const OptionRows& rows, const GreekColumns& out) {
    EuropeanBlock block(rows);
    solve_blocks(rows, [&](const EuropeanColumns& in, std::size_t first, std::size_t count) {
        block.greeks<Order>(in, count, out.from(first));
    });
}

// Three to seven rows copied to one vector, the first one repeated.
class PaddedRows {
  public:
    explicit PaddedRows(const OptionRows& rows) {
        const Column<double>* sources[kColumns] = {&rows.spot, &rows.strike,         &rows.years,
                                                   &rows.rate, &rows.dividend_yield, &rows.vol};
        for (std::size_t i = 0; i < kLanes; ++i) {
            const std::size_t row = i < rows.size ? i : 0;
            for (std::size_t c = 0; c < kColumns; ++c) columns_[c][i] = (*sources[c])[row];
            right_[i] = rows.right[row];
        }
    }
    OptionRows rows() const {
        return {kLanes, {right_, false}, column(0), column(1), column(2), column(3), column(4), column(5)};
    }

  private:
    static constexpr std::size_t kColumns = 6;
    Column<double> column(std::size_t c) const { return {columns_[c], false}; }

    double columns_[kColumns][kLanes];
    std::int8_t right_[kLanes];
};

inline void price_european(const OptionRows& rows, double* price) noexcept {
    if (rows.size <= kSingleRows) {
        for (std::size_t row = 0; row < rows.size; ++row) price[row] = single_row(option_at(rows, row)).price;
    } else if (rows.size < kLanes) {
        double padded[kLanes];
        price_blocks(PaddedRows(rows).rows(), padded);
        for (std::size_t i = 0; i < rows.size; ++i) price[i] = padded[i];
    } else {
        price_blocks(rows, price);
    }
}

// Fills the first kGreeksOfOrder[Order] columns.
template <int Order>
void greeks_european(const OptionRows& rows, const GreekColumns& out) noexcept {
    constexpr std::size_t kOutputs = kGreeksOfOrder[Order];
    if (rows.size <= kSingleRows) {
        for (std::size_t row = 0; row < rows.size; ++row) {
            store<Order>(out, row, single_row(option_at(rows, row)));
        }
    } else if (rows.size < kLanes) {
        double padded[kOutputs][kLanes];
        GreekColumns columns{};
        for (std::size_t c = 0; c < kOutputs; ++c) columns.data[c] = padded[c];
        greeks_blocks<Order>(PaddedRows(rows).rows(), columns);
        for (std::size_t c = 0; c < kOutputs; ++c) {
            for (std::size_t i = 0; i < rows.size; ++i) out.data[c][i] = padded[c][i];
        }
    } else {
        greeks_blocks<Order>(rows, out);
    }
}

}  // namespace
}  // namespace atalanta
