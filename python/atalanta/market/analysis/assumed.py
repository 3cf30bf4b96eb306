"""What the configuration says where a call says nothing: rate, borrow cost, tolerance. Main entry: `assumed`."""

from __future__ import annotations

from typing import NamedTuple, cast

from atalanta import config
from atalanta.market.analysis.carry import Borrow
from atalanta.market.curves import RateCurve
from atalanta.pricing.valuation import Tolerance

__all__ = ["Assumed", "assumed"]

_TOLERANCE: Tolerance = "standard"


class Assumed(NamedTuple):
    """What holds, and a note for each number that was not in the call."""

    rate: float | RateCurve | None
    borrow: Borrow
    tolerance: Tolerance
    notes: tuple[str, ...] = ()


def assumed(
    rate: float | RateCurve | None = None, borrow: Borrow = None, tolerance: Tolerance | None = None
) -> Assumed:
    """The terms of a call, with `market` of the configuration in place of those that are None.

    Args:
        rate: as `analyze` takes it.
        borrow: as `analyze` takes it.
        tolerance: as `analyze` takes it.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    settings = config.configured()
    if settings is None:
        return Assumed(rate, borrow, _TOLERANCE if tolerance is None else tolerance)
    market, notes = settings.market, []
    if rate is None and market.rate is not None:
        rate = market.rate
        notes.append(_note("rate", rate))
    if borrow is None and market.borrow is not None:
        borrow = market.borrow
        notes.append(_note("borrow", borrow))
    if tolerance is None:
        tolerance = cast(Tolerance, market.tolerance)
    return Assumed(rate, borrow, tolerance, tuple(notes))


def _note(option: str, value: float) -> str:
    return f"{option} {value:g} by the configuration: {config.current().origin(f'market.{option}')}"
