"""Reports for the tests of the command line, made from the noiseless market and a machine that does not exist."""

from __future__ import annotations

from typing import Any

from atalanta.cli.machine import InstructionSet, MachineCard
from atalanta.cli.report import Report
from atalanta.cli.stages import Stage
from atalanta.market.analysis import analyze
from atalanta.market.chain import Chain
from tests.parity_market import Expiry, parity_chain

WEEK = Expiry(7, 4505.0, 0.9992)
MONTH = Expiry(30, 4515.0, 0.9966)
QUARTER = Expiry(91, 4550.0, 0.9900)

CARD = MachineCard(
    cpu="Imaginary 9000",
    architecture="x86_64",
    system="Linux 6.1",
    cores=4,
    cores_total=8,
    isa="avx2",
    isa_reason="forced by ATALANTA_ISA=avx2",
    instruction_sets=(
        InstructionSet("avx512", "AVX-512 with 512-bit vectors", True, False),
        InstructionSet("avx2", "AVX2 with fused multiply-add", True, True),
    ),
    features={"avx2": True, "neon": False},
    threads=2,
    threads_reason="set by ATALANTA_THREADS=2",
    unused=(("GPU", "the report is computed on the processor"),),
)


def market() -> Chain:
    """Three expiries, 21 strikes each, exact mids."""
    return parity_chain(WEEK, MONTH, QUARTER)


def report(chain: Chain | None = None, *, source: str = "quotes.csv", dividends: Any = None) -> Report:
    """The report on a chain, by default on `market`."""
    chain = market() if chain is None else chain
    stages = (
        Stage("read", 0.25, len(chain), "contract"),
        Stage("whole analysis", 0.002, len(chain), "contract"),
    )
    return Report("chain", source, analyze(chain, dividends=dividends), CARD, stages)
