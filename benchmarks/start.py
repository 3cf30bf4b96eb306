"""What starting costs: imports, and loading the configuration, as tables in Markdown. CPU time.

    python benchmarks/start.py [rounds, 15 by default]

Imports: interpreters of their own, one of each kind in turn, with the bare interpreter among them; differences of the
least and of the medians. Loads: in this process, all kinds in turn; the last row is of processes of their own that have
imported and not yet loaded anything.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from atalanta import config

BARE = "pass"
_PRICED = "atalanta.price('call', 100.0, 105.0, 0.5, 0.03, 0.2)"
IMPORTS = {
    "the bare interpreter": BARE,
    "import atalanta": "import atalanta",
    "import numpy": "import numpy",
    "one price, nothing configured": f"import atalanta; {_PRICED}",
    "one price, one file": f"import atalanta; {_PRICED}",
    "import pydantic, yaml": "import pydantic, yaml",
    "the configuration read": "from atalanta import config; config.load(environment={})",
    "every module (eager)": "import atalanta",
}
_FILE = """\
machine: {threads: 2}
buffers:
  limit: 1GiB
  guard: off
router:
  calibration: calibration.txt
  deterministic: true
  pins: {price: cpu:one, matrix: cpu}
  thresholds: {vector: 20000}
market:
  rate: 0.04
  tolerance: fast
bench:
  sizes: [1, 100, 10000]
reliability:
  breakers:
    database: {failures: 4, open_for: 30s}
    feed: {failures: 10, window: 5s, slow: 20ms}
"""
_WRONG = "machine: {threads: five, thread: 1}\nbuffers:\n  limit: 64\n  guard: maybe\nmarket:\n  rate: 4\nbanch: {}\n"


def import_seconds(name: str, folder: Path) -> float:
    """CPU time of an interpreter that does one of `IMPORTS`."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ATALANTA_")}
    if name.startswith("every"):
        kept["ATALANTA_EAGER_IMPORT"] = "1"
    where = folder / "configured" if "one file" in name else folder / "bare"
    child = subprocess.Popen([sys.executable, "-c", IMPORTS[name]], cwd=where, env=kept)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{name}: the interpreter ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime


def loads(folder: Path) -> dict[str, Callable[[], object]]:
    """What is loaded, by its name."""
    one, wrong = folder / "one.yaml", folder / "wrong.yaml"
    one.write_text(_FILE)
    (folder / "one.prod.yaml").write_text("machine: {threads: 8}\nmarket: {borrow: 0.01}\n")
    wrong.write_text(_WRONG)
    said = {"ATALANTA_THREADS": "4", "ATALANTA_BENCH__AGAINST": "[jax]"}

    def all_wrong() -> object:
        try:
            return config.load(file=wrong, environment={})
        except config.ConfigError as error:
            return error

    everything = {"file": one, "profile": "prod", "environment": said, "overrides": {"market.rate": 0.05}}
    return {
        "asking whether anything is set: nothing": config.configured,
        "no file": lambda: config.load(environment={"HOME": str(folder)}),
        f"a file of {len(_FILE.splitlines())} lines": lambda: config.load(file=one, environment={}),
        "the same, profile, variables, an override": lambda: config.load(**everything),
        "a file with 6 errors": all_wrong,
    }


def load_rows(folder: Path, rounds: int) -> Iterator[tuple[str, float, float]]:
    """(what, least, median) in seconds."""
    for name in [name for name in os.environ if name.startswith("ATALANTA_")]:
        del os.environ[name]
    os.chdir(folder / "bare")
    kinds = loads(folder)
    taken: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, load in kinds.items():
            begin = time.process_time()
            load()
            taken[name].append(time.process_time() - begin)
    yield from ((name, min(times), statistics.median(times)) for name, times in taken.items())
    firsts = [first_load(folder / "one.yaml") for _ in range(max(3, rounds // 20))]
    yield "the same file, in a process that has just started", min(firsts), statistics.median(firsts)


def first_load(path: Path) -> float:
    """CPU time of the first load of an interpreter, its imports done."""
    code = (
        "import sys, time; from pathlib import Path; from atalanta.config.loading import load\n"
        "begin = time.process_time(); load(file=Path(sys.argv[1]), environment={}); print(time.process_time() - begin)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    return float(done.stdout)


def main(rounds: int) -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for one in ("bare", "configured"):
            (folder / one).mkdir()
        (folder / "configured/atalanta.yaml").write_text(_FILE)
        taken: dict[str, list[float]] = {kind: [] for kind in IMPORTS}
        for _ in range(rounds + 1):  # the first fills the caches of compiled modules
            for kind in IMPORTS:
                taken[kind].append(import_seconds(kind, folder))
        print("| CPU time beyond the bare interpreter, ms | least | median |\n|---|---|---|")
        bare = taken["the bare interpreter"][1:]
        print(
            f"| the bare interpreter itself | {1e3 * min(bare):.1f} | {1e3 * statistics.median(bare):.1f} |"
        )
        for kind in list(IMPORTS)[1:]:
            times = taken[kind][1:]
            least, median = min(times) - min(bare), statistics.median(times) - statistics.median(bare)
            print(f"| {kind} | {1e3 * least:.1f} | {1e3 * median:.1f} |")
        print("\n| loading the configuration, CPU time, ms | least | median |\n|---|---|---|")
        for kind, least, median in load_rows(folder, 20 * rounds):
            print(f"| {kind} | {1e3 * least:.2f} | {1e3 * median:.2f} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
