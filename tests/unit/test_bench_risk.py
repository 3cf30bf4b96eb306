"""`atalanta bench risk` at its smallest: what it measures, extrapolates and prints. No time is asserted."""

from atalanta.benchmarking.risk import RiskPlan, run_risk_session
from atalanta.benchmarking.risk.session import Timing
from atalanta.cli import bench_risk
from tests.contract.test_cli import document, run


def test_a_sample_is_extrapolated_and_says_so():
    """Two cells of twenty: ten times the time."""
    one = Timing("peer", (1.0, 3.0, 2.0), (0.5, 0.5, 0.5), 20, 2)
    assert (20.0, 5.0, True) == (one.median, one.cpu_median, one.extrapolated)


def test_the_session_is_whole_and_right(monkeypatch):
    """Every figure is there, every round and read is kept, and the grid is within its tolerance."""
    session = run_risk_session(RiskPlan(rounds=2, ticks=3, sample=1, strikes=2))
    assert (20, 11, 9) == (session.positions, session.spots, session.vols)
    assert (
        6
        == len(session.warm_ns)
        == len(session.warm_cpu_ns)
        == len(session.warm_floor_ns)
        == len(session.apart_ns)
    )
    assert all(2 == len(one.seconds) == len(one.cpu_seconds) for one in session.timings)
    assert session.error < 1e-3
    assert session.timing("cold grid") is not None
    from atalanta.benchmarking import risk

    monkeypatch.setattr(risk, "run_risk_session", lambda *_: session)
    screen = run("bench", "risk", "--quick")
    assert 0 == screen.exit_code, screen.output
    assert "CPU of the thread" in screen.stdout
    made = document(run("bench", "risk", "--quick", "--json"))
    assert 1_980 == made["cells"]
    assert bench_risk.bench_risk.__doc__
