// A block of European rows in short loops over arrays in L1, one loop per step of european_formulas.hpp; rows
// outside the ordinary range are then rewritten one by one from european_limits.hpp.
// Main entry: EuropeanBlock. The row count is a multiple of kLanes, at most kBlockRows.
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

    ATALANTA_INLINE Moneyness moneyness(std::size_t i) const { return {distance_[i], gain_[i], forward_[i]}; }
    ATALANTA_INLINE TailValues tail_values_at(const EuropeanColumns& in, std::size_t i) const {
        return tail_values(moneyness(i), tails_of(distance_[i], half_vol_[i]), half_vol_[i], in.strike[i],
                           discount_[i]);
    }

    ATALANTA_INLINE void finish_price(const EuropeanColumns& in, std::size_t rows, double* __restrict out) {
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            const TailValues values = tail_values_at(in, i);
            out[i] = price_of(right_[i], gain_[i], discount_[i], values.out_of_the_money);
        }
    }

    template <int Order>
    ATALANTA_INLINE void finish_greeks(const EuropeanColumns& in, std::size_t rows, const GreekColumns& out) {
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            const Option o = option(in, i);
            const Moneyness m = moneyness(i);
            const Tails tails = tails_of(m.distance, half_vol_[i]);
            const TailValues values = tail_values_at(in, i);
            const Legs legs =
                legs_of(o.right, o.strike, m, discount_[i], tails, values.near_tail, values.far_tail);
            const double price = price_of(o.right, m.gain, discount_[i], values.out_of_the_money);
            store<Order>(out, i,
                         sensitivities_of(o, root_years_[i], inverse_total_vol_[i], legs,
                                          standardise(tails, m.gain), values.bell, price));
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
    alignas(64) std::uint64_t exponent_[kBlockRows], exception_[kBlockRows];
};

}  // namespace
}  // namespace atalanta
