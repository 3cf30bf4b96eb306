"""A dependency that fails as it is told to, under load, in virtual time. Main entries: `Scenario`, `simulate`.

Requests arrive at random, wait in a queue for one of a few slots, and call the dependency through whatever is tested:
the policy under test runs as it is, on a loop whose time passes when nothing is left to do.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from atalanta import _core
from atalanta.errors import AtalantaError, InputError
from atalanta.reliability.checks import number, whole
from atalanta.testing.virtual_time import run_in_virtual_time

__all__ = ["InjectedFault", "Outage", "Report", "Scenario", "simulate"]


class InjectedFault(AtalantaError, RuntimeError):
    """What the simulated dependency raises."""


@dataclass(frozen=True, slots=True)
class Outage:
    """From `start` to `end`, in seconds, every call hangs for `hang` and then fails."""

    start: float
    end: float
    hang: float = 0.5


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is simulated. Times in seconds; the defaults are an outage of 20 in 60 s, at 30 % faults beside it.

    Args:
        rate: requests a second on average, Poisson.
        duration: for which they arrive.
        slots: requests in hand at a time; the others queue, first come first served.
        patience: in the queue, after which a client gives up.
        takes: of a healthy call.
        faults: share of calls that fail outside outages.
        fault_takes: of such a call.
        outages: when nothing works.
        slo: an answer counts when it is there within so much of the arrival.

    Raises:
        InputError: a value out of range.
    """

    rate: float = 100.0
    duration: float = 60.0
    slots: int = 8
    patience: float = 2.0
    takes: float = 1e-3
    faults: float = 0.3
    fault_takes: float = 2e-3
    outages: tuple[Outage, ...] = (Outage(20.0, 40.0),)
    slo: float = 0.25

    def __post_init__(self) -> None:
        """Check."""
        origin = "testing.Scenario"
        for name in ("rate", "duration", "patience", "slo"):
            number(origin, name, getattr(self, name))
        whole(origin, "slots", self.slots)
        for name in ("takes", "fault_takes"):
            if getattr(self, name) != 0:
                number(origin, name, getattr(self, name))
        if self.faults != 0:
            number(origin, "faults", self.faults, most=1.0)
        for outage in self.outages:
            if not 0.0 <= outage.start < outage.end or not 0.0 <= outage.hang < math.inf:
                raise InputError(
                    f"[{origin}] {outage!r}: it must end after it starts, and not hang for less than 0"
                )

    def outage_at(self, now: float) -> Outage | None:
        """The outage of that moment."""
        return next((one for one in self.outages if one.start <= now < one.end), None)


@dataclass(frozen=True, slots=True)
class _Request:
    arrival: float
    latency: float
    #: of the answer; None where there was none
    source: str | None


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """What became of every request."""

    scenario: Scenario
    requests: tuple[_Request, ...]

    @property
    def in_slo(self) -> float:
        """Share of requests that were answered in time."""
        return self._share(lambda one: self._good(one), self.requests)

    @property
    def live(self) -> float:
        """Share of requests that were answered in time, and live."""
        return self._share(lambda one: self._good(one) and one.source == "live", self.requests)

    @property
    def in_outage(self) -> float:
        """`in_slo` of those that arrived in an outage."""
        inside = [one for one in self.requests if self.scenario.outage_at(one.arrival) is not None]
        return self._share(lambda one: self._good(one), inside)

    def quantile(self, share: float) -> float:
        """Seconds within which that share of all requests came to an end."""
        ordered = sorted(one.latency for one in self.requests)
        if not ordered:
            return float("nan")
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def __repr__(self) -> str:
        shares = {"in SLO": self.in_slo, "live": self.live, "in the outage": self.in_outage}
        told = [f"{100 * share:.1f} % {name}" for name, share in shares.items() if not math.isnan(share)]
        return f"Report({', '.join([f'{len(self.requests):,} requests', *told])})"

    def _good(self, request: _Request) -> bool:
        return request.source is not None and request.latency <= self.scenario.slo

    @staticmethod
    def _share(counts: Callable[[_Request], bool], requests: Sequence[_Request]) -> float:
        return sum(map(counts, requests)) / len(requests) if requests else float("nan")


#: Calls the dependency, given as an argument, in the way that is tested.
Way = Callable[[Callable[[], Awaitable[object]]], Awaitable[object]]


def simulate(
    scenario: Scenario,
    make: Callable[[Callable[[], float], Callable[[], float]], Way],
    seed: int = 1,
) -> Report:
    """Let the requests of a scenario happen.

    Args:
        scenario: what happens.
        make: gets a clock and a source of chance, and returns the way in which the dependency is called: a coroutine
            function that takes the call, for example `Policy(..., clock=clock, random=chance).acall`. An `Answer`
            that it returns says its source; anything else counts as live, an exception as no answer.
        seed: of arrivals, faults and the source of chance.

    Returns:
        What became of every request, in the order of arrival.

    Example:
        >>> from atalanta.reliability import Policy
        >>> from atalanta.testing import Scenario, simulate
        >>> bare = simulate(Scenario(duration=1.0, outages=()), lambda clock, chance: Policy("bare", clock=clock).acall)
        >>> 0.5 < bare.in_slo < 0.9
        True
    """
    return run_in_virtual_time(_simulated(scenario, make, seed))


async def _simulated(
    scenario: Scenario, make: Callable[[Callable[[], float], Callable[[], float]], Way], seed: int
) -> Report:
    loop = asyncio.get_running_loop()
    start = loop.time()
    arrivals, faults, chance = (random.Random(f"{seed} {what}") for what in ("arrivals", "faults", "chance"))
    way = make(loop.time, chance.random)
    slots = asyncio.Semaphore(scenario.slots)
    ended: list[_Request] = []

    async def dependency() -> object:
        outage = scenario.outage_at(loop.time() - start)
        if outage is not None:
            await asyncio.sleep(outage.hang)
            raise InjectedFault("[testing.simulate] outage")
        failing = faults.random() < scenario.faults
        await asyncio.sleep(scenario.fault_takes if failing else scenario.takes)
        if failing:
            raise InjectedFault("[testing.simulate] fault")
        return None

    async def request() -> None:
        arrival, source = loop.time(), None
        try:
            await asyncio.wait_for(slots.acquire(), scenario.patience)
        except TimeoutError:
            pass
        else:
            try:
                answer = await way(dependency)
                source = answer.source if isinstance(answer, _core.Answer) else "live"
            except AtalantaError:
                pass  # that is what is counted
            finally:
                slots.release()
        ended.append(_Request(arrival - start, loop.time() - arrival, source))

    running = []
    while True:
        await asyncio.sleep(arrivals.expovariate(scenario.rate))
        if loop.time() - start >= scenario.duration:
            break
        running.append(asyncio.create_task(request()))
    await asyncio.gather(*running)
    return Report(scenario, tuple(sorted(ended, key=lambda one: one.arrival)))
