// Docstrings of the pricing functions; the first line is the signature that Python's inspect reads.
#pragma once

namespace atalanta::bind {

inline constexpr const char* kPriceDoc =
    R"(price(right, spot, strike, years, rate, vol, *, dividend_yield=0.0, exercise='european', dividends=None, tolerance='standard', out=None, threads=None)
--

Price European or American options, with a continuous yield and cash dividends.

Every argument may be a number or an array; all broadcast to one shape (...). With numbers alone the
result is a float. Each row goes to the method that suits it: Black-Scholes-Merton; the Andersen-Lake-
Offengenden boundary equations for American exercise; a finite-difference ladder where dividends are paid
before expiry.

Args:
    right: (...) +1 for a call, -1 for a put; or 'call', 'put', 'C', 'P' in either case.
    spot: (...) price of the underlying, per share.
    strike: (...) per share.
    years: (...) time to the expiry instant in years.
    rate: (...) continuously compounded interest rate per year, as a decimal.
    vol: (...) volatility per square root of a year, as a decimal (0.25 is 25 %): of the spot itself,
        between dividends (the spot model), not of the spot less the dividends' present value.
    dividend_yield: (...) continuously compounded yield per year, as a decimal. `dividend_yield=rate`
        with the forward as `spot` gives Black-76.
    exercise: 'european' or 'american', for all rows.
    dividends: None; or a sequence of (years to the ex-date, cash per share) pairs, by ascending years, for
        all rows; or a `Dividends` where rows follow different ones. At each ex-date the spot falls by
        min(cash, spot). Entries at or after a row's expiry do not touch it.
    tolerance: the error of a price that is aimed at for a strike of 100, of American rows and rows with
        dividends: 'fast' (1e-4 with a yield, 2e-3 with cash dividends), 'standard' (3e-5, 5e-4),
        'precise' (5e-7, 1e-5), or a number from 1e-7 to 1e-2 for both. With cash dividends most rows stay
        below it; wide ones and very large dividends need a finer one. The closed form has no such error.
    out: (...) float64 array that receives the result and is returned.
    threads: threads for a large batch; None for the default (see `set_threads`).

Returns:
    (...) price per share; NaN where an input is NaN or infinite, or spot, strike, years or vol is negative.
    At zero vol or time the limit: the discounted intrinsic value, or what immediate exercise gives.

Raises:
    InputError: arguments that do not broadcast, are not real numbers, or look like per cent; dividends that
        do not ascend, are negative, or go ex on or before the valuation instant; an exercise or tolerance
        that is none.

Example:
    >>> import atalanta
    >>> round(atalanta.price("put", 100.0, 105.0, 0.5, 0.03, 0.2), 6)
    7.615053
    >>> dividends = [(0.1, 0.8), (0.35, 0.8)]
    >>> round(atalanta.price("put", 100.0, 105.0, 0.5, 0.03, 0.2, exercise="american", dividends=dividends), 2)
    8.77
)";

inline constexpr const char* kGreeksDoc =
    R"(greeks(right, spot, strike, years, rate, vol, *, dividend_yield=0.0, exercise='european', dividends=None, tolerance='standard', order=1, out=None, threads=None)
--

Rows of price and Greeks, and with dividends= also those of dividend_delta; `atalanta.greeks` names them.
)";

inline constexpr const char* kEarlyExerciseDoc =
    R"(early_exercise(right, spot, strike, years, rate, vol, *, dividend_yield=0.0, dividends=None, tolerance='standard', threads=None)
--

The columns of `atalanta.early_exercise`, which names them.
)";

inline constexpr const char* kExerciseBoundaryDoc =
    R"(exercise_boundary(right, strike, years, rate, vol, remaining, *, dividend_yield=0.0, dividends=None, tolerance='standard', threads=None)
--

The columns of `atalanta.pricing.exercise_boundary`, which names them.
)";

inline constexpr const char* kImpliedVolDoc =
    R"(implied_vol(price, right, spot, strike, years, rate, *, dividend_yield=0.0, exercise='european', dividends=None, tolerance='standard', start=None, full_output=False, out=None, threads=None)
--

Invert option prices to volatilities.

Every argument may be a number or an array; all broadcast to one shape (...). With numbers alone the
result is a float. European prices without cash dividends are inverted to the last digits that the price
determines; the others until the model's price meets the given one within `tolerance`.

Args:
    price: (...) option price per share.
    right: (...) +1 for a call, -1 for a put; or 'call', 'put', 'C', 'P' in either case.
    spot: (...) price of the underlying, per share.
    strike: (...) per share.
    years: (...) time to the expiry instant in years.
    rate: (...) continuously compounded interest rate per year, as a decimal.
    dividend_yield: (...) continuously compounded yield per year, as a decimal.
    exercise: 'european' or 'american', for all rows.
    dividends: None, a sequence of (years to the ex-date, cash per share) pairs for all rows, or a
        `Dividends`; as in `price`.
    tolerance: of the prices on the way, as in `price`.
    start: (...) volatilities to begin with where they are known (of a moment ago, say); None or NaN where
        not. They save time; the result stays within the tolerance. The closed form does not need them.
    full_output: also return the status of each row (`ImpliedVolStatus`).
    out: (...) float64 array that receives the volatilities and is returned.
    threads: threads for a large batch; None for the default (see `set_threads`).

Returns:
    (...) volatility as a decimal; NaN where there is none: the price is at or below its least value (the
    discounted intrinsic value; with American exercise also the exercise value, at which a price says
    nothing about the volatility), at or above its upper bound, or an input is unusable. With `full_output`
    a tuple (volatility, status), status (...) uint8: 0 ok, 1 below intrinsic, 2 above bound, 3 bad input.

Raises:
    InputError: as `price`.

Example:
    >>> import atalanta
    >>> round(atalanta.implied_vol(7.615053, "put", 100.0, 105.0, 0.5, 0.03), 6)
    0.2
)";

}  // namespace atalanta::bind
