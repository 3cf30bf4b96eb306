"""nautilus_trader's backtest engine, which hands every tick to one Python handler. Main entry: `nautilus_backtest`.

The work differs: for every tick it also runs a simulated exchange, keeps a cache and sends the tick over its message bus, and then
calls Python; there is no ring, no clock that events keep, no account and no batch.
"""

from __future__ import annotations

import importlib
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta.benchmarking.streaming.workloads import ticks, ticks_only
from atalanta.errors import MissingExtraError

__all__ = ["nautilus_backtest"]

_VENUE, _DECIMALS = "SIM", 4


def nautilus_backtest(count: int = 50_000) -> Callable[[], float]:
    """A call that runs a backtest over so many ticks of 64 instruments and gives the processor's seconds a tick.

    Instruments, ticks and the strategy are made once; only the run is in the figure. The handler counts, and does nothing else.

    Raises:
        MissingExtraError: nautilus_trader is not installed.
    """
    parts = _imported()
    engine = parts["BacktestEngine"](
        parts["BacktestEngineConfig"](logging=parts["LoggingConfig"](bypass_logging=True))
    )
    venue = parts["Venue"](_VENUE)
    engine.add_venue(
        venue=venue,
        oms_type=parts["OmsType"].NETTING,
        account_type=parts["AccountType"].CASH,
        base_currency=parts["USD"],
        starting_balances=[parts["Money"](1_000_000, parts["USD"])],
    )
    universe = ticks_only()
    instruments = [_share(parts, name, venue) for name in universe.tickers]
    for instrument in instruments:
        engine.add_instrument(instrument)
    engine.add_data(_quotes(parts, instruments, ticks(universe, count)))
    handler = _counting(parts["Strategy"], [instrument.id for instrument in instruments])
    engine.add_strategy(handler)

    def run() -> float:
        engine.reset()
        before = handler.seen
        with warnings.catch_warnings():  # of the libraries that it uses
            warnings.simplefilter("ignore")
            begin = time.thread_time()
            engine.run()
            passed = time.thread_time() - begin
        if handler.seen - before != count:
            raise RuntimeError(f"the handler saw {handler.seen - before} of {count} ticks")
        return passed / count

    return run


_FROM = {
    "backtest.engine": ("BacktestEngine", "BacktestEngineConfig"),
    "config": ("LoggingConfig",),
    "model.currencies": ("USD",),
    "model.data": ("QuoteTick",),
    "model.enums": ("AccountType", "OmsType"),
    "model.identifiers": ("InstrumentId", "Symbol", "Venue"),
    "model.instruments": ("Equity",),
    "model.objects": ("Money", "Price", "Quantity"),
    "trading.strategy": ("Strategy",),
}


def _imported() -> dict[str, Any]:
    try:
        modules = {name: importlib.import_module(f"nautilus_trader.{name}") for name in _FROM}
    except ImportError as error:
        raise MissingExtraError(
            f"[benchmarking.nautilus_backtest] nautilus_trader cannot be imported ({error}): "
            "python -m pip install nautilus_trader (Python 3.12 and later)"
        ) from error
    return {name: getattr(modules[module], name) for module, names in _FROM.items() for name in names}


def _share(parts: dict[str, Any], name: str, venue: Any) -> Any:
    symbol = parts["Symbol"](name)
    return parts["Equity"](
        instrument_id=parts["InstrumentId"](symbol, venue),
        raw_symbol=symbol,
        currency=parts["USD"],
        price_precision=_DECIMALS,
        price_increment=parts["Price"](10.0**-_DECIMALS, _DECIMALS),
        lot_size=parts["Quantity"].from_int(1),
        ts_event=0,
        ts_init=0,
    )


def _quotes(parts: dict[str, Any], instruments: list[Any], events: npt.NDArray[np.void]) -> list[Any]:
    price, one = parts["Price"], parts["Quantity"].from_int(1)
    ids = [instrument.id for instrument in instruments]
    return [
        parts["QuoteTick"](ids[key], price(bid, _DECIMALS), price(ask, _DECIMALS), one, one, place, place)
        for place, (key, bid, ask) in enumerate(
            zip(events["key"].tolist(), events["bid"].tolist(), events["ask"].tolist(), strict=True)
        )
    ]


def _counting(strategy: Any, ids: list[Any]) -> Any:
    class Counting(strategy):  # type: ignore[misc]
        seen = 0

        def on_start(self) -> None:
            for each in ids:
                self.subscribe_quote_ticks(each)

        def on_quote_tick(self, tick: Any) -> None:
            del tick
            self.seen += 1

    return Counting()
