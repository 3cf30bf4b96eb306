"""The scenario ladder while quotes come, positions change, ladders are solved and others read it."""

import threading
import time

import numpy as np
import pytest

from atalanta.streaming import Scenarios, Stream
from tests.streaming_market import START, universe

SECONDS = 1.5


@pytest.mark.parametrize("exercise", ["european", "american"])
def test_it_is_whole_whoever_does_what(exercise):
    """Every reading has its axes and no half-changed cell: no shock is no profit. At the end it is that of the last positions."""
    market = universe(exercise, contracts=12)
    scenarios = Scenarios([-0.1, 0.0, 0.1], [-0.2, 0.0, 0.2], time_tolerance=0.01)
    done, failures = threading.Event(), []
    with Stream(market, executor="hybrid", positions={"XYZ1": 1.0}, scenarios=scenarios) as stream:

        def again(work, rest):
            def run():
                rng = np.random.default_rng(threading.get_ident() % 2**32)
                try:
                    while not done.is_set():
                        work(rng)
                        time.sleep(rest)
                except Exception as error:  # noqa: BLE001 - told below
                    failures.append(repr(error))

            return threading.Thread(target=run)

        producer = stream.producer()

        def push(rng):
            key = rng.integers(0, len(market), 50)
            mid = np.where(key == 0, rng.normal(100, 1, 50), 3 + rng.random(50))
            when = START + time.monotonic_ns() % 10**12
            producer.push_many(market.events(key, mid - 0.05, mid + 0.05, time_ns=when))

        def read(_):
            grid = stream.scenarios()
            assert (3, 3) == grid.pnl.shape
            assert grid.pnl[1, 1] == 0.0 or np.isnan(grid.pnl).all()

        def hold(rng):
            names = rng.choice(12, 4, replace=False)
            stream.set_positions({f"XYZ{name}": float(rng.integers(-5, 6)) for name in names})

        threads = [again(*each) for each in ((push, 0.001), (read, 0.0005), (read, 0.0005), (hold, 0.02))]
        threads.append(again(lambda _: stream.refresh(), 0.05))
        for thread in threads:
            thread.start()
        time.sleep(SECONDS)
        done.set()
        for thread in threads:
            thread.join()
        assert not failures
        stream.set_positions({"XYZ": 10.0})
        stream.push("XYZ", 99.9, 100.1, time_ns=START + 10**12)
        assert stream.stop().exact
    np.testing.assert_allclose(stream.scenarios().pnl[:, 0], [-100.0, 0.0, 100.0])
