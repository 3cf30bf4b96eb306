"""The rooms under a configuration: each follows what it says, and says who said so."""

import json
import os
import subprocess
import sys
from typing import get_args

import numpy as np
import pytest

import atalanta
from atalanta import config
from atalanta.benchmarking.session import Plan
from atalanta.buffers import BufferPool
from atalanta.buffers.configured import follow_configuration
from atalanta.cli.bench import _peers, _plan
from atalanta.compute.devices import device
from atalanta.compute.router.overrides import Overrides, follow, overrides
from atalanta.compute.router.table import TargetTable
from atalanta.compute.router.workloads import CLASSES, WORKLOADS
from atalanta.config.model import ArrayOperation, DeviceName, OperationName
from atalanta.errors import InputError
from atalanta.market.analysis.assignment import find_assignments
from atalanta.market.analysis.forwards import fit_forwards
from tests.parity_market import Expiry, parity_chain

#: The configuration is the same on every instruction set.
pytestmark = pytest.mark.skipif("ATALANTA_ISA" in os.environ, reason="does not depend on the instruction set")


@pytest.fixture
def spawn(tmp_path):
    """Code in a process of its own, in a folder with that configuration."""

    def run(code, text="", **environment):
        if text:
            (tmp_path / "atalanta.yaml").write_text(text, encoding="utf-8")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ATALANTA_")}
        return subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**kept, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        )

    return run


THREADS = "import atalanta; print(atalanta.cpu_features()['threads'])"


def test_threads_of_a_file(spawn):
    """A file sets them; the variable and a call of the program outweigh it."""
    text = "machine: {threads: 3}"
    assert "3" == spawn(THREADS, text).stdout.strip()
    assert "5" == spawn(THREADS, ATALANTA_THREADS="5").stdout.strip()
    code = (
        "import atalanta; atalanta.set_threads(7); atalanta.price; print(atalanta.cpu_features()['threads'])"
    )
    assert "7" == spawn(code).stdout.strip()
    code = "import atalanta; print(atalanta.set_threads(7), atalanta.set_threads(None), atalanta.set_threads(None))"
    assert "3 7 3" == spawn(code).stdout.strip()


def test_threads_follow_a_reload(spawn):
    """At once, for the next batch; null gives the automatic choice back."""
    code = (
        "import atalanta; from atalanta import config; from pathlib import Path\n"
        "print(atalanta.cpu_features()['threads'])\n"
        "Path('atalanta.yaml').write_text('machine: {threads: 4}'); config.reload()\n"
        "print(atalanta.cpu_features()['threads'])\n"
        "Path('atalanta.yaml').unlink(); config.reload(); print(atalanta.cpu_features()['threads'])\n"
    )
    first, second, third = spawn(code, "machine: {threads: 3}").stdout.split()
    assert ("3", "4") == (first, second)
    assert spawn(THREADS).stdout.strip() == third


def test_an_instruction_set_of_a_file(spawn):
    """A file forces it; one that there is not is an error with its place."""
    name = [row["name"] for row in atalanta.cpu_features()["available"] if row["supported"]][-1]
    code = "import atalanta; atalanta.price; print(atalanta.cpu_features()['isa'])"
    assert name == spawn(code, f"machine: {{isa: {name}}}").stdout.strip()
    done = spawn("import atalanta; atalanta.price", "machine: {isa: altivec}")
    assert "[machine] machine.isa, atalanta.yaml:1:11: " in done.stderr
    assert "choose one of" in done.stderr


def test_a_configuration_that_cannot_be_used_is_told_at_the_first_use(spawn):
    """Not at the import of the package, and not in the middle of the night."""
    done = spawn("import atalanta; atalanta.price", "machine: {treads: 3}")
    assert "ConfigError: [config] atalanta.yaml:1:11: machine.treads: there is no such option" in done.stderr
    assert 0 == spawn("import atalanta").returncode


def test_the_doctor_says_who_set_the_threads(spawn):
    """The file and the line."""
    code = "from atalanta.cli.app import main; main()"
    done = spawn(f"import sys; sys.argv = ['atalanta', 'doctor', '--json']; {code}", "machine: {threads: 1}")
    document = json.loads(done.stdout)
    assert "set by machine.threads, atalanta.yaml:1:11" == document["machine"]["threads_reason"]
    assert {"machine.threads": {"value": 1, "origin": "atalanta.yaml:1:11"}} == document["configuration"]


def test_the_pool_follows_the_configuration():
    """Its limit and its guard; the limit also when it is reloaded."""
    with config.using({"buffers.limit": "64MiB", "buffers.guard": 7}):
        pool = follow_configuration(BufferPool())
    assert 64 << 20 == pool.set_limit(None)
    assert 7 == pool.set_guard("off")


def test_the_limit_of_the_pool_follows_a_reload(spawn):
    """A lower one than what is live is refused, and said."""
    code = (
        "from atalanta import buffers, config; from pathlib import Path\n"
        "def load(text):\n"
        "    Path('atalanta.yaml').write_text(text)\n"
        "    try: config.reload()\n"
        "    except ExceptionGroup as error: print(error.exceptions[0])\n"
        "held = buffers.acquire(1 << 20)\n"
        "load('buffers: {limit: 1GiB}'); print(buffers.set_limit(1 << 30) == 1 << 30)\n"
        "load('buffers: {limit: 64kB}'); print(buffers.set_limit(1 << 30) == 1 << 30)\n"
    )
    done = spawn(code, "buffers: {limit: 64MiB}")
    assert "True" == done.stdout.splitlines()[0], done.stderr
    assert "is below the" in done.stdout.splitlines()[1]
    assert "True" == done.stdout.splitlines()[2]


def router_with(**settings):
    """A router of this machine's devices that measures nothing."""
    with config.using({f"router.{name}": value for name, value in settings.items()}):
        return atalanta.Router(calibrate=False)


def test_pins_and_thresholds():
    """Of operations, and of classes, which an operation's own entry outweighs."""
    router = router_with(pins={"price": "cpu:one", "pricing": "cpu:pool"}, thresholds={"vector": 70_000})
    assert "cpu:one" == router.decide("price", 1_000_000).target
    assert "cpu:pool" == router.decide("greeks", 10).target
    assert (70_000, 70_000) == (router.set_threshold("add", None), router.set_threshold("dot", None))


def test_a_pin_that_cannot_be_followed_names_its_place():
    """The router's own words, and the line of the configuration."""
    with pytest.raises(
        InputError, match=r"target of price is 'cpu:two'.*router.pins says so: --set router.pins"
    ):
        router_with(pins={"price": "cpu:two"})


def test_the_devices_that_are_allowed():
    """The router knows no other."""
    with config.using({"devices.allowed": ["cpu"]}):
        assert ["cpu"] == [one.name for one in TargetTable(None, 1, overrides()).devices]
    assert list(get_args(DeviceName)) == [one.name for one in TargetTable(None, 1).devices]


def test_tolerances_of_calls_that_name_none():
    """Of array operations; what the CPU guarantees is the least."""
    with config.using({"router.tolerances": {"matmul": 1e-3, "vector": 1e-4}}):
        table = TargetTable(None, 1, overrides())
    assert (1e-3, 1e-4, 1e-4) == tuple(map(table.default_tolerance, ("matmul", "add", "dot")))
    assert TargetTable(None, 1).default_tolerance("price") == table.default_tolerance("price")
    with (
        config.using({"router.tolerances": {"matmul": 1e-30}}),
        pytest.raises(
            InputError, match=r"router.tolerances of matmul is 1e-30, below .*--set router.tolerances"
        ),
    ):
        TargetTable(None, 1, overrides())


def test_pins_and_thresholds_follow_a_reload():
    """What was set is set, what is gone is lifted, and a pin that cannot be followed keeps no other from it."""
    router = router_with(pins={"price": "cpu:one", "add": "cpu"}, thresholds={"dot": 5})
    with config.using(
        {"router.pins": {"price": "cpu:one", "add": "cpu"}, "router.thresholds": {"dot": 5}}
    ) as old:
        pass
    with config.using({"router.pins": {"price": "cpu:two", "greeks": "cpu:pool"}}) as new:
        change = config.Change(("router.pins.price",), (), old, new)
        with pytest.raises(InputError, match="target of price is 'cpu:two'"):
            follow(router, change)
    assert (None, "cpu:pool", None) == (
        router.pin("add", None),
        router.pin("greeks", None),
        router.set_threshold("dot", None),
    )


def test_a_pin_that_cannot_be_followed_keeps_the_reload_from_happening(spawn):
    """Whole: neither threads nor other pins change, and the line is named."""
    code = (
        "import atalanta; from atalanta import config; from atalanta.compute.router.shared import default_router\n"
        "from pathlib import Path\n"
        "router = default_router(); print(atalanta.cpu_features()['threads'], router.pin('add', 'cpu'))\n"
        "router.pin('add', None)\n"
        "Path('atalanta.yaml').write_text('machine: {threads: 4}\\nrouter: {pins: {add: cpu, price: cpu:two}}')\n"
        "try: config.reload()\n"
        "except ExceptionGroup as error: print(error.exceptions[0])\n"
        "print(atalanta.cpu_features()['threads'], router.pin('add', None), config.configured().machine.threads)\n"
    )
    done = spawn(code, "machine: {threads: 3}\nrouter: {calibration: none.txt, deterministic: true}")
    first, told, last = done.stdout.splitlines()
    assert ("3 None", "3 None 3") == (first, last), done.stderr
    assert "target of price is 'cpu:two'" in told
    assert "router.pins says so: atalanta.yaml:2:27" in told


def test_other_devices_have_no_configuration():
    """A router of devices that a program brings follows the program."""
    with config.using({"router.pins": {"price": "cpu:pool"}, "devices.allowed": ["cpu"]}):
        router = atalanta.Router([device("cpu"), device("emulated")], calibrate=False)
    assert ["cpu", "emulated"] == [one.name for one in router.devices]
    assert router.pin("price", None) is None


@pytest.fixture(scope="module")
def chain():
    """Two expiries whose parity says 5 %."""
    return parity_chain(
        Expiry(30, 100.4, np.exp(-0.05 * 30 / 365)),
        Expiry(90, 101.2, np.exp(-0.05 * 90 / 365)),
        strikes=np.linspace(80.0, 120.0, 21),
    )


def test_market_defaults(chain):
    """What a call says nothing of comes from the configuration, and a note says so."""
    plain = atalanta.analyze(chain)
    with config.using({"market.rate": 0.02, "market.borrow": 0.01}):
        told, given = atalanta.analyze(chain), atalanta.analyze(chain, rate=0.05, borrow=0.0)
    np.testing.assert_allclose(told["discount"], np.exp(-0.02 * told["years"]))
    assert "rate 0.02 by the configuration: --set market.rate" in told.notes
    assert "borrow 0.01 by the configuration: --set market.borrow" in told.notes
    np.testing.assert_allclose(given["discount"], np.exp(-0.05 * given["years"]))
    assert not any("configuration" in note for note in (*plain.notes, *given.notes))
    assert not np.allclose(plain["discount"], told["discount"])


def test_the_tolerance_of_american_prices(chain):
    """That of the configuration where a call names none."""
    with config.using({"market.tolerance": "precise"}):
        assert "precise" == fit_forwards(chain).model.tolerance
        assert "fast" == fit_forwards(chain, tolerance="fast").model.tolerance
        assert 0 == len(find_assignments(atalanta.analyze(chain)))
    assert "standard" == fit_forwards(chain).model.tolerance


def test_bench_defaults():
    """Sizes and peers, where the options of the command say nothing."""
    with config.using({"bench.sizes": [5, 50], "bench.against": ["jax"]}):
        assert (5, 50) == _plan(None, False, None, None, None)[0].sizes
        assert (7,) == _plan(None, False, None, "7", None)[0].sizes
        assert Plan.quick().sizes == _plan(None, True, None, None, None)[0].sizes
        assert (["jax"], ["numba"]) == (_peers(None), _peers(["numba"]))
    assert [] == _peers(None)


def test_the_package_and_its_rooms_have_the_same_defaults():
    """What rooms do without a configuration is what defaults.py says."""
    value = config.load(environment={}).value
    assert Plan().sizes == value.bench.sizes
    assert Overrides(devices=get_args(DeviceName)) == overrides(value)
    pool = BufferPool()
    assert (value.buffers.limit, 0) == (pool.set_limit(None), pool.set_guard("off"))
    assert "off" == value.buffers.guard
    assert "standard" == value.market.tolerance


def test_the_names_of_operations_are_the_routers():
    """The configuration knows them without importing the router."""
    names = {*WORKLOADS, *CLASSES}
    assert names == set(get_args(OperationName))
    assert names - {"price", "greeks", "implied_vol", "pricing"} == set(get_args(ArrayOperation))
