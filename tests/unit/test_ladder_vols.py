"""Implied volatilities with cash dividends where little depends on them: what is found reprices, or is not told as found."""

import numpy as np
import pytest

import atalanta
from atalanta import ImpliedVolStatus

WITHIN = 2e-5  # of the strike: nearly all
NEVER_BEYOND = (
    1e-4  # of the strike: what the last, unchecked step of a search can cost where the price is flat
)


def market(count):
    """Random options over two years, in and out of the money."""
    rng = np.random.default_rng(15)
    return {
        "right": np.where(rng.random(count) < 0.5, 1, -1).astype(np.int8),
        "spot": np.full(count, 100.0),
        "strike": rng.uniform(40, 160, count),
        "years": rng.uniform(0.02, 2, count),
        "rate": rng.uniform(0, 0.08, count),
    }


@pytest.mark.parametrize(
    "dividends", [((0.015, 3.0),), ((0.015, 20.0),), ((0.01, 0.5), (0.3, 0.5), (0.8, 0.6))]
)
def test_a_vol_that_is_found_gives_the_price(dividends):
    """Status OK means that the price at the volatility is the quote's within 2e-5 of the strike for 99 of 100, 1e-4 for all."""
    rows, terms = market(1500), {"exercise": "american", "dividends": dividends}
    quote = atalanta.price(**rows, vol=np.linspace(0.05, 0.6, 1500), **terms)
    vol, status = atalanta.implied_vol(quote, **rows, **terms, full_output=True)
    found = status == ImpliedVolStatus.OK
    assert found.mean() > 0.6
    np.testing.assert_array_equal(np.isfinite(vol), found)
    again = atalanta.price(**rows, vol=np.where(found, vol, 0.2), **terms)
    missed = np.abs(again - quote)[found] / rows["strike"][found]
    assert np.quantile(missed, 0.99) <= WITHIN
    assert missed.max() <= NEVER_BEYOND


@pytest.mark.parametrize("start", [1e-300, 1e300, 0.0, -1.0, np.nan, np.inf])
@pytest.mark.parametrize("dividends", [None, ((0.1, 1.0),)])
def test_a_start_that_no_market_has_counts_as_none(start, dividends):
    """An absurd start leaves the answer what it is without one."""
    row, terms = ("put", 100.0, 105.0, 0.5, 0.03), {"exercise": "american", "dividends": dividends}
    assert atalanta.implied_vol(9.0, *row, **terms) == atalanta.implied_vol(9.0, *row, **terms, start=start)


def test_dividends_that_take_nearly_all_have_a_value_and_a_volatility():
    """Several dividends that together take over 80 % of the spot are priced, and a call's quote has its volatility."""
    call = ("call", 100.0, 20.0, 1.0, 0.03)
    terms = {"exercise": "european", "dividends": ((0.2, 45.0), (0.6, 45.0))}
    price = atalanta.price(*call, 0.5, **terms)
    assert price > 0.1
    vol, status = atalanta.implied_vol(price, *call, **terms, full_output=True)
    assert ImpliedVolStatus.OK == status
    assert price == pytest.approx(atalanta.price(*call, vol, **terms), abs=2e-3)


def test_a_put_may_be_worth_less_at_a_higher_volatility():
    """Where dividends take the whole spot less of them is paid the further it falls: no volatility meets such a price."""
    put = ("put", 100.0, 90.0, 1.0, 0.03)
    terms = {"exercise": "american", "dividends": ((0.2, 45.0), (0.6, 45.0))}
    price = atalanta.price(*put, 0.3, **terms)
    assert 70.0 < price < atalanta.price(*put, 0.05, **terms)
    vol, status = atalanta.implied_vol(price, *put, **terms, full_output=True)
    assert np.isnan(vol)
    assert ImpliedVolStatus.BELOW_INTRINSIC == status
    assert atalanta.price(*put[:5], 0.3, exercise="american", dividends=((0.2, 150.0),)) > 80.0
