"""Margin estimates against published worked examples."""

import numpy as np
import pytest

from atalanta.errors import InputError
from atalanta.risk import Portfolio, estimate_margin
from atalanta.risk.margin import scan_risk, tims_like
from atalanta.risk.margin.lines import OptionLeg
from atalanta.risk.margin.reg_t import naked_requirement, requirement
from atalanta.risk.margin.span import SCENARIOS, span_like
from atalanta.risk.margin.tims import valuation_points
from tests.risk_market import analysis, index_name, portfolio, rows, symbols

MONTH, LATER = 30 / 365, 60 / 365


def leg(right, strike, contracts, price, years=MONTH):
    return OptionLeg(right, strike, years, contracts, 100.0, price)


def total(*legs, shares=0.0, spot=100.0, index=False):
    return sum(line.amount for line in requirement("XYZ", legs, shares, spot, index=index))


def test_short_put_of_the_margin_calculator():
    """Cboe's calculator, as quoted by edeltapro.com/knowledge-base/margin: short 1 put 200 at 1.20, stock at 209: $3,400."""
    assert 3400.0 == pytest.approx(total(leg(-1, 200.0, -1, 1.20), spot=209.0))


def test_put_spread_of_the_margin_calculator():
    """From there too: long put 120 at 0.80, short put 125 at 1.24: $580, the width and the long option in full."""
    spread = (leg(-1, 120.0, 1, 0.80), leg(-1, 125.0, -1, 1.24))
    assert 580.0 == pytest.approx(total(*spread, spot=130.0))


def test_short_straddle_of_the_margin_manual():
    """Cboe's Margin Manual, page 45: stock 92.63, call 90 at 7.00, put 90 at 3.70: 25.526 + 3.70 a share."""
    call, put = leg(1, 90.0, -1, 7.00), leg(-1, 90.0, -1, 3.70)
    assert 2552.6 == pytest.approx(naked_requirement(call, 92.63))
    assert 1959.6 == pytest.approx(naked_requirement(put, 92.63))
    assert 2922.6 == pytest.approx(total(call, put, spot=92.63))


@pytest.mark.parametrize(
    ("right", "strike", "price", "index", "expected"),
    [
        (1, 140.0, 0.10, False, 0.10 + 10.0),  # far out of the money: 10 % of the underlying
        (-1, 60.0, 0.10, False, 0.10 + 6.0),  # of a put: 10 % of the strike
        (1, 100.0, 2.0, True, 2.0 + 15.0),  # a broad index: 15 %
        (1, 90.0, 12.0, False, 12.0 + 20.0),  # in the money: nothing is taken off
    ],
)
def test_minimum_and_index_rates(right, strike, price, index, expected):
    """FINRA Rule 4210(f)(2)(E)."""
    assert 100 * expected == pytest.approx(
        naked_requirement(leg(right, strike, -1, price), 100.0, index=index)
    )


def test_covered_and_spread_and_naked():
    """Shares cover calls at half their value; a spread that expires first covers nothing; a credit spread its width."""
    assert 5000.0 == pytest.approx(total(leg(1, 105.0, -1, 1.0), shares=100))
    assert 15000.0 == pytest.approx(total(leg(-1, 95.0, -1, 1.0), shares=-100))
    calendar = (leg(1, 100.0, 1, 3.0, MONTH), leg(1, 100.0, -1, 4.0, LATER))
    assert 300.0 + 2400.0 == pytest.approx(total(*calendar))
    debit = (leg(1, 95.0, 1, 7.0), leg(1, 105.0, -1, 1.0))
    assert 700.0 == pytest.approx(total(*debit))
    part = total(leg(1, 105.0, -3, 1.0), shares=150)
    assert 7500.0 + 2 * naked_requirement(leg(1, 105.0, -1, 1.0), 100.0) == pytest.approx(part)


def test_stock_in_portfolio_margin():
    """thinkMoney, October 2017: 1,000 shares at $75, moved by 15 %: $11,250; and ten equidistant points."""
    np.testing.assert_allclose(
        [-0.15, -0.12, -0.09, -0.06, -0.03, 0.03, 0.06, 0.09, 0.12, 0.15], valuation_points(-0.15, 0.15)
    )
    alone = tims_like(Portfolio(rows(("XYZ", 750)), analysis()))
    assert 11_250.0 == pytest.approx(alone.total)


def test_the_minimum_of_portfolio_margin():
    """$0.375 times the multiplier for each contract: thinkMoney, August 2016, 'RBM'."""
    held = Portfolio(rows((symbols(31, 1)[5], 3), (symbols(31, -1)[5], 3), ("XYZ", 0)), analysis())
    boxed = Portfolio(rows((symbols(31, 1)[5], 4), (symbols(31, -1)[5], -4), ("XYZ", -400)), analysis())
    assert 6 * 37.5 == pytest.approx(tims_like(held).total)  # a long straddle loses nothing at once
    assert 8 * 37.5 == pytest.approx(tims_like(boxed).total)
    assert "minimum" in tims_like(boxed).lines[0].rule


#: Gains of one long S&P future and one long Dec 410 call by scenario.
FUTURE = np.array(
    [0, 0, 3330, 3330, -3330, -3330, 6670, 6670, -6670, -6670, 10000, 10000, -10000, -10000, 7000, -7000]
)
CALL = -np.array(
    [-460, 610, -2640, -1730, 1270, 2340, -5210, -4540, 2540, 3430, -8060, -7640, 3380, 3990, -3130, 1500]
)


def test_scanning_risk_of_a_covered_write():
    """McMillan, Options as a Strategic Investment, the SPAN example of index futures: long future, short call: $6,620."""
    assert 6620.0 == scan_risk([FUTURE, CALL], [1, -1])
    assert 8060.0 == scan_risk([CALL], [-1])
    assert 0.0 == scan_risk([FUTURE, FUTURE], [1, -1])
    with pytest.raises(InputError, match="do not fit"):
        scan_risk([FUTURE], [1, 2])


def test_the_sixteen_scenarios():
    """Seven prices by two volatilities, and two extremes of which a third counts (CME's and NSE Clearing's tables)."""
    assert (16, 3) == SCENARIOS.shape
    assert [(0, 1), (0, -1)] == [tuple(row) for row in SCENARIOS[:2, :2]]
    assert [(3.0, 0.0, 0.33), (-3.0, 0.0, 0.33)] == [tuple(row) for row in SCENARIOS[14:]]


def test_estimates_of_a_book():
    """Each is labelled, has its rule, and its lines sum; nothing asks for less than nothing of a short book."""
    for one in estimate_margin(portfolio()):
        assert one.method.endswith("estimate")
        assert sum(line.amount for line in one.lines) == pytest.approx(one.total)
        assert all(line.rule for line in one.lines)
        assert {line.underlying for line in one.lines} == {"XYZ", index_name()}
        assert one.rule
        assert one.as_dict()["total"] > 0


def test_long_options_ask_for_no_more_than_their_price():
    """By SPAN nothing beyond what they cost, already paid: scan less long value is not positive."""
    held = Portfolio(rows((symbols(60, 1)[5], 2)), analysis())
    cost = held.value
    assert cost == pytest.approx(sum(line.amount for line in estimate_margin(held)[0].lines), rel=1e-3)
    assert span_like(held).total == pytest.approx(0.0, abs=1e-6)


def test_positions_without_a_value_are_told():
    """They ask for nothing, which no estimate hides."""
    held = Portfolio(rows((symbols()[5], -2), ("ZZZ260320C00100000", -50), ("what?", 0)), analysis())
    for one in estimate_margin(held):
        assert ("1 of 3 positions have no value and ask for nothing here",) == one.notes
        assert list(one.notes) == one.as_dict()["notes"]
    assert all(not one.notes for one in estimate_margin(portfolio()))
