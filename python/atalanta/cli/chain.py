"""`atalanta chain FILE`: a file read, filtered and analysed. Main entry: `run_chain`."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from atalanta.cli.machine import machine_card
from atalanta.cli.report import Report
from atalanta.cli.stages import Stage, time_stages
from atalanta.errors import InputError
from atalanta.market.analysis import analyze
from atalanta.market.analysis.assignment import find_assignments
from atalanta.market.chain import Chain
from atalanta.market.reading.readers import read_chain
from atalanta.pricing.valuation import require_tolerance

__all__ = ["ChainRequest", "run_chain", "select"]

_LISTED = 12
_LARGEST_RATE = 1.0  # of the rate and the borrow cost; beyond it per cent was meant


@dataclass(frozen=True)
class ChainRequest:
    """What to read and what to keep; None takes everything, or lets the reader decide.

    | field | meaning |
    |---|---|
    | `underlying`, `expiry` | keep only these rows; expiry as YYYY-MM-DD; names what the file leaves unnamed |
    | `rate` | continuously compounded, decimal; None takes it from parity |
    | `dividends`, `borrow`, `tolerance` | handed to `analyze`; a tolerance that is a number may be text |
    | `layout`, `spot`, `quote_time`, `exercise`, `settlement` | handed to `read_chain` |
    """

    file: Path
    underlying: str | None = None
    expiry: str | None = None
    rate: float | None = None
    layout: str | None = None
    spot: float | None = None
    quote_time: str | None = None
    exercise: str | None = None
    settlement: str | None = None
    dividends: Path | None = None
    borrow: float | None = None
    tolerance: str | None = None

    def terms(self) -> dict[str, Any]:
        """What `analyze` is given beside the chain."""
        return {
            "rate": self.rate,
            "dividends": self.dividends,
            "borrow": self.borrow,
            "tolerance": _number_or_name(self.tolerance),
        }


def run_chain(request: ChainRequest, step: Callable[[str], None]) -> Report:
    """Read, filter, analyse and time.

    Args:
        request: what to do.
        step: told in a few words what is being done.

    Raises:
        InputError: the file, a filter, the rate, the dividends, the borrow cost or the tolerance cannot be used.
    """
    expiry = _parsed_expiry(request.expiry)
    _check_options(request)
    step(f"reading {request.file.name}")
    start = time.perf_counter()
    chain = _read(request)
    read = Stage("read", time.perf_counter() - start, len(chain), "contract")
    chosen = select(chain, request.underlying, expiry)
    step(f"analysing {len(chosen):,} contracts")
    terms = request.terms()
    analysis = analyze(chosen, **terms)
    step("looking for early exercise")
    assignments = find_assignments(analysis, tolerance=terms["tolerance"])
    step("timing the stages")
    return Report(
        command="chain",
        source=request.file.name,
        analysis=analysis,
        machine=machine_card(),
        stages=time_stages(chosen, (read,), terms),
        assignments=assignments,
        dividends_given=request.dividends is not None,
    )


def _check_options(request: ChainRequest) -> None:
    """Refuse what needs no file to be seen as wrong."""
    if not (request.underlying or "").isprintable():
        raise InputError(f"[cli.chain] --underlying {request.underlying!a} is no name: write its ticker")
    for option, value in (("--rate", request.rate), ("--borrow", request.borrow)):
        if value is not None and not abs(value) <= _LARGEST_RATE:
            raise InputError(
                f"[cli.chain] {option} is {value!r}; it must be a decimal from -{_LARGEST_RATE:g} to "
                f"{_LARGEST_RATE:g} (0.05 is 5 % a year; not per cent)"
            )
    if request.tolerance is not None:
        require_tolerance(_number_or_name(request.tolerance), "cli.chain", "--tolerance")


def _number_or_name(text: str | None) -> Any:
    """A tolerance as `analyze` takes it."""
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        return text


def _read(request: ChainRequest) -> Chain:
    """The file as it is; one that names no underlying takes the name asked for."""
    names = ("layout", "spot", "quote_time", "exercise", "settlement")
    given = {name: getattr(request, name) for name in names}
    try:
        return read_chain(request.file, **given)
    except InputError as error:
        if request.underlying is None or "does not name the underlying" not in str(error):
            raise
    return read_chain(request.file, underlying=request.underlying, **given)


def select(chain: Chain, underlying: str | None, expiry: np.datetime64 | None) -> Chain:
    """The rows of one underlying and one expiry date.

    Args:
        chain: N rows.
        underlying: as in the column `underlying`, in either case; None keeps all.
        expiry: a date; None keeps all.

    Raises:
        InputError: no row matches; the message names what the file holds.
    """
    if underlying is not None:
        names = np.array([str(name).upper() for name in chain["underlying"].tolist()], dtype=object)
        keep = names == underlying.strip().upper()
        if not keep.any():
            raise InputError(_nothing("--underlying", underlying, chain["underlying"].tolist()))
        chain = chain.take(keep).with_notes(
            f"only the underlying {underlying.strip().upper()}: {keep.sum():,} rows"
        )
    if expiry is not None:
        keep = chain["expiry"] == expiry
        if not keep.any():
            raise InputError(
                _nothing("--expiry", str(expiry), np.datetime_as_string(chain["expiry"]).tolist())
            )
        chain = chain.take(keep).with_notes(f"only the expiry {expiry}: {keep.sum():,} rows")
    return chain


def _parsed_expiry(text: str | None) -> np.datetime64 | None:
    if text is None:
        return None
    try:
        return np.datetime64(dt.date.fromisoformat(text), "D")
    except ValueError:
        raise InputError(f"[cli.chain] --expiry {text!r} is not a date: write YYYY-MM-DD") from None


def _nothing(option: str, value: str, found: list[str]) -> str:
    names = sorted({str(name) for name in found})
    listed = ", ".join(names[:_LISTED]) + (
        f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    )
    return f"[cli.chain] {option} {value} matches no row (found: {listed})"
