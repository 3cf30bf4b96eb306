"""What a policy costs, and what it saves: overheads, the simulated outage, real sockets, parallel callers, memory.

python benchmarks/reliability.py [--quick]

Overheads are CPU time beyond the bare call; contenders take turns, and the least of all rounds counts. The simulation
is in virtual time and the same on every machine. pybreaker takes part where it is installed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import itertools
import socketserver
import statistics
import threading
import time
import tracemalloc
from collections.abc import Callable

from atalanta import _core
from atalanta.errors import BreakerOpenError
from atalanta.reliability import Breaker, Cache, Fallback, Hedge, Policy, Retry
from atalanta.testing import FaultProxy, Scenario, simulate

CALLS = 5_000


def work(x: int) -> int:
    return x


async def awork(x: int) -> int:
    return x


def instead(x: int) -> int:
    return x


def policies() -> dict[str, Policy]:
    run_only = {"ratio": None}
    return {
        "breaker, failures in a row": Policy("a", breaker=Breaker("a", "gpu_compute", **run_only)),
        "breaker, ratio too": Policy("b", breaker="gpu_compute"),
        "breaker, ratio and slow calls": Policy("c", breaker=Breaker("c", slow=1.0)),
        "full stack: with retry, bulkhead, fallback": Policy(
            "d", breaker="gpu_compute", retry=Retry(), bulkhead=8, fallback=instead
        ),
        "full stack and deadline": Policy(
            "e", breaker="gpu_compute", retry=Retry(), bulkhead=8, fallback=instead, deadline=10.0
        ),
        "full stack, deadline, cache": Policy(
            "f", breaker="gpu_compute", retry=Retry(), bulkhead=8, fallback=Cache(), deadline=10.0
        ),
        "hedge": Policy("g", hedge=Hedge(1.0)),
    }


def timed(function: Callable[..., object], *arguments: object) -> float:
    """Nanoseconds of CPU time a call."""
    begin = time.process_time_ns()
    for _ in range(CALLS):
        function(*arguments)
    return (time.process_time_ns() - begin) / CALLS


def atimed(function: Callable[..., object], *arguments: object) -> float:
    async def run() -> float:
        begin = time.process_time_ns()
        for _ in range(CALLS):
            await function(*arguments)  # type: ignore[misc]
        return (time.process_time_ns() - begin) / CALLS

    return asyncio.run(run())


def least(contenders: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The least reading of each; they take turns."""
    found = dict.fromkeys(contenders, float("inf"))
    for _ in range(rounds):
        for name, measure in contenders.items():
            found[name] = min(found[name], measure())
    return found


def overheads(rounds: int) -> None:
    sync: dict[str, Callable[[], float]] = {"bare": lambda: timed(work, 1)}
    awaited: dict[str, Callable[[], float]] = {"bare": lambda: atimed(awork, 1)}
    made = policies()
    for name, policy in made.items():
        if name != "hedge":
            sync[name] = lambda policy=policy: timed(policy.call, work, 1)  # type: ignore[misc]
        awaited[name] = lambda policy=policy: atimed(policy.acall, awork, 1)  # type: ignore[misc]
    decorated = made["full stack: with retry, bulkhead, fallback"](work)
    sync["the same as a decorator"] = lambda: timed(decorated, 1)
    opened = Policy("h", breaker=Breaker("h"), fallback=instead)
    opened.breaker.set_mode("forced_open")  # type: ignore[union-attr]
    sync["open, a fallback answers"] = lambda: timed(opened.call, work, 1)
    try:
        import pybreaker
    except ModuleNotFoundError:
        print("pybreaker is not installed and does not take part")
    else:
        peer = pybreaker.CircuitBreaker()
        sync["pybreaker"] = lambda: timed(peer.call, work, 1)
    gc.collect()
    quick, slow = least(sync, rounds), least(awaited, rounds)
    print(
        f"\nOverhead beyond the bare call ({quick['bare']:.0f} ns, awaited {slow['bare']:.0f} ns), CPU ns a call"
    )
    print(f"{'':46}{'call':>8}{'acall':>8}")
    for name in dict.fromkeys([*quick, *slow]):
        if name != "bare":
            cells = [
                f"{taken[name] - taken['bare']:8.0f}" if name in taken else " " * 8 for taken in (quick, slow)
            ]
            print(f"{name:46}{''.join(cells)}")


def native(rounds: int) -> None:
    print("\nNative guard, closed: enter and success, ns")
    for name, breaker, clock in (
        ("failures in a row", Breaker("a", ratio=None), False),
        ("ratio too, the caller knows the time", Breaker("b"), False),
        ("ratio too, reading the clock", Breaker("b"), True),
    ):
        print(f"{name:46}{min(_core.time_guard(breaker, 100_000, clock) for _ in range(rounds)):8.1f}")


def make_way(
    clock: Callable[[], float],
    chance: Callable[[], float],
    *,
    breaker: dict[str, float | int | None] | None = None,
    retry: bool = False,
    fallback: bool = True,
    deadline: float | None = None,
) -> Callable[..., object]:
    settings = {"window": 5.0, "open_for": 2.0, "max_open": 4.0, **(breaker or {})}
    return Policy(
        "feed",
        deadline=deadline,
        breaker=None if breaker is None else Breaker("feed", clock=clock, random=chance, **settings),
        retry=Retry(3, base=0.01, cap=0.1, budget=0.5) if retry else None,
        fallback=Fallback("kept", lambda: None) if fallback else (),
        clock=clock,
        random=chance,
    ).acall


def simulation(starts: int) -> None:
    in_a_row = {"failures": 10, "ratio": None}
    either = {"failures": 10, "ratio": 0.6}
    ways: dict[str, dict[str, object]] = {
        "bare": {"fallback": False},
        "retry with a budget": {"fallback": False, "retry": True},
        "fallback alone": {},
        "ratio 60 % in 5 s, fallback": {"breaker": {"failures": 1024, "ratio": 0.6}},
        "10 in a row in 5 s, fallback": {"breaker": in_a_row},
        "the same, retry": {"breaker": in_a_row, "retry": True},
        "in a row or ratio, retry": {"breaker": either, "retry": True},
        "the same, deadline 0.2 s": {"breaker": either, "retry": True, "deadline": 0.2},
    }
    print(f"\n30 % faults and an outage of 20 in 60 s, {starts} starts of chance: % of requests, p99 in s")
    print(f"{'':46}{'in SLO':>8}{'live':>8}{'outage':>8}{'p99':>8}")
    for name, given in ways.items():
        reports = [
            simulate(Scenario(), lambda clock, chance: make_way(clock, chance, **given), seed)  # type: ignore[arg-type] # noqa: B023
            for seed in range(1, starts + 1)
        ]
        shares = [
            100.0 * statistics.mean(getattr(report, what) for report in reports)
            for what in ("in_slo", "live", "in_outage")
        ]
        p99 = statistics.mean(report.quantile(0.99) for report in reports)
        print(f"{name:46}{''.join(f'{share:8.1f}' for share in shares)}{p99:8.3f}")


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(4096):
            self.request.sendall(data)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that was reset is what was wanted."""


async def recovery(port: int, proxy: FaultProxy, fault: str, open_for: float) -> tuple[float, float, float]:
    """Seconds until a live answer, the share of fallbacks while broken, the longest call."""
    policy = Policy(
        "echo",
        deadline=0.1,
        breaker=Breaker("echo", failures=3, open_for=open_for, max_open=open_for),
        fallback=Fallback("kept", lambda: b"kept"),
    )

    async def fetch() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(b"hello")
            return await reader.readexactly(5)
        except EOFError as error:
            raise ConnectionError from error
        finally:
            writer.close()

    async def one() -> tuple[str, float]:
        begin = time.monotonic()
        answer = await policy.acall(fetch)
        return answer.source, time.monotonic() - begin

    assert (await one())[0] == "live"
    await asyncio.to_thread(getattr(proxy, fault))
    broken, end = [], time.monotonic() + 2.3 * open_for
    while time.monotonic() < end:
        broken.append(await one())
        await asyncio.sleep(0.005)
    proxy.heal()
    returned = time.monotonic()
    while (await one())[0] != "live":
        await asyncio.sleep(0.005)
    taken = time.monotonic() - returned
    kept = sum(source != "live" for source, _ in broken) / len(broken)
    return taken, kept, max(seconds for _, seconds in broken)


def sockets(rounds: int) -> None:
    open_for = 0.5
    print(
        f"\nReal sockets through the fault proxy, open for {open_for} s at most, deadline 0.1 s; {rounds} rounds, the worst"
    )
    print(f"{'':46}{'recovery':>9}{'/ open':>8}{'kept %':>8}{'longest':>9}")
    with Server(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for fault in ("reset", "black_hole"):
            results = []
            for _ in range(rounds):
                with FaultProxy(*server.server_address) as proxy:  # type: ignore[misc]
                    results.append(asyncio.run(recovery(proxy.port, proxy, fault, open_for)))
            taken, kept, longest = (
                max(result[0] for result in results),
                min(result[1] for result in results),
                max(result[2] for result in results),
            )
            print(f"{fault:46}{taken:9.3f}{taken / open_for:8.2f}{100.0 * kept:8.1f}{longest:9.3f}")
        server.shutdown()


def callers() -> None:
    policy = Policy("p", breaker="database", bulkhead=8, retry=Retry())
    threads = [threading.Thread(target=policy.call, args=(time.sleep, 0.2)) for _ in range(4)]
    begin = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"\nFour calls of 0.2 s on four threads: {time.monotonic() - begin:.3f} s")
    opened, passed = Breaker("p", failures=1, open_for=0.01, probes=3, close_after=3), []
    opened.fail(opened.enter())  # type: ignore[arg-type]
    time.sleep(0.02)
    half_open = Policy("p", breaker=opened, fallback=Fallback("else", lambda _: None))
    gate = threading.Barrier(16)

    def probe() -> None:
        gate.wait()
        if half_open.call(time.sleep, 0.05).source == "live":
            passed.append(1)

    threads = [threading.Thread(target=probe) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"Half-open with 3 probes, 16 callers at once: {len(passed)} let through")


def memory() -> None:
    breaker = Breaker("b")
    breaker.set_mode("forced_open")
    policy = Policy("p", breaker=breaker)

    def refuse(times: int) -> None:
        for _ in range(times):
            with contextlib.suppress(BreakerOpenError):
                policy.call(work, 1)

    tracemalloc.start()
    refuse(1_000)
    sizes = []
    for _ in range(3):
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])
        refuse(100_000)
    first, second = (after - before for before, after in itertools.pairwise(sizes))
    print(f"Memory after 100,000 refusals: {first:+d} bytes; after another 100,000: {second:+d}")
    tracemalloc.stop()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    quick = parser.parse_args().quick
    overheads(20 if quick else 100)
    native(20 if quick else 200)
    simulation(2 if quick else 10)
    sockets(1 if quick else 5)
    callers()
    memory()


if __name__ == "__main__":
    main()
