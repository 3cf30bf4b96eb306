"""Early exercise: whether it is right now or at the next ex-date, how likely it is, what waiting costs.

All of it is computed on columns by the core; the names here are its results.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy.typing as npt

from atalanta import _core
from atalanta.pricing.dividends import DividendsLike
from atalanta.pricing.greek_columns import Value
from atalanta.pricing.valuation import Tolerance

__all__ = ["EarlyExercise", "ExerciseBoundary", "early_exercise", "exercise_boundary"]


@dataclass(frozen=True, slots=True)
class EarlyExercise:
    """American options and their exercise, one value (...) per row; floats and bools for numbers alone.

    Money is per share. A dividend counts for a row where it pays something before the row's expiry. NaN stands
    where there is no such thing; a row without a price has NaN throughout and exercises nothing.
    """

    #: value of the American option
    price: Value
    #: what exercising now gives, at least 0
    intrinsic: Value
    #: price - intrinsic
    time_value: Value
    #: the spot from which exercising now is right: at and above it for a call, at and below it for a put;
    #: infinity (call) or 0 (put) where no spot is, NaN where dividends lie ahead and there is no volatility
    boundary: Value
    #: where negative rates end the exercise region again, beyond `boundary`; NaN where they do not
    far_boundary: Value
    #: risk-neutral probability of exercise before expiry, 1 where it is right now; an option that ends in the
    #: money counts where exercise earns until expiry, as a put's does at a rate above zero
    probability: Value
    #: years to the next ex-date
    next_ex_years: Value
    #: its cash
    next_dividend: Value
    #: of the option just after the next ex-date, were the spot then today's less the dividend
    value_after: Value
    #: the spot from which exercising just before the next ex-date is right: infinity (call) where none within
    #: 4.3 standard deviations of the strike is, 0 (put) always
    ex_dividend_boundary: Value
    #: lost by not exercising at the instant before the next ex-date, were the spot then today's: intrinsic -
    #: value_after where positive, else 0; what the option is worth for the time until then is not in it
    cost_of_holding: Value
    #: lost per year by not exercising now: the interest on the strike less the yield on the spot (put), the
    #: yield less the interest (call); 0 where holding is right
    cost_of_waiting: Value
    #: bool: the spot is at or beyond the boundary
    exercise_now: Value
    #: bool: at today's spot, exercising just before the next ex-date is right; never for a put
    ex_dividend_exercise: Value


class ExerciseBoundary(NamedTuple):
    """The boundary over time; arrays of the shape (M, ...), or (...) where `remaining` is a number."""

    boundary: Value
    far_boundary: Value


def early_exercise(
    right: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    vol: npt.ArrayLike,
    *,
    dividend_yield: npt.ArrayLike = 0.0,
    dividends: DividendsLike = None,
    tolerance: Tolerance = "standard",
    threads: int | None = None,
) -> EarlyExercise:
    """Whether and when American options are exercised early.

    Arguments are those of `price`; all broadcast to one shape (...). Whoever is short such an option reads the
    same numbers as the risk of assignment.

    The test at the next ex-date is made at today's spot: a call is exercised just before it where the
    intrinsic value is above the option's value just after it, at the spot less the dividend. A put is never
    exercised for a dividend to come, which raises its value: there `cost_of_waiting` says what the interest
    forgone is worth.

    Args:
        right: (...) +1 for a call, -1 for a put; or 'call', 'put', 'C', 'P' in either case.
        spot: (...) price of the underlying, per share.
        strike: (...) per share.
        years: (...) time to the expiry instant in years.
        rate: (...) continuously compounded interest rate per year, as a decimal.
        vol: (...) volatility per square root of a year, as a decimal.
        dividend_yield: (...) continuously compounded yield per year, as a decimal.
        dividends: None, one sequence of (years to the ex-date, cash per share) pairs for all rows, or a
            `Dividends`.
        tolerance: as in `price`.
        threads: threads for a large batch; None for the default (see `set_threads`).

    Returns:
        The columns by name, each (...).

    Raises:
        InputError: as `price`.

    Example:
        >>> import atalanta
        >>> call = atalanta.early_exercise("call", 100.0, 92.0, 0.12, 0.04, 0.25, dividends=[(0.01, 1.2)])
        >>> call.ex_dividend_exercise, call.exercise_now
        (True, False)
    """
    return EarlyExercise(
        *_core.early_exercise(
            right,
            spot,
            strike,
            years,
            rate,
            vol,
            dividend_yield=dividend_yield,
            dividends=dividends,
            tolerance=tolerance,
            threads=threads,
        )
    )


def exercise_boundary(
    right: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    vol: npt.ArrayLike,
    remaining: npt.ArrayLike,
    *,
    dividend_yield: npt.ArrayLike = 0.0,
    dividends: DividendsLike = None,
    tolerance: Tolerance = "standard",
    threads: int | None = None,
) -> ExerciseBoundary:
    """The spot from which exercise is right, over an option's life.

    A call on a share without a yield has none: it is exercised at the instant before an ex-date or not at all
    (`early_exercise(...).ex_dividend_boundary`).

    Args:
        right: (...) as in `price`, like strike, years, rate, vol, dividend_yield, dividends and tolerance.
        strike: (...) per share.
        years: (...) time to the expiry instant in years, seen from now.
        rate: (...) continuously compounded interest rate per year, as a decimal.
        vol: (...) volatility per square root of a year, as a decimal.
        remaining: (M,) or a number: the years left at the instants asked for. `years - remaining` years from
            now; a dividend at that very instant has gone ex.
        dividend_yield: (...) continuously compounded yield per year, as a decimal.
        dividends: None, one sequence of (years to the ex-date from now, cash per share) pairs for all rows, or
            a `Dividends`.
        tolerance: as in `price`.
        threads: threads for a large batch; None for the default.

    Returns:
        The boundary and, with negative rates, its far end: each (M, ...), as in `EarlyExercise`. NaN where the
        row has less than `remaining` years left.

    Raises:
        InputError: as `price`; `remaining` has more than one dimension.

    Example:
        >>> from atalanta.pricing import exercise_boundary
        >>> curve = exercise_boundary("put", 100.0, 1.0, 0.05, 0.2, [1.0, 0.5, 0.1])
        >>> curve.boundary.round(0)
        array([81., 84., 90.])
    """
    return ExerciseBoundary(
        *_core.exercise_boundary(
            right,
            strike,
            years,
            rate,
            vol,
            remaining,
            dividend_yield=dividend_yield,
            dividends=dividends,
            tolerance=tolerance,
            threads=threads,
        )
    )
