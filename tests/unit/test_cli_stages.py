from atalanta.cli.stages import Stage, time_stages
from tests.american_market import Stock, american_chain
from tests.cli_reports import market
from tests.parity_market import joined


def test_a_stage_knows_its_time_per_item():
    """1 ms for 4,000 contracts is 250 ns each."""
    assert 250.0 == Stage("x", 1e-3, 4000, "contract").ns_per_item


def test_a_stage_of_nothing_divides_by_nothing():
    """No item, no division by zero."""
    assert 1e9 == Stage("x", 1.0, 0, "contract").ns_per_item


def test_as_dict_states_both_figures():
    """The JSON form has the seconds and the nanoseconds per item."""
    assert {"name": "x", "seconds": 1e-3, "count": 4000, "item": "contract", "ns_per_item": 250.0} == Stage(
        "x", 1e-3, 4000, "contract"
    ).as_dict()


def test_every_stage_is_timed():
    """The stages before, then forwards, vols, Greeks and the whole; three vols per contract."""
    chain = market()
    before = Stage("read", 0.5, len(chain), "contract")
    stages = time_stages(chain, (before,))
    assert ["read", "forwards", "implied vols", "Greeks", "whole analysis"] == [s.name for s in stages]
    assert before is stages[0]
    assert [126, 126, 378, 126, 126] == [s.count for s in stages]
    assert all(s.seconds > 0 for s in stages)


def test_a_given_rate_is_timed_with_that_rate():
    """The stages run with the terms of the analysis, American rows and dividends included."""
    stock = Stock()
    chain = joined(market(), american_chain(stock, 30, tolerance="fast"))
    terms = {"rate": 0.04, "dividends": stock.calendar(), "borrow": 0.01, "tolerance": "fast"}
    stages = time_stages(chain, (Stage("read", 0.1, 1, "contract"),), terms)
    assert [1, 168, 504, 168, 168] == [stage.count for stage in stages]
