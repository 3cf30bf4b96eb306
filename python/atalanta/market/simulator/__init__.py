"""The simulated market: a seeded, synthetic option chain with its truth; `simulate_chain` is the entry."""

from atalanta.market.simulator.defects import DEFECT_RATES
from atalanta.market.simulator.simulation import Simulation, simulate_chain
from atalanta.market.simulator.smile import Smile

__all__ = ["DEFECT_RATES", "Simulation", "Smile", "simulate_chain"]
