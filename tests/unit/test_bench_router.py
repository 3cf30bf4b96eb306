"""The router's benchmark: its bookkeeping on costs that are known, and what its command refuses."""

import json
import os
import random
import statistics
import time

import pytest
from typer.testing import CliRunner

from atalanta.benchmarking.routing import costs, oracle, session
from atalanta.benchmarking.routing.oracle import Row, measure_targets, sizes_to
from atalanta.benchmarking.routing.regret import STATISTICS, regret_of
from atalanta.benchmarking.routing.replay import replayed_router
from atalanta.benchmarking.routing.session import RoutingPlan, run_routing
from atalanta.benchmarking.routing.simulated import disturbances
from atalanta.cli.app import app
from atalanta.compute import default_router
from atalanta.compute.devices import Availability, Capability, Format, device

#: The router is the same on every instruction set.
pytestmark = pytest.mark.skipif("ATALANTA_ISA" in os.environ, reason="does not depend on the instruction set")


def rows(*sizes):
    """A pool that pays from about 30,000 rows on."""
    return [Row("price", n, {"cpu:one": [200 + 5.0 * n], "cpu:pool": [80e3 + 2.6 * n]}) for n in sizes]


def run(*words):
    return CliRunner().invoke(app, ["bench", "router", *words])


def test_a_disturbed_device_is_left_and_taken_up_again():
    """On a virtual clock: the targets of the table."""
    told = disturbances(runs=3)
    assert told.calls_until_slow_left <= 64
    assert told.seconds_until_slow_back <= 1.0
    assert 1 == told.calls_until_failing_left
    assert told.seconds_until_failing_back <= 1.0
    assert 0.0 < told.exploration_share <= 0.01


def test_a_replayed_router_learns_the_costs_it_is_given():
    """Choices within 3 % of the best after calibration, within 1.5 % after 1,000 calls."""
    measured = rows(*sizes_to(20))
    first, later = session._replayed_regrets("price", measured, 1_000)
    assert ("calibration", "1,000 calls") == (first.after, later.after)
    assert 0.0 <= first.total <= 0.03
    assert 0.0 <= later.total <= 0.015
    assert later.small <= 1.1
    assert "replayed" == first.readings
    assert 0.0 == first.noise


def test_regret_is_counted_from_the_best():
    """A router pinned to one target is judged by what the other would have taken."""
    measured = rows(1_000, 100_000)
    router, _, _ = replayed_router("price", measured, 1)
    renamed = [
        Row(row.operation, row.work, dict(zip(router.targets, row.readings.values(), strict=True)))
        for row in measured
    ]
    router.pin("price", router.targets[0])
    choices = [router.decide("price", row.work).target for row in measured]
    judged = regret_of(renamed, choices, router.targets[0], after="a pin")
    best = 5_200 + 340e3
    assert judged.total == pytest.approx((5_200 + 500_200) / best - 1)
    assert judged.mean == pytest.approx((500_200 / 340e3 - 1) / 2)
    assert judged.worst == pytest.approx(500_200 / 340e3 - 1)
    assert (100_000, 1.0, 0.0) == (judged.worst_work, judged.small, judged.noise)


def test_the_best_of_two_alike_is_no_regret():
    """Readings that differ by chance: judged where it was found the best looks better, and here the choice does not lose."""
    chance = random.Random(5)
    noisy = [
        Row("add", size, {name: [1e3 * chance.lognormvariate(0.0, 0.3) for _ in range(32)] for name in "ab"})
        for size in range(2_000, 2_400)
    ]
    for readings in STATISTICS:
        judged = regret_of(noisy, ["b"] * len(noisy), "a", after="", readings=readings)
        naive = statistics.fmean(
            STATISTICS[readings](row.readings["b"]) / min(map(STATISTICS[readings], row.readings.values()))
            - 1.0
            for row in noisy
        )
        assert abs(judged.total) < 0.02 < naive
        assert judged.noise > 0.02


def test_a_real_difference_is_a_regret_whatever_the_noise():
    """A choice that takes a fifth longer than the other."""
    chance = random.Random(6)
    noisy = [
        Row(
            "add",
            size,
            {name: [ns * chance.lognormvariate(0.0, 0.3) for _ in range(32)] for name, ns in costs},
        )
        for size in range(2_000, 2_400)
        for costs in [(("a", 1_000.0), ("b", 1_200.0))]
    ]
    judged = regret_of(noisy, ["b"] * len(noisy), "a", after="")
    assert judged.total == pytest.approx(0.2, abs=0.03)


def test_small_choices_are_compared_with_the_baseline():
    """The largest excess below 1,000 elements."""
    measured = [Row("add", n, {"a": [100.0, 100.0], "b": [130.0, 130.0]}) for n in (500, 2_000)]
    assert 1.3 == pytest.approx(regret_of(measured, ["b", "b"], "a", after="").small)
    assert 1.0 == regret_of(measured, ["a", "b"], "a", after="").small


def test_the_least_readings_of_both_passes_are_kept():
    """One row for each size."""
    (row,) = session._least_of([[Row("add", 64, {"a": [3.0, 2.0]})], [Row("add", 64, {"a": [5.0, 1.0]})]])
    assert {"a": [1.0]} == row.readings


def test_sizes_are_half_doublings():
    """From 64 to the largest; beyond a million whole ones."""
    assert [64, 91, 128, 181, 256] == sizes_to(8)
    assert [2**20, 2**21, 2**22] == sizes_to(22)[-3:]


def test_every_target_is_measured(monkeypatch):
    """As many readings for each."""
    monkeypatch.setattr(oracle, "_SAMPLE_NS", 1e3)
    router = default_router()
    targets = [target for _, target in router._table.admitted("price")]
    (row,) = measure_targets("price", targets, [64])
    assert {"cpu:one", "cpu:pool"} == set(row.readings)
    assert 1 == len({len(values) for values in row.readings.values()})
    assert all(value > 0.0 for values in row.readings.values() for value in values)


def test_a_run_reports_everything(monkeypatch):
    """Decisions, calls, regrets and disturbances, as a document too."""
    monkeypatch.setattr(costs, "_ROUNDS", 1)
    monkeypatch.setattr(costs, "_DECISIONS", 1)
    monkeypatch.setattr(oracle, "_SAMPLE_NS", 1e3)
    told = run_routing(RoutingPlan(operations=("price",), largest=8, calls=10))
    assert told.decision_ns > 0.0
    assert {"price, numbers", "greeks, 2,000 rows"} <= {one.call for one in told.costs}
    assert ["median", "least", "median", "least", "replayed", "replayed"] == [
        one.readings for one in told.regrets
    ]
    assert ["calibration", "calibration", "10 calls", "10 calls", "calibration", "10 calls"] == [
        one.after for one in told.regrets
    ]
    assert {2} == {len(taken) for taken in told.calibration_seconds.values()}
    assert all(one.noise >= 0.0 for one in told.regrets)
    assert json.dumps(told.as_dict())
    assert default_router().as_dict()["pins"] == {}


class PretendedGpu:
    """The CPU under the GPU's name, in its formats."""

    name, automatic = "gpu", True

    def availability(self):
        return Availability(True, "an imaginary GPU")

    def capabilities(self):
        options = Capability((Format("float32", 2.5e-7), Format("double_single", 1e-13)))
        return {"price": options, "add": Capability((Format("float32", 2e-7),))}

    def run(self, operation, *arrays, tolerance=None):
        assert tolerance is not None
        return device("cpu").run(operation, *arrays)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(costs, "_ROUNDS", 1)
    monkeypatch.setattr(costs, "_PAIRS", 2)
    monkeypatch.setattr(costs, "_DECISIONS", 1)
    monkeypatch.setattr(oracle, "_SAMPLE_NS", 1e3)
    one = PretendedGpu()
    monkeypatch.setattr(session, "device", lambda name: one if name == "gpu" else device(name))


@pytest.mark.usefixtures("quick")
def test_a_gpu_takes_part_in_each_of_its_formats():
    """In the place of MLX on the processor, at accuracies that allow them."""
    told = run_routing(RoutingPlan(operations=("price", "add"), largest=8, calls=10))
    assert "gpu: an imaginary GPU" == told.beside
    assert () == told.missing
    assert not any(name.startswith("mlx_cpu") for name in told.targets)
    assert ("cpu:one", "cpu:pool", "gpu:float32", "gpu:double_single") == told.taking_part["price"]
    assert ("cpu:one", "gpu:float32") == told.taking_part["add"]
    assert {"price": 1e-6, "add": 1e-5} == told.tolerances
    assert all(set(row.readings) == set(told.taking_part[row.operation]) for row in told.rows)
    assert 12 == len(told.regrets)
    assert {"cpu", "gpu"} == told.calibration_seconds.keys()
    assert json.dumps(told.as_dict())


@pytest.mark.usefixtures("quick")
def test_the_head_of_the_table_says_what_takes_part():
    """Devices, formats and the errors allowed."""
    result = run("--largest", "10", "--ops", "price", "--quick")
    assert 0 == result.exit_code, result.output
    text = " ".join(result.stdout.split())
    assert "Regret against the best of the CPU's targets and gpu's" in text
    assert "beside the CPU gpu: an imaginary GPU" in text
    assert "price cpu:one, cpu:pool, gpu:float32, gpu:double_single; errors up to 1e-06" in text


def test_the_first_call_of_a_size_is_no_reading(monkeypatch):
    """It may have made a kernel."""
    monkeypatch.setattr(oracle, "_SAMPLE_NS", 1.0)
    (known,) = [one for _, one in default_router()._table.admitted("add") if one.name == "cpu:one"]
    seen = set()

    def cold(_, arrays):
        if len(arrays[0]) not in seen:
            seen.add(len(arrays[0]))
            time.sleep(0.2)

    rows = measure_targets("add", [known._replace(run=cold)], [64, 128])
    assert seen == {64, 128}
    assert max(value for row in rows for value in row.readings["cpu:one"]) < 0.15e9


def test_large_sizes_and_slow_calls_take_bounded_time(monkeypatch):
    """Two rounds at least, one for each half; and as many calls as there is time for."""
    monkeypatch.setattr(oracle, "_SAMPLE_NS", 1.0)
    monkeypatch.setattr(oracle, "_MOST_NS", 0.0)
    targets = [target for _, target in default_router()._table.admitted("add")]
    (row,) = measure_targets("add", targets, [64])
    assert {2} == {len(values) for values in row.readings.values()}
    monkeypatch.setattr(session, "_LEARNING_S", 0.0)
    assert session._learn(default_router(), "add", 1_000, [64, 128]) < 1_000
    monkeypatch.setattr(session, "_LEARNING_S", 20.0)
    assert 5 == session._learn(default_router(), "add", 5, [64, 128])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--largest", "40"], "--largest 40: give a whole number from 10 to 24"),
        (["--ops", "nonsense"], "--ops nonsense: no such operation (known: price"),
    ],
)
def test_bad_options_are_one_line(words, message):
    """Exit code 2 and the reason."""
    result = run(*words)
    assert 2 == result.exit_code
    assert message in " ".join(result.stderr.split())


def test_the_suite_has_help():
    """Its own options."""
    result = run("--help")
    assert 0 == result.exit_code
    assert "--largest" in result.stdout
