"""The stream: events in, volatilities, Greeks and book numbers out. Main entry: `Stream`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self, get_args

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.market.table import Table
from atalanta.streaming.awaited import Awaiting
from atalanta.streaming.engine import engine_of, is_positive, is_whole, require_events, require_usable
from atalanta.streaming.errors import StreamHaltedError
from atalanta.streaming.positions import Positions, quantities_by_key
from atalanta.streaming.processors import Process, Processor, ShouldProcess
from atalanta.streaming.producer import Producer, push_one
from atalanta.streaming.results import Results, require_count
from atalanta.streaming.scenarios import ScenarioGrid, Scenarios, grid_of
from atalanta.streaming.settings import Executor, StreamSettings
from atalanta.streaming.snapshot import BookGreeks, Snapshot, snapshot_of
from atalanta.streaming.universe import Universe

__all__ = ["Stream"]

_ORIGIN = "streaming.Stream"
_CONTRACT_STATE = ("bid", "ask", "vol", "price", "delta", "gamma", "vega", "theta", "flags")
_BOOK_STATE = ("value", "pnl", "delta", "gamma", "vega", "theta", "delta_cash", "positions", "priced")


class Stream(Awaiting):
    """A native engine that takes events, prices what they change within budgets, and accounts for every one.

    Three stages run inline on one thread that holds no GIL: market data (hygiene, prices of underlyings), pricing
    (implied volatility and Greeks of a quoted contract; the whole expiry when its underlying ticks), risk (Greeks of the
    positions). Nothing is dropped silently: `snapshot().exact` holds at every moment. American contracts are solved exactly
    by a thread behind; an inline stream has none, and does so in `refresh()`.

    Args:
        universe: the instruments.
        executor: `inline`, `hybrid` or `pinned`; see `atalanta.streaming.settings.Executor` for when to use which.
        settings: budgets, conflation, sizes.
        positions: {symbol: quantity}, a CSV file with symbol and quantity, or a book. What is in no universe is an error.
        processor: of the executor `pinned`, its place among the usable ones, from 0.
        tolerance: of American prices, the error for a strike of 100.
        scenarios: `Scenarios()`, or with other shocks: the risk stage keeps profit and loss over shocks of spot and
            volatility up to date, see `scenarios()`. None: it does not.
        risk_stages: native stages of other rooms, as capsules; they run after the Greeks of the positions.

    Raises:
        InputError: a setting out of range, or two that contradict each other; a position without an instrument.

    Example:
        >>> from atalanta.streaming import Stream, Universe
        >>> stream = Stream(Universe({"XYZ": 100.0}))
        >>> stream.push("XYZ", 100.4, 100.6, time_ns=1)
        True
        >>> stream.snapshot().out
        1
    """

    def __init__(
        self,
        universe: Universe,
        *,
        executor: Executor = "inline",
        settings: StreamSettings | None = None,
        positions: Positions | None = None,
        processor: int = 0,
        tolerance: float = 5e-4,
        scenarios: Scenarios | None = None,
        risk_stages: Sequence[Any] = (),
    ) -> None:
        if executor not in get_args(Executor):
            raise InputError(
                f"[{_ORIGIN}] executor is {executor!r}; it must be one of {', '.join(get_args(Executor))}"
            )
        self.universe, self.executor = universe, executor
        self.settings = StreamSettings() if settings is None else settings
        require_usable(universe, self.settings, processor, tolerance)
        self._scenarios = self._checked(scenarios)
        self._core = engine_of(universe, self.settings, tolerance, risk_stages, scenarios)
        self._producer = self._core.producer()
        self._processor_place = processor
        self._processors: dict[str, Processor] = {}
        self._consumers: list[Results] = []
        self._lock = threading.Lock()
        super().__init__(self._core, self._producer, universe)
        if positions is not None:
            self.set_positions(positions)
        if executor != "inline":
            self.start()

    def _checked(self, scenarios: Scenarios | None) -> Scenarios | None:
        if scenarios is not None and not isinstance(scenarios, Scenarios):
            raise InputError(f"[{_ORIGIN}] scenarios is {scenarios!r}; it must be Scenarios(...) or None")
        if scenarios is not None and self.settings.stages < 3:
            raise InputError(
                f"[{_ORIGIN}] scenarios need the risk stage: settings.stages is {self.settings.stages}, and must be 3"
            )
        return scenarios

    # Coming and going

    def start(self) -> None:
        """Start the engine's thread again after `stop`; nothing to do for `inline`.

        Consumers and processors ended with the stop: make them anew.
        """
        if self.executor != "inline":
            self._core.start(self.executor, self._processor_place)

    def stop(self, drain: bool = True) -> Snapshot:
        """End the thread, once all that was pushed is dealt with, or (`drain=False`) at once; consumers and processors end.

        Returns:
            the account at the end.
        """
        self._core.stop(drain)
        for consumer in self._consumers:
            consumer._outlet.close()
        self._consumers.clear()
        processors = list(self._processors.values())
        for processor in processors:
            processor.end()
        self._fail_waiters()
        return self.snapshot()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(drain=kind is None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(drain=kind is None)

    # In

    def push_many(self, events: npt.NDArray[np.void]) -> int:
        """Push events.

        Args:
            events: (N,) of the dtype `EVENT`, as `Universe.events` makes them.

        Returns:
            how many were taken, from the first on. The rest found no room and is counted as dropped. An inline stream
            always has room.

        Raises:
            InputError: another dtype.
            StreamHaltedError: the stream has halted.
        """
        events = require_events(f"{_ORIGIN}.push_many", events)
        if self.executor != "inline":
            taken = self._producer.push_many(events)
            if taken < len(events):
                self._refuse_halted()
            return taken
        taken, room = 0, self._producer.capacity
        with self._lock:
            for first in range(0, max(len(events), 1), room):
                taken += self._producer.push_many(events[first : first + room])
                self._core.pump()
        if taken < len(events):
            self._refuse_halted()
        return taken

    def push(self, symbol: str | int, bid: float, ask: float, *, time_ns: int, **columns: Any) -> bool:
        """Push one quote (or, with `kind=TRADE`, a trade at `bid`); False where it found no room.

        Args:
            symbol: or its key.
            bid: per share; NaN where absent.
            ask: per share; NaN where absent.
            time_ns: of the source, nanoseconds since 1970.
            **columns: others of `EVENT`.

        Raises:
            InputError: an unknown symbol, or a value that the record cannot hold.
            StreamHaltedError: the stream has halted.
        """
        taken = push_one(f"{_ORIGIN}.push", self._producer, self.universe, symbol, bid, ask, time_ns, columns)
        if self.executor == "inline":
            self._core.pump()
        if not taken:
            self._refuse_halted()
        return taken

    def producer(self) -> Producer:
        """A way in of its own for another thread, up to 15 of them; not for `inline`, where whoever pushes runs the stages.

        Raises:
            InputError: the stream is inline, or there are 15 already.
        """
        if self.executor == "inline":
            raise InputError(
                f"[{_ORIGIN}.producer] an inline stream looks at one ring; push into the stream itself, or use 'hybrid'"
            )
        return Producer(self._core.producer(), self.universe, self._refuse_halted)

    def _refuse_stopped(self, what: str) -> None:
        """A consumer of a stream that has stopped would wait for ever."""
        if self.executor != "inline" and not self._core.running and self._core.account()["halted"] is None:
            raise InputError(f"[{_ORIGIN}.{what}] the stream has stopped; start() it first")

    def _refuse_halted(self) -> None:
        stage = self._core.account()["halted"]
        if stage is not None:
            raise StreamHaltedError(
                f"[{_ORIGIN}] halted: the budget of {stage} was missed; give it another on_miss"
            )

    # Out

    def results(self, *, max_batch: int = 1024, capacity: int = 16_384, refreshed: bool = False) -> Results:
        """Results from now on, for `async for` or `Results.take`; up to 15 consumers, processors among them, at a time.

        Args:
            max_batch: most rows at a time.
            capacity: rows that may wait; what comes beyond them is missed, and counted.
            refreshed: also a row for each contract that moved with its underlying.

        Raises:
            InputError: a count that is none, 15 consumers that are not closed, or the stream has stopped.
        """
        self._refuse_stopped("results")
        most = require_count(f"{_ORIGIN}.results", "max_batch", max_batch)
        room = require_count(f"{_ORIGIN}.results", "capacity", capacity)
        outlet = self._core.outlet(room, "with_refreshed" if refreshed else "events")
        consumer = Results(outlet, most, lambda: self._core.account()["halted"])
        self._consumers = [each for each in self._consumers if not each._outlet.closed]
        self._consumers.append(consumer)
        return consumer

    def processor(
        self,
        name: str,
        *,
        latency_target: float | None = None,
        should_process: ShouldProcess | None = None,
        capacity: int = 16_384,
        max_batch: int = 1024,
        refreshed: bool = False,
    ) -> Callable[[Process], Process]:
        """A decorator that has a function called with batches of results, on a thread of its own.

        Args:
            name: of the processor, one of its kind.
            latency_target: seconds from the oldest event of a batch to the end of the call; calls beyond it are counted.
            should_process: given a batch: whether, or which rows of it, the function is called with.
            capacity: rows that may wait for it; what comes beyond them is missed, and counted.
            max_batch: most rows at a time.
            refreshed: also a row for each contract that moved with its underlying.

        Raises:
            InputError: the name is taken, a setting cannot be used, or the stream has stopped.
        """
        self._refuse_stopped("processor")
        if name in self._processors and not self._processors[name].ended:
            raise InputError(
                f"[{_ORIGIN}.processor] there is a processor {name!r} already; give this one another name"
            )
        if latency_target is not None and not is_positive(latency_target):
            raise InputError(
                f"[{_ORIGIN}.processor] latency_target is {latency_target!r}; it must be seconds above 0"
            )
        most = require_count(f"{_ORIGIN}.processor", "max_batch", max_batch)
        room = require_count(f"{_ORIGIN}.processor", "capacity", capacity)

        def register(function: Process) -> Process:
            outlet = self._core.outlet(room, "with_refreshed" if refreshed else "events")
            self._processors[name] = Processor(name, outlet, function, latency_target, should_process, most)
            return function

        return register

    def remove_processor(self, name: str) -> None:
        """End a processor after what is there for it.

        Raises:
            InputError: there is none of that name.
        """
        if name not in self._processors:
            raise InputError(
                f"[{_ORIGIN}] there is no processor {name!r}; known: {', '.join(self._processors) or 'none'}"
            )
        self._processors.pop(name).end()

    # What is known

    def snapshot(self) -> Snapshot:
        """The account, latencies, book and processors at this moment."""
        reports = tuple(each.report() for each in self._processors.values())
        return snapshot_of(self._core.account(), self._core.histograms(), self._core.book(), reports)

    def contracts(self) -> Table:
        """The universe's contracts with `bid, ask, vol, price, delta, gamma, vega, theta, flags` as of now; NaN where unknown."""
        state = self._core.contracts()
        columns = {name: state[i] for i, name in enumerate(_CONTRACT_STATE)}
        columns["flags"] = columns["flags"].astype(np.uint32)
        return self.universe.contracts.with_columns(**columns)

    def forwards(self) -> Table:
        """The forward of each expiry as of now, and how it came about.

        Returns:
            G rows with `underlying, root, expires_at, exercise, forward` (per share; NaN before anything has come in),
            `forward_se` (its standard error), `pairs` (calls and puts behind it), `fitted_at` (instant of the market), `age`
            (seconds of the market since), `scale` (what is priced on, by the price that ticks). Error and age are NaN,
            the instant is NaT, where the forward is that of the universe, carried in proportion to the price that ticks.
        """
        state = self._core.forwards()
        never = state["fitted_ns"] == np.iinfo(np.int64).min  # which is NaT as well
        return self.universe.expiries().with_columns(
            forward=state["forward"],
            forward_se=state["error"],
            pairs=state["pairs"],
            fitted_at=state["fitted_ns"].view("M8[ns]"),
            age=np.where(never, np.nan, 1e-9 * (state["now_ns"] - np.where(never, 0, state["fitted_ns"]))),
            scale=state["scale"],
        )

    def underlyings(self) -> Table:
        """`underlying, bid, ask, spot` as of now; NaN where unknown."""
        bid, ask, spot = self._core.underlyings()
        return Table(
            {
                "underlying": np.array(self.universe.tickers, dtype=object),
                "bid": bid,
                "ask": ask,
                "spot": spot,
            }
        )

    def book(self) -> BookGreeks:
        """The Greeks of all positions."""
        return BookGreeks(**self._core.book())

    def books(self) -> Table:
        """The Greeks of the positions by underlying, as in `BookGreeks`."""
        state = self._core.books().T
        names = np.array(self.universe.tickers, dtype=object)
        return Table({"underlying": names, **{name: state[i] for i, name in enumerate(_BOOK_STATE)}})

    def scenarios(self) -> ScenarioGrid:
        """Profit and loss of the positions over shocks of spot and volatility, as the last batch has left it.

        The risk stage reads it from ladders that a thread behind solves: whole when an underlying ticks, contract by
        contract where a volatility changes. An inline stream has no such thread and solves in `refresh()`.

        Raises:
            InputError: the stream was made without `scenarios`.
        """
        if self._scenarios is None:
            raise InputError(
                f"[{_ORIGIN}] there are no scenarios: make it with Stream(..., scenarios=Scenarios())"
            )
        return grid_of(self._core.scenarios(), self._scenarios, self.universe.tickers)

    @property
    def has_scenarios(self) -> bool:
        """Whether it was made with `scenarios`."""
        return self._scenarios is not None

    def gaps(self) -> Table:
        """The last 256 holes in sequence numbers: `source, first, last, time_ns` (of the event after it)."""
        rows = self._core.gaps()
        return Table({name: rows[:, i] for i, name in enumerate(("source", "first", "last", "time_ns"))})

    # Changes

    def set_positions(self, positions: Positions) -> None:
        """Put other positions in the place of those there are.

        Raises:
            InputError: symbols that are not in the universe, or a quantity that is no number; the positions stay.
        """
        self._core.set_positions(quantities_by_key(positions, self.universe))

    def refresh(self) -> bool:
        """Solve all American contracts exactly, and the ladders of the scenarios, now, on this thread.

        Returns:
            whether there was something to solve.
        """
        return self._core.refresh()

    def restart_source(self, source: int) -> None:
        """Take the next sequence number of a source as its first: it has started anew.

        Raises:
            InputError: no source from 0 to 63.
        """
        if not is_whole(source) or not 0 <= source < 64:
            raise InputError(f"[{_ORIGIN}] source is {source!r}; it must be a number from 0 to 63")
        self._core.restart_source(source)

    def clear_latencies(self) -> None:
        """Begin the histograms anew; the account goes on."""
        self._core.clear_histograms()
