"""Implied volatilities against the volatility whose 60-digit price was rounded to a double."""

import numpy as np
import pytest

import atalanta
from tests.oracle.test_european import read


@pytest.fixture(scope="module")
def exact(shared_cases):
    """179 prices with the volatility behind each and the tolerance that its condition allows."""
    return read(shared_cases / "implied_vol_mpmath.csv")


def test_every_row_within_its_tolerance(exact):
    """Each volatility is within 4 eps x max(1, condition) of the true one."""
    vol, status = atalanta.implied_vol(
        exact["price"],
        exact["type"],
        exact["S_or_F"],
        exact["K"],
        exact["T"],
        exact["r"],
        dividend_yield=exact["q"],
        full_output=True,
    )
    error = np.abs(vol / exact["sigma"] - 1)
    assert 179 == len(error)
    assert not status.any()
    assert [] == list(np.flatnonzero(~(error <= exact["tol_rel"])))


def test_each_row_alone_has_the_bits_of_the_batch(exact):
    """One call per row gives what the batch gives."""
    names = ("price", "type", "S_or_F", "K", "T", "r")
    batch = atalanta.implied_vol(*(exact[name] for name in names), dividend_yield=exact["q"])
    for i, expected in enumerate(batch):
        price, right, *rest = (exact[name][i] for name in names)
        alone = atalanta.implied_vol(
            float(price), str(right), *map(float, rest), dividend_yield=float(exact["q"][i])
        )
        assert expected == alone
