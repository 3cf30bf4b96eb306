from __future__ import annotations

import math

import numpy as np
import pytest

from atalanta.market.analysis.forwards import fit_forwards
from tests.parity_market import Expiry, parity_chain

SHORT = Expiry(30, 4515.0, 0.9960)
LONG = Expiry(365, 4650.0, 0.9550)
NEAR = [4450.0, 4550.0]  # two pairs: a slope, but no residual

_NUMBERS = ("forward", "forward_se", "discount", "discount_se", "rate")


def fitted(chain, rate=None):
    return fit_forwards(chain, rate).expiries


def assert_refuted(expiries, cause: str) -> None:
    """The only expiry has no number, and a note names the cause."""
    assert expiries["source"].tolist() == ["refuted"]
    assert all(np.isnan(expiries[name][0]) for name in _NUMBERS)
    assert f"1 of 1 expiries: refuted, no volatility: {cause} (first: " in " ".join(expiries.notes)


@pytest.mark.parametrize("exercise", ["european", "american"])
@pytest.mark.parametrize("rate", [None, 0.05])
@pytest.mark.parametrize("strikes", [None, NEAR])
@pytest.mark.parametrize(
    ("factor", "cause"), [(100.0, "strikes in cents?"), (1000.0, "strikes in thousandths?")]
)
def test_strikes_in_another_unit_are_refuted(factor, cause, strikes, rate, exercise):
    """Strikes in cents, or as in a contract symbol, leave no number, whatever the exercise, the rate, the spot."""
    chain = parity_chain(SHORT, strikes=strikes, exercise=exercise)
    chain = chain.with_columns(strike=factor * chain["strike"])
    assert_refuted(fitted(chain, rate), cause)
    assert_refuted(fitted(chain.with_columns(spot=np.full(len(chain), np.nan)), rate), cause)


def test_one_pair_with_its_strike_in_cents_is_refuted_by_the_spot():
    """One pair has no slope; its forward of a hundred spots is enough."""
    chain = parity_chain(SHORT, strikes=[4500.0])
    assert_refuted(fitted(chain.with_columns(strike=100 * chain["strike"]), 0.05), "strikes in cents?")


@pytest.mark.parametrize("exercise", ["european", "american"])
@pytest.mark.parametrize("strikes", [None, NEAR])
def test_swapped_calls_and_puts_are_refuted(strikes, exercise):
    """Where calls are called puts parity rises with the strike, which no discount does."""
    chain = parity_chain(SHORT, strikes=strikes, exercise=exercise)
    assert_refuted(fitted(chain.with_columns(right=-chain["right"])), "calls and puts swapped?")


def test_quotes_in_cents_are_refuted():
    """Quotes a hundred times too high fall by 100 per strike."""
    chain = parity_chain(SHORT)
    chain = chain.with_columns(bid=100 * chain["bid"], ask=100 * chain["ask"])
    assert_refuted(fitted(chain), "quotes in cents?")


def test_the_note_tells_the_figures_of_the_first_expiry():
    """Forward, spot and slope are told, so that the mistake can be seen."""
    chain = parity_chain(SHORT)
    (note,) = fitted(chain.with_columns(strike=100 * chain["strike"])).notes
    assert "forward 451500, spot 4500, slope (about -1 where all is well) -0.00996" in note


@pytest.mark.parametrize("factor", [0.01, 0.6, 1.7, 100.0])
def test_a_spot_alone_in_doubt_is_noted(factor):
    """Strikes and quotes that obey parity need no spot: the numbers stay, and a note says to check the spot."""
    expiries = fitted(parity_chain(SHORT, spot=4500.0 * factor))
    assert pytest.approx(4515.0, rel=1e-12) == expiries["forward"][0]
    assert "1 of 1 expiries: the forward is far from the spot" in expiries.notes[0]


def test_a_volatility_index_far_below_its_spot_is_analysed():
    """In a panic the forwards of a volatility index are a third of its spot; nothing is refuted."""
    expiry = Expiry(150, 30.0, 0.999, 1.0)
    expiries = fitted(parity_chain(expiry, strikes=np.arange(20.0, 60.0, 2.5), spot=82.0))
    assert expiries["source"].tolist() == ["parity"]


@pytest.mark.parametrize("rate", [-0.10, 0.0, 0.30, 0.45])
@pytest.mark.parametrize("days", [30, 365, 3650])
def test_no_rate_of_a_real_market_is_refuted(rate, days):
    """Seen exactly, rates from −10 % to 45 % are believed at any maturity, the forward growing from the spot."""
    growth = math.exp(rate * days / 365)
    expiries = fitted(parity_chain(Expiry(days, 4500.0 * growth, 1 / growth)))
    assert expiries["source"].tolist() == ["parity"]
    assert pytest.approx(rate, abs=1e-9) == expiries["rate"][0]


@pytest.mark.parametrize("rate", [-0.10, 0.30])
def test_a_rate_surely_not_zero_is_not_replaced_by_zero(rate):
    """Three pairs that imply 30 % or −10 % a year are too few to believe, and too many to discount by 1."""
    expiry = Expiry(365, 4650.0, math.exp(-rate))
    chain = parity_chain(expiry, strikes=[4400.0, 4650.0, 4900.0])
    mid = (chain["bid"] + chain["ask"]) / 2
    chain = chain.with_columns(bid=mid - 0.5, ask=mid + 0.5)
    assert_refuted(fitted(chain), "parity implies no ordinary rate: give rate=")
    assert fitted(chain, rate)["source"].tolist() == ["parity, given rate"]
    assert pytest.approx(4650.0, rel=1e-9) == fitted(chain, rate)["forward"][0]


def test_an_ordinary_rate_of_few_pairs_is_still_replaced_by_zero():
    """Three pairs at 4.6 % are discounted by 1, and the note asks for a rate."""
    expiries = fitted(parity_chain(LONG, strikes=[4600.0, 4650.0, 4700.0]))
    assert expiries["source"].tolist() == ["parity, zero rate"]


def test_noise_refutes_nothing():
    """Two strikes a point apart in quotes ten wide have any slope: nothing is certain, nothing refuted."""
    chain = parity_chain(SHORT, strikes=[4500.0, 4501.0])
    mid = (chain["bid"] + chain["ask"]) / 2 + np.array([3.0, 0.0, -3.0, 0.0])
    assert fitted(chain.with_columns(bid=mid - 5, ask=mid + 5))["source"].tolist() == ["parity, zero rate"]


def test_a_refuted_expiry_lends_no_rate():
    """Beside strikes in cents, the other expiry keeps its own discount, and nothing takes one from the refuted."""
    wrong = parity_chain(SHORT)
    wrong = wrong.with_columns(strike=100 * wrong["strike"], root=np.full(len(wrong), "XSP", object))
    both = {name: np.concatenate([parity_chain(LONG)[name], wrong[name]]) for name in wrong}
    expiries = fitted(type(wrong)(both))
    assert expiries["source"].tolist() == ["refuted", "parity"]
    assert pytest.approx(0.955, rel=1e-11) == expiries["discount"][1]


def test_no_expiry_no_note():
    """Without rows there is nothing to contradict."""
    assert fitted(parity_chain(SHORT).take(slice(0, 0))).notes == ()
