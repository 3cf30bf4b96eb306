// The search for the volatility of one quote, an evaluation of the price at a time, so that lanes can be at
// different stages. The escrowed European price, which is cheap, bends the step: its change is scaled to that
// of the true price by the secant of the two. Entries: begin_search, advance_search.
#pragma once

#include "pricing/european_kernel.hpp"
#include "pricing/implied_vol_kernel.hpp"
#include "pricing/ladder/limits.hpp"

namespace atalanta {
namespace {

constexpr double kLargestSearchVol = 8.0;     // times sqrt(years)
constexpr double kLargestStartVol = 1.2;      // times sqrt(years): a guess beyond it asks for a large grid
constexpr double kLastStepWithin = 4.0;       // tolerances of the price before the last, uncounted step
constexpr double kAtOnceWithin = 1.0 / 64.0;  // of that, where nothing is known yet but one price
constexpr double kLeastAboveFloor =
    0.01;  // tolerances: what is closer to the least price tells no volatility
constexpr double kLargestLastStep = 0.05;  // of the volatility: beyond it the escrowed price tells nothing
constexpr double kUnknownStart = 0.25, kLeastStart = 1e-4;
constexpr std::uint32_t kMostEvaluations = 60;

// The dividends discounted to the present, at most nearly the spot.
inline double escrowed_spot(const LadderOption& o) {
    double left = o.spot;
    for (std::uint32_t d = 0; d < o.dividends; ++d) {
        left -= o.cash[d] * saturating_exponential(-o.rate * o.ex_years[d]);
    }
    return left > 0.05 * o.spot ? left : 0.05 * o.spot;
}

inline Sensitivities escrowed(const LadderSearch& s, double vol) {
    const LadderOption& o = s.option;
    return single_row({o.right, s.escrowed_spot, o.strike, o.years, o.rate, o.dividend_yield, vol});
}

inline double european_vol(double price, double right, const LadderSearch& s) {
    const LadderOption& o = s.option;
    const auto side = static_cast<std::int8_t>(right);
    const QuotedRows row = {1,
                            {&price, true},
                            {&side, true},
                            {&s.escrowed_spot, true},
                            {&o.strike, true},
                            {&o.years, true},
                            {&o.rate, true},
                            {&o.dividend_yield, true}};
    double vol = 0.0;
    implied_vol_european(row, &vol, nullptr);
    return vol;
}

// What the time value would be worth out of the money; above it lies what the whole price would be worth if
// it could not be exercised early. Between the two, or one of them.
inline double starting_vol(const LadderSearch& s, double floor) {
    const LadderOption& o = s.option;
    const double forward = s.escrowed_spot * saturating_exponential((o.rate - o.dividend_yield) * o.years);
    const double low = european_vol(s.target - floor, forward < o.strike ? 1.0 : -1.0, s);
    const double high = european_vol(s.target, o.right, s);
    const double known = high > 0.0 && high < s.high ? high : low > 0.0 && low < s.high ? low : kUnknownStart;
    const double most = kLargestStartVol / square_root(o.years);
    return known < most ? known : most;
}

// The price that no volatility reaches.
inline double largest_price(const LadderOption& o) {
    const double at_once = o.right > 0.0 ? o.spot : o.strike;
    const double rate = o.right > 0.0 ? o.dividend_yield : o.rate;
    const double at_expiry = at_once * saturating_exponential(-rate * o.years);
    return o.american && at_once > at_expiry ? at_once : at_expiry;
}

// tolerance: of the price, for a strike of 100. by_cash: room for a number per dividend.
inline ImpliedVolStatus begin_search(const LadderOption& option, double price, double start, double tolerance,
                                     double* by_cash, LadderSearch& s) {
    s = {};
    s.option = option;
    s.option.vol = 0.0;
    const bool sound = in_domain(s.option) && option.spot > 0.0 && option.strike > 0.0 && option.years > 0.0;
    if (!sound || !is_finite_and_not_negative(price)) return ImpliedVolStatus::bad_input;
    s.target = price;
    s.within = kLastStepWithin * 0.01 * tolerance * option.strike;
    s.high = kLargestSearchVol / square_root(option.years);
    s.escrowed_spot = escrowed_spot(option);
    const double floor = limit_of(s.option, by_cash).reading.price;
    const double noise = floor > 0.0 ? kLeastAboveFloor / kLastStepWithin * s.within : 0.0;
    if (!(price > floor + noise)) return ImpliedVolStatus::below_intrinsic;
    if (!(price < largest_price(option))) return ImpliedVolStatus::above_bound;
    s.option.vol = start >= kLeastStart && start < s.high ? start : starting_vol(s, floor);
    return ImpliedVolStatus::ok;
}

// The volatility at which the escrowed price is `wanted`, by Newton steps from `vol` of at most a factor 2.
inline double invert_escrowed(const LadderSearch& s, double wanted, double vol, Sensitivities here) {
    const double least = 0.5 * vol, most = 2.0 * vol;
    for (int step = 0; step < 4; ++step) {
        const double moved = vol + (wanted - here.price) / here.vega;
        if (!(moved > least)) return least;
        if (!(moved < most)) return most;
        const double change = magnitude(moved - vol);
        vol = moved;
        if (change < 1e-9 * vol) break;
        here = escrowed(s, vol);
    }
    return vol;
}

// price: at s.option.vol. True when s.option.vol holds the answer, NaN if there is none.
inline bool advance_search(LadderSearch& s, double price) {
    const double vol = s.option.vol, miss = price - s.target;
    (miss > 0.0 ? s.high : s.low) = vol;
    const Sensitivities here = escrowed(s, vol);
    const double moved = here.price - s.last_escrowed;
    const double secant = s.evaluations > 0 && moved != 0.0 ? (price - s.last_price) / moved : 1.0;
    const double ratio = secant < 0.25 ? 0.25 : secant < 4.0 ? secant : 4.0;
    // A last step that is not looked at again needs the two changes in proportion: where much of the value is
    // exercise before a date, the true price moves many times as much as the escrowed one.
    const bool in_proportion = s.evaluations > 0 && moved != 0.0 && secant == ratio;
    const double share = in_proportion ? 1.0 : s.evaluations > 0 ? 1.0 / kLastStepWithin : kAtOnceWithin;
    const bool converged = magnitude(miss) <= share * s.within;
    const bool slow = s.evaluations > 3 && magnitude(miss) > 0.5 * magnitude(s.last_price - s.target);
    double next = invert_escrowed(s, here.price - miss / ratio, vol, here);
    const double middle = 0.5 * (s.low + s.high);
    if (!(next >= s.low && next <= s.high) || (slow && !converged)) next = converged ? vol : middle;
    if (converged && !(in_proportion && magnitude(next - vol) <= kLargestLastStep * vol)) next = vol;
    s.last_price = price;
    s.last_escrowed = here.price;
    s.option.vol = next;
    ++s.evaluations;
    const bool closed = s.high - s.low <= 1e-12 * s.high;
    if (!converged && s.evaluations == kMostEvaluations && !closed) s.option.vol = kUndefined;
    return converged || closed || s.evaluations == kMostEvaluations;
}

inline void reopen_search(LadderSearch& s) {
    s.low = 0.0;
    s.high = kLargestSearchVol / square_root(s.option.years);
    s.evaluations = 0;
}

}  // namespace
}  // namespace atalanta
