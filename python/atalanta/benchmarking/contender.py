"""A contender: a library and the operations it takes part in. Atalanta itself is `atalanta_contender`.

A binder turns rows into the work that is timed; what it does before (splitting, converting) is not timed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any, Literal

import atalanta
from atalanta import pricing
from atalanta.benchmarking.clock import Work
from atalanta.benchmarking.listed.binders import listed_binders
from atalanta.benchmarking.workloads import ONE_OPTION, Rows

__all__ = ["Binder", "Contender", "Finest", "atalanta_contender"]

Binder = Callable[[Any], Work]

#: The name of a library's finest price, how many rows are worth its time, and its call.
Finest = tuple[str, int, Binder]


@dataclass(frozen=True)
class Contender:
    """A library under test.

    Attributes:
        name: as in the tables.
        binders: by operation, see `operations.OPERATIONS`; a missing one means that the library has no such function.
        packages: distributions whose versions the report names.
        note: how the library is called, where that matters.
        answers_rows: False when its batch call cannot take the given rows and is timed on others.
        references: by operation, a price of its own that errors may be measured against.
    """

    name: str
    binders: Mapping[str, Binder] = field(repr=False)
    packages: tuple[str, ...] = ()
    note: str = ""
    answers_rows: bool = True
    references: Mapping[str, Finest] = field(default_factory=dict, repr=False)

    @property
    def versions(self) -> dict[str, str]:
        """Installed version of each package; `unknown` for one that runs from a source tree."""
        return {name: _version(name) for name in self.packages}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"


def atalanta_contender() -> Contender:
    """This package, called as a user calls it."""
    return Contender(
        "atalanta",
        {
            "price": _price,
            "greeks": lambda rows: _greeks(rows, 1),
            "greeks_all": lambda rows: _greeks(rows, 3),
            "implied_vol": _implied_vol,
            "one_price": lambda _: _one("price", *ONE_OPTION, 0.2),
            "one_price_yield": lambda _: _one("price", *ONE_OPTION, 0.2, dividend_yield=0.01),
            "one_implied_vol": lambda _: _one("implied_vol", pricing.price(*ONE_OPTION, 0.2), *ONE_OPTION),
            **listed_binders(),
        },
        packages=("atalanta", "numpy"),
    )


def _one(function: str, *arguments: str | float, **keywords: float) -> Work:
    return Work.literal(f"atalanta.{function}", {"atalanta": atalanta}, *arguments, **keywords)


def _price(rows: Rows) -> Work:
    columns, dividend_yield = (rows.right, rows.spot, rows.strike, rows.years, rows.rate), rows.dividend_yield
    return Work.calling(lambda: pricing.price(*columns, rows.vol, dividend_yield=dividend_yield))


def _greeks(rows: Rows, order: Literal[1, 3]) -> Work:
    columns, dividend_yield = (rows.right, rows.spot, rows.strike, rows.years, rows.rate), rows.dividend_yield
    return Work.calling(
        lambda: pricing.greeks(*columns, rows.vol, dividend_yield=dividend_yield, order=order)
    )


def _implied_vol(rows: Rows) -> Work:
    columns, dividend_yield = (rows.right, rows.spot, rows.strike, rows.years, rows.rate), rows.dividend_yield
    return Work.calling(lambda: pricing.implied_vol(rows.price, *columns, dividend_yield=dividend_yield))
