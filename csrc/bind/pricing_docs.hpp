// Docstrings of the pricing functions; the first line is the signature that Python's inspect reads.
#pragma once

namespace atalanta::bind {

inline constexpr const char* kPriceDoc =
    R"(price(right, spot, strike, years, rate, vol, *, dividend_yield=0.0, exercise='european', dividends=None, out=None, threads=None)
--

Price options under Black-Scholes-Merton.

Every argument may be a number or an array; all broadcast to one shape (...). With numbers alone the
result is a float.

Args:
    right: (...) +1 for a call, -1 for a put; or 'call', 'put', 'C', 'P' in either case.
    spot: (...) price of the underlying, per share.
    strike: (...) per share.
    years: (...) time to the expiry instant in years.
    rate: (...) continuously compounded interest rate per year, as a decimal.
    vol: (...) volatility per square root of a year, as a decimal (0.25 is 25 %).
    dividend_yield: (...) continuously compounded yield per year, as a decimal. `dividend_yield=rate`
        with the forward as `spot` gives Black-76.
    exercise: 'european'.
    dividends: None; cash dividends are not priced by this version.
    out: (...) float64 array that receives the result and is returned.
    threads: threads for a large batch; None for the default (see `set_threads`).

Returns:
    (...) price per share; NaN where an input is NaN or infinite, or spot, strike, years or vol is negative.
    At zero vol or time the discounted intrinsic value.

Raises:
    InputError: arguments that do not broadcast, are not real numbers, or look like per cent.

Example:
    >>> import atalanta
    >>> round(atalanta.price("put", 100.0, 105.0, 0.5, 0.03, 0.2), 6)
    7.615053
)";

inline constexpr const char* kGreeksDoc =
    R"(greeks(right, spot, strike, years, rate, vol, *, dividend_yield=0.0, exercise='european', dividends=None, order=1, out=None, threads=None)
--

Rows of price and Greeks; `atalanta.greeks` gives them names.
)";

inline constexpr const char* kImpliedVolDoc =
    R"(implied_vol(price, right, spot, strike, years, rate, *, dividend_yield=0.0, exercise='european', dividends=None, full_output=False, out=None, threads=None)
--

Invert Black-Scholes-Merton prices to volatilities, to the last digits that the price determines.

Every argument may be a number or an array; all broadcast to one shape (...). With numbers alone the
result is a float.

Args:
    price: (...) option price per share.
    right: (...) +1 for a call, -1 for a put; or 'call', 'put', 'C', 'P' in either case.
    spot: (...) price of the underlying, per share.
    strike: (...) per share.
    years: (...) time to the expiry instant in years.
    rate: (...) continuously compounded interest rate per year, as a decimal.
    dividend_yield: (...) continuously compounded yield per year, as a decimal.
    exercise: 'european'.
    dividends: None; cash dividends are not priced by this version.
    full_output: also return the status of each row (`ImpliedVolStatus`).
    out: (...) float64 array that receives the volatilities and is returned.
    threads: threads for a large batch; None for the default (see `set_threads`).

Returns:
    (...) volatility as a decimal; NaN where there is none: the price is at or below the discounted
    intrinsic value, at or above its upper bound, or an input is unusable. With `full_output` a tuple
    (volatility, status), status (...) uint8: 0 ok, 1 below intrinsic, 2 above bound, 3 bad input.

Raises:
    InputError: arguments that do not broadcast or are not real numbers.

Example:
    >>> import atalanta
    >>> round(atalanta.implied_vol(7.615053, "put", 100.0, 105.0, 0.5, 0.03), 6)
    0.2
)";

}  // namespace atalanta::bind
