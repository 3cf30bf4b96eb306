"""Value at risk, expected shortfall, histories and stresses."""

import numpy as np
import pytest

from atalanta.errors import InputError
from atalanta.risk import History, Portfolio, Stress, simulate_history, stress, tail_of, value_at_risk
from atalanta.risk.history import JointMoves
from atalanta.risk.stresses import STRESSES
from atalanta.risk.tail import revalue
from tests.risk_market import analysis, index_name, portfolio, rows

DAYS = np.datetime64("2024-01-01") + np.arange(6)
HISTORY = {"date": DAYS, "close": [100, 90, 99, 99, 110, 100], "VIX": [20, 30, 25, 25, 20, 22]}


def test_var_and_es_of_a_known_sample():
    """99 % of 500: the sixth worst; 97.5 %: the mean of the worst twelve and a half."""
    losses = np.arange(1.0, 501.0)
    tail = tail_of(-np.random.default_rng(1).permutation(losses))
    assert 495.0 == tail.var
    worst = losses[::-1]
    assert (worst[:12].sum() + 0.5 * worst[12]) / 12.5 == pytest.approx(tail.es)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (([],), "0 scenarios"),
        (([1.0, np.nan],), "of which 1 have no P&L"),
        (([1.0], 99.0), "var_level is 99.0"),
        (([1.0], 0.99, 0.0), "es_level is 0.0"),
    ],
)
def test_a_sample_that_is_none_is_refused(call, text):
    """And levels in per cent."""
    with pytest.raises(InputError, match="value_at_risk") as error:
        tail_of(*call)
    assert text in str(error.value)


def test_every_scenario_is_a_full_revaluation():
    """To a tenth of a cent a share, each option at its own spot and volatility, far ones too."""
    held = portfolio()
    rng = np.random.default_rng(2)
    shape = (2, 40)
    moves = JointMoves(
        np.arange(40).astype("M8[D]"), rng.uniform(-0.4, 0.3, shape), rng.uniform(-0.5, 1.5, shape)
    )
    options = held.options
    spot = options.spot[:, None] * (1 + moves.spot[options.underlying])
    vol = options.vol[:, None] * (1 + moves.vol[options.underlying])
    gains = (options.price(spot, vol) - options.price()[:, None]) * options.weight[:, None]
    expected = gains.sum(axis=0) + (held.shares * held.market.spots) @ moves.spot
    shares = np.abs(options.weight * np.maximum(options.strike, 100) / 100).sum()
    assert np.abs(revalue(held, moves).sum(axis=0) - expected).max() < 1e-3 * shares


def test_history_gives_joint_moves():
    """Spots and volatilities over one day and over three; who has no series follows the market's."""
    history = History.read(HISTORY)
    moves = history.moves(("XYZ", "ABC"), 1)
    np.testing.assert_allclose([-0.1, 0.1, 0, 1 / 9, -1 / 11], moves.spot[0])
    np.testing.assert_array_equal(moves.spot[0], moves.spot[1])
    np.testing.assert_allclose([0.5, -1 / 6, 0, -0.2, 0.1], moves.vol[1])
    assert DAYS[1:].tolist() == moves.dates.tolist()
    three = history.moves(("XYZ",), 3, window=2)
    np.testing.assert_allclose([110 / 90 - 1, 100 / 99 - 1], three.spot[0])
    own = History.read({**HISTORY, "ABC": [1, 2, 3, 4, 5, 6], "ABC_vol": [1, 1, 1, 1, 1, 2]})
    assert 1.0 == own.moves(("ABC",), 1).spot[0, 0]
    assert 1.0 == own.moves(("ABC",), 1).vol[0, -1]


def test_days_with_gaps_are_left_out_and_told():
    """In every series; order does not matter."""
    history = History.read({**HISTORY, "close": [100, np.nan, 99, 99, 110, 100]})
    assert 5 == len(history)
    assert any("1 days without a value" in note for note in history.notes)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ({"close": [1, 2, 3]}, "no column for the date"),
        ({"date": DAYS}, "holds no closes"),
        ({"date": DAYS[:2], "close": [1, 2]}, "give at least 3"),
        ({"date": DAYS[[0, 0, 1, 2]], "close": [1, 2, 3, 4]}, "twice"),
        ({"date": DAYS[:3], "close": [1, -2, 3]}, "above 0"),
        (
            {"date": ["yesterday", "2024-01-02", "2024-01-03"], "close": [1, 2, 3]},
            "row 1: the date cannot be read",
        ),
    ],
)
def test_a_history_that_is_none_is_refused(source, text):
    """With what to mend."""
    with pytest.raises(InputError, match=r"^\[risk.History\]") as error:
        History.read(source)
    assert text in str(error.value)


def test_an_underlying_without_any_series_is_refused():
    """Two series, neither of them of it nor of the market."""
    history = History.read({"date": DAYS, "ABC": [1, 2, 3, 4, 5, 6], "DEF": [1, 2, 3, 4, 5, 6]})
    with pytest.raises(InputError, match="holds no closes of XYZ"):
        history.moves(("XYZ",), 1)
    with pytest.raises(InputError, match="hold no move over 6 sessions"):
        history.moves(("ABC",), 6)


def test_value_at_risk_of_a_book():
    """One and ten days; worst dates with their P&L; a document without NaN."""
    held = portfolio()
    history = simulate_history({"XYZ": 0.25, index_name(): 0.2}, days=300)
    for days in (1, 10):
        found = value_at_risk(held, history, days=days)
        assert 0 < found.var
        assert found.es >= np.median(-found.pnl)
        assert found.worst(1)[0][1] == found.pnl.min()
        assert 300 - days == found.as_dict()["scenarios"]
    assert any("synthetic" in note for note in found.notes)
    same = simulate_history({"XYZ": 0.25, index_name(): 0.2}, days=300)
    np.testing.assert_array_equal(history.spots["XYZ"], same.spots["XYZ"])


def test_moves_scaled_to_todays_volatility():
    """A history that was calm and is wild now: old moves grow, new ones hardly."""
    rng = np.random.default_rng(3)
    daily = np.concatenate([rng.choice([-0.01, 0.01], 200), rng.choice([-0.03, 0.03], 200)])
    days = np.datetime64("2024-01-01") + np.arange(401)
    history = History.read({"date": days, "close": 100 * np.cumprod([1, *(1 + daily)])})
    plain, scaled = (history.moves(("XYZ",), 1, scaling=one).spot[0] for one in ("none", "volatility"))
    np.testing.assert_allclose(3 * plain[120:200], scaled[120:200], rtol=1e-2)
    np.testing.assert_allclose(plain[330:], scaled[330:], rtol=1e-2)
    with pytest.raises(InputError, match="scaling is 'garch'"):
        history.moves(("XYZ",), 1, scaling="garch")
    ten = [value_at_risk(portfolio(), history, days=10, scaling=one).var for one in ("none", "volatility")]
    assert ten[0] < ten[1]


def test_shares_alone_lose_what_the_spot_does():
    """Delta one: the P&L is the move."""
    held = Portfolio(rows(("XYZ", 10)), analysis())
    found = value_at_risk(held, HISTORY, var_level=0.8)
    np.testing.assert_allclose(1000 * np.array([-0.1, 0.1, 0, 1 / 9, -1 / 11]), found.pnl)


def test_stresses_are_full_revaluations():
    """Shares lose their share; the parts sum; a long option's vega loses less when it is long-dated."""
    held = portfolio()
    found = stress(held)
    assert [one.name for one in STRESSES] == found["name"].tolist()
    np.testing.assert_allclose(found["XYZ"] + found[index_name()], found["pnl"])
    alone = stress(Portfolio(rows(("XYZ", 10)), analysis()))
    np.testing.assert_allclose([1000 * one.spot for one in STRESSES], alone["pnl"])
    assert all(one.source for one in STRESSES)


def test_a_stress_of_the_user():
    """A move of its own; one beyond ruin is refused."""
    assert 1 == len(stress(portfolio(), [Stress("mine", -0.1, 0.5, "a guess")]))
    with pytest.raises(InputError, match="there is no scenario"):
        stress(portfolio(), [])
    with pytest.raises(InputError, match=r"mine: spot is -1\.5"):
        Stress("mine", -1.5, 0.0, "")


@pytest.mark.parametrize(
    ("terms", "text"),
    [
        ({"window": 0}, "window is 0"),
        ({"window": -5}, "window is -5"),
        ({"days": 0}, "days is 0"),
        ({"days": 1.5}, "days is 1.5"),
        ({"days": True}, "days is True"),
    ],
)
def test_windows_and_days_are_whole_numbers_from_one(terms, text):
    """A window of none once took the whole history, a negative one all but its first days."""
    with pytest.raises(InputError, match=r"^\[risk.History\]") as error:
        value_at_risk(portfolio(), HISTORY, **terms)
    assert text in str(error.value)


def test_a_short_history_is_told():
    """Five moves hold no 99 %: the figure is the worst of them, and says so."""
    found = value_at_risk(portfolio(), HISTORY)
    assert found.var == -found.pnl.min()
    assert any("holds 5 moves over 1 sessions, not the 500" in note for note in found.notes)
    assert any("5 scenarios hold no tail beyond 99 %" in note for note in found.notes)
    long = value_at_risk(portfolio(), simulate_history({"XYZ": 0.25, index_name(): 0.2}, days=500))
    assert not any("hold" in note.split("simulated")[0] for note in long.notes)


def test_highs_and_lows_of_daily_bars_are_no_tickers():
    """LOW and OPEN are tickers of shares, and columns of every file of bars."""
    bars = {"Open": [9] * 6, "High": [9] * 6, "Low": [5, 6, 7, 8, 9, 9], "Volume": [0] * 6}
    history = History.read({**HISTORY, **bars})
    assert {"MARKET"} == set(history.spots)
    np.testing.assert_allclose(history.moves(("LOW",)).spot[0, 0], -0.1)
    assert {"LOW", "OPEN"} == set(
        History.read({"date": DAYS, "LOW": bars["Low"], "OPEN": bars["Open"]}).spots
    )


def test_who_follows_another_series_is_told():
    """The market's closes, the only series there is, or no volatilities at all."""
    held = portfolio()
    other = index_name()
    told = value_at_risk(held, HISTORY, window=5).notes
    assert (
        f"{other}, XYZ: closes follow those of MARKET" in told
        or f"XYZ, {other}: closes follow those of MARKET" in told
    )
    alone = History.read({"date": DAYS, "XYZ": [100, 90, 99, 99, 110, 100]})
    assert alone.stand_ins(("XYZ", "ABC")) == [
        f"{alone.label} holds no volatilities: they stay as they are",
        "ABC: closes follow those of XYZ",
    ]
    two = History.read(
        {"date": DAYS, "XYZ": HISTORY["close"], "ABC": HISTORY["close"], "XYZ_vol": HISTORY["VIX"]}
    )
    assert two.stand_ins(("XYZ", "ABC")) == ["ABC: volatilities follow those of XYZ"]
    assert not two.stand_ins(("XYZ",))
