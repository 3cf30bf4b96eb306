// A block of European rows in short loops over arrays in L1, a few steps of european_formulas.hpp in each;
// rows outside the ordinary range are then rewritten one by one from european_limits.hpp. Main entry:
// EuropeanBlock. The row count is a multiple of kLanes, at most kBlockRows.
#pragma once

#include "pricing/european_limits.hpp"
#include "pricing/rights.hpp"
#include "pricing/row_blocks.hpp"

namespace atalanta {
namespace {

// Contiguous columns of one block.
struct EuropeanColumns {
    std::size_t rows;
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

// Eight square roots at a time take all the time that the loop of the carry has: there the divisions of the
// ratios are done a block ahead, in the loop of the tails, among its multiplications.
#ifdef __AVX512F__
constexpr bool kRatiosAhead = true;
#else
constexpr bool kRatiosAhead = false;
#endif

// TailTerms of as many rows as a vector has.
struct TermLanes {
    alignas(64) double value[kLanes], near[kLanes], far[kLanes], denominator[kLanes], bell[kLanes];
    alignas(64) std::uint64_t wide[kLanes];

    ATALANTA_INLINE TailTerms at(std::size_t lane) const {
        return {value[lane], near[lane], far[lane], denominator[lane], bell[lane]};
    }
};

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

    // Before the first block.
    void begin(const EuropeanColumns& in) {
        if constexpr (kRatiosAhead) split_ratios(in, in.rows & ~(kLanes - 1));
    }

    [[gnu::noinline]] void price(const EuropeanColumns& in, const EuropeanColumns& next, double* out) {
        const std::size_t rows = in.rows & ~(kLanes - 1);
        const bool any_exception = prepare<0>(in, rows);
        finish_price(ahead_of(in, next), rows, out);
        if (next.rows != in.rows) begin(next);
        if (!any_exception) return;
        for (std::size_t i = 0; i < rows; ++i) {
            if (is_exception(in, i)) out[i] = limit_of(option(in, i, in.right[i])).price;
        }
    }

    template <int Order>
    [[gnu::noinline]] void greeks(const EuropeanColumns& in, const EuropeanColumns& next,
                                  const GreekColumns& out) {
        const std::size_t rows = in.rows & ~(kLanes - 1);
        const bool any_exception = prepare<Order>(in, rows);
        finish_greeks<Order>(in, ahead_of(in, next), rows, out);
        if (next.rows != in.rows) begin(next);
        if (!any_exception) return;
        for (std::size_t i = 0; i < rows; ++i) {
            if (is_exception(in, i)) store<Order>(out, i, limit_of(option(in, i, in.right[i])));
        }
    }

  private:
    ATALANTA_INLINE static Option option(const EuropeanColumns& in, std::size_t i, double right) {
        return {right, in.spot[i], in.strike[i], in.years[i], in.rate[i], in.dividend_yield[i], in.vol[i]};
    }

    // The rows whose ratios are next; those at hand, to no effect, where the next block has another size.
    static const EuropeanColumns& ahead_of(const EuropeanColumns& in, const EuropeanColumns& next) {
        return next.rows == in.rows ? next : in;
    }

    ATALANTA_INLINE void set_ratio(std::size_t i, double spot, double strike) {
        const Ratio ratio = split_ratio(spot, strike);
        fraction_[i] = ratio.fraction;
        exponent_[i] = ratio.exponent;
    }

    ATALANTA_INLINE void set_ratio_ahead(std::size_t i, const EuropeanColumns& ahead) {
        if constexpr (kRatiosAhead) set_ratio(i, ahead.spot[i], ahead.strike[i]);
    }

    ATALANTA_INLINE void split_ratios(const EuropeanColumns& in, std::size_t rows) {
        ATALANTA_VECTOR_LOOP  // avx512 alone
        for (std::size_t i = 0; i < rows; ++i) set_ratio(i, in.spot[i], in.strike[i]);
    }

    ATALANTA_INLINE void set_carry(std::size_t i, const ExpiryCarry& carry) {
        root_years_[i] = carry.root_years;
        discount_[i] = carry.discount;
        reach_[i] = carry.reach;
    }

    template <int Order>
    ATALANTA_INLINE void set_forward(std::size_t i, double spot, double strike, Growth growth,
                                     double discount) {
        const Forward forward = forward_of(spot, strike, growth);
        bound_[i] = bound_of(strike, forward.value, discount);
        exercised_[i] = exercised_of(right_[i], forward.gain);
        if constexpr (Order > 0) {
            gain_[i] = forward.gain;
            forward_[i] = forward.value;
        }
        exception_[i] = amount_exception(spot, strike);
        if constexpr (!kRatiosAhead) set_ratio(i, spot, strike);
    }

    // Each loop mixes divisions or square roots with polynomials, so that neither waits alone. Whether any
    // row is an exception.
    template <int Order>
    ATALANTA_INLINE bool prepare(const EuropeanColumns& in, std::size_t rows) {
        signs_of_rights(in.right, rows, right_);
        if (carry_is_shared_) {
            prepare_shared_carry<Order>(in, rows);
        } else {
            expects_small_ = expects_small_ && prepare_carry<Order>(in, rows, [=](std::size_t i) {
                                 return small_carry_of(in.years[i], in.rate[i], in.dividend_yield[i]);
                             });
            if (!expects_small_) {
                expects_small_ = prepare_carry<Order>(in, rows, [=](std::size_t i) {
                    return carry_of(in.years[i], in.rate[i], in.dividend_yield[i]);
                });
            }
        }
        return (prepare_distances(in, rows) | wrong_rights(in.right, rows)) != 0;
    }

    template <int Order>
    ATALANTA_INLINE void prepare_shared_carry(const EuropeanColumns& in, std::size_t rows) {
        const Growth growth = shared_growth_;
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i)
            set_forward<Order>(i, in.spot[i], in.strike[i], growth, discount_[i]);
    }

    // Whether all exponents are small.
    template <int Order, class CarryAt>
    ATALANTA_INLINE bool prepare_carry(const EuropeanColumns& in, std::size_t rows, CarryAt carry_at) {
        std::uint64_t beyond = 0;
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            const ExpiryCarry carry = carry_at(i);
            set_carry(i, carry);
            set_forward<Order>(i, in.spot[i], in.strike[i], carry.growth, carry.discount);
            beyond |= bits_of(carry.reach);
        }
        return (beyond & kBeyondSmallCarry) == 0;
    }

    ATALANTA_INLINE std::uint64_t prepare_distances(const EuropeanColumns& in, std::size_t rows) {
        std::uint64_t any = 0;
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < rows; ++i) {
            const Horizon t = horizon_of(in.vol[i], root_years_[i]);
            half_vol_[i] = t.half_vol;
            inverse_total_vol_[i] = t.inverse_total_vol;
            distance_[i] = distance_of(option(in, i, 0.0), {exponent_[i], fraction_[i]}, t.inverse_total_vol);
            exception_[i] |= exponent_exception(t.total_vol, reach_[i]);
            any |= exception_[i];
        }
        return any;
    }

    ATALANTA_INLINE Tails tails_at(std::size_t i) const { return tails_of(distance_[i], half_vol_[i]); }
    ATALANTA_INLINE TailTerms terms_at(std::size_t i, const Tails& tails) const {
        return tail_terms(tails, distance_[i], half_vol_[i], bound_[i]);
    }

    // The tails of eight rows, then what remains to be done for the eight before them: there is work for the
    // processor while tails wait for their polynomials and results for their division.
    template <int Order, class Finish>
    ATALANTA_INLINE void finish_in_turns(std::size_t rows, Finish finish_lanes) {
        TermLanes lanes[2];
        weigh_tails<Order>(0, lanes[0]);
        std::size_t turn = 0;
        for (std::size_t first = kLanes; first < rows; first += kLanes, turn ^= 1) {
            weigh_tails<Order>(first, lanes[turn ^ 1]);
            finish_lanes(first - kLanes, lanes[turn]);
        }
        finish_lanes(rows - kLanes, lanes[turn]);
    }

    template <int Order>
    ATALANTA_INLINE void weigh_tails(std::size_t first, TermLanes& to) const {
        ATALANTA_LANE_LOOP
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            const Tails tails = tails_at(first + lane);
            const TailTerms terms = terms_at(first + lane, tails);
            to.wide[lane] = tails.wide;
            to.value[lane] = terms.value;
            to.denominator[lane] = terms.denominator;
            if constexpr (Order > 0) {
                to.near[lane] = terms.near;
                to.far[lane] = terms.far;
                to.bell[lane] = terms.bell;
            }
        }
    }

    ATALANTA_INLINE void finish_price(const EuropeanColumns& ahead, std::size_t rows,
                                      double* __restrict out) {
        finish_in_turns<0>(rows, [&](std::size_t first, const TermLanes& from) {
            ATALANTA_LANE_LOOP
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                const std::size_t i = first + lane;
                const TailValues values = tail_values(from.at(lane), from.wide[lane], bound_[i]);
                out[i] = fma(exercised_[i], discount_[i], values.out_of_the_money);
                set_ratio_ahead(i, ahead);
            }
        });
    }

    // With more outputs there is enough to do meanwhile, and keeping the terms costs more.
    template <int Order>
    ATALANTA_INLINE void finish_greeks(const EuropeanColumns& in, const EuropeanColumns& ahead,
                                       std::size_t rows, const GreekColumns& out) {
        if constexpr (Order == 1) {
            finish_in_turns<Order>(rows, [&](std::size_t first, const TermLanes& from) {
                ATALANTA_LANE_LOOP
                for (std::size_t lane = 0; lane < kLanes; ++lane) {
                    store_greeks<Order>(in, first + lane, from.wide[lane], from.at(lane), out);
                    set_ratio_ahead(first + lane, ahead);
                }
            });
        } else {
            ATALANTA_VECTOR_LOOP
            for (std::size_t i = 0; i < rows; ++i) {
                const Tails tails = tails_at(i);
                store_greeks<Order>(in, i, tails.wide, terms_at(i, tails), out);
                set_ratio_ahead(i, ahead);
            }
        }
    }

    template <int Order>
    ATALANTA_INLINE void store_greeks(const EuropeanColumns& in, std::size_t i, std::uint64_t wide,
                                      const TailTerms& terms, const GreekColumns& out) const {
        const Option o = option(in, i, right_[i]);
        const Moneyness m = {distance_[i], gain_[i], forward_[i]};
        const Tails tails = {distance_[i] - half_vol_[i], distance_[i] + half_vol_[i], wide};
        const TailValues values = tail_values(terms, wide, bound_[i]);
        const Legs legs =
            legs_of(o.right, o.strike, m, discount_[i], tails, values.near_tail, values.far_tail);
        const double price = fma(exercised_[i], discount_[i], values.out_of_the_money);
        store<Order>(out, i,
                     sensitivities_of(o, root_years_[i], inverse_total_vol_[i], legs,
                                      standardise(tails, m.gain), terms.bell, price));
    }

    bool is_exception(const EuropeanColumns& in, std::size_t i) const {
        return exception_[i] != 0 || in.right[i] * in.right[i] != 1;
    }

    const bool carry_is_shared_;
    Growth shared_growth_;
    bool expects_small_ = true;  // exponents like those of the last block
    alignas(64) double right_[kBlockRows];
    alignas(64) double fraction_[kBlockRows];
    alignas(64) double root_years_[kBlockRows], discount_[kBlockRows];
    alignas(64) double reach_[kBlockRows], half_vol_[kBlockRows], inverse_total_vol_[kBlockRows];
    alignas(64) double distance_[kBlockRows], gain_[kBlockRows], forward_[kBlockRows];
    alignas(64) double bound_[kBlockRows], exercised_[kBlockRows];
    alignas(64) std::uint64_t exponent_[kBlockRows], exception_[kBlockRows];
};

}  // namespace
}  // namespace atalanta
