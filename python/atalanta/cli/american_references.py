"""Reference values of American options and of cash dividends for the self-check: `AMERICAN_REFERENCES`.

Sources. With a yield: spectral collocation of the equations of Andersen, Lake and Offengenden (64 nodes, 128
quadrature points), exact to 1e-9. With cash dividends: nested Gauss-Legendre quadrature under the spot model,
confirmed by a trapezoidal rule, exact to 1e-9; such a call is exercised just before an ex-date only. No market data.
"""

from __future__ import annotations

from typing import NamedTuple

from atalanta.pricing.valuation import Exercise

__all__ = ["AMERICAN_REFERENCES", "AmericanReference"]


class AmericanReference(NamedTuple):
    """One contract and its exact price; `dividends` are (years to the ex-date, cash) pairs."""

    exercise: Exercise
    right: str
    spot: float
    strike: float
    years: float
    rate: float
    dividend_yield: float
    vol: float
    dividends: tuple[tuple[float, float], ...]
    price: float


AMERICAN_REFERENCES = (
    AmericanReference("american", "put", 90.0, 100.0, 30 / 365, 0.06, 0.0, 0.5, (), 11.538213087056617),
    AmericanReference("american", "put", 90.0, 100.0, 91 / 365, 0.06, 0.04, 0.2, (), 10.397319356072554),
    AmericanReference("american", "put", 110.0, 100.0, 273 / 365, 0.02, 0.08, 0.4, (), 11.476096974651817),
    AmericanReference("american", "put", 120.0, 100.0, 273 / 365, 0.08, 0.0, 0.5, (), 8.474666072582814),
    AmericanReference("american", "call", 80.0, 100.0, 1.0, 0.06, 0.12, 0.2, (), 0.6249912159133004),
    AmericanReference("american", "call", 100.0, 100.0, 182 / 365, 0.1, 0.04, 0.6, (), 17.688992893020906),
    AmericanReference(
        "american", "call", 100.0, 100.0, 1.0, 0.06, 0.0, 0.3, ((0.5, 7.0),), 11.65644894768186
    ),
    AmericanReference(
        "american", "call", 40.0, 40.0, 0.5, 0.09, 0.0, 0.3, ((1 / 6, 0.5), (5 / 12, 0.5)), 3.765434316149804
    ),
    AmericanReference(
        "american", "call", 100.0, 90.0, 1.0, 0.05, 0.0, 0.2, ((0.25, 2.0),), 15.157570415498801
    ),
    AmericanReference(
        "european", "call", 100.0, 100.0, 1.0, 0.06, 0.0, 0.3, ((0.5, 7.0),), 11.106242462849202
    ),
    AmericanReference(
        "european", "put", 100.0, 100.0, 1.0, 0.06, 0.0, 0.3, ((0.5, 7.0),), 12.075814556113635
    ),
    AmericanReference(
        "european", "put", 40.0, 40.0, 0.5, 0.09, 0.0, 0.3, ((1 / 6, 0.5), (5 / 12, 0.5)), 2.9328159416563944
    ),
)
