import sys
import types

import numpy as np
import pytest

from atalanta import pricing
from atalanta.benchmarking import peers
from atalanta.benchmarking.contender import Contender, atalanta_contender
from atalanta.benchmarking.operations import OPERATIONS as OPERATIONS_MEASURED
from atalanta.benchmarking.peers import ALL, PEERS, load_peer, load_peers, opengreeks
from atalanta.benchmarking.peers.split_flags import by_flag
from atalanta.benchmarking.workloads import market_rows, quoted_rows
from atalanta.errors import InputError, MissingExtraError

OPERATIONS = {operation.binder for operation in OPERATIONS_MEASURED}

#: One call on 100 at 105, half a year, 3 %, vol 20 %: closed formula with 60 digits, without and with a yield of 1 %.
SINGLE_VALUES = {
    "one_price": 4.17829971551349,
    "one_price_yield": 3.9656959945341845,
    "one_implied_vol": 0.2,
}


@pytest.fixture(params=PEERS)
def peer(request):
    """Each peer that is installed."""
    try:
        return load_peer(request.param)
    except (InputError, MissingExtraError) as error:
        pytest.skip(str(error))


@pytest.fixture
def invented(monkeypatch):
    """Two peers: `here` loads, `gone` needs a module that is not installed."""

    def fail():
        raise ModuleNotFoundError("No module named 'gonelib'", name="gonelib")

    for name, load in {"here": lambda: Contender("here", {}), "gone": fail}.items():
        module = types.ModuleType(name)
        module.load = load
        monkeypatch.setitem(sys.modules, f"atalanta.benchmarking.peers.{name}", module)
    monkeypatch.setattr(peers, "PEERS", {"here": ("here", "here"), "gone": ("gone", "gone-lib extra")})


@pytest.mark.usefixtures("invented")
def test_a_missing_peer_says_what_to_install():
    """Asked for by name, a peer that is not installed is an error that names the package."""
    expected = (
        r"\[benchmarking.load_peer\] peer gone needs gonelib, which is not installed: "
        "python -m pip install gone-lib extra"
    )
    with pytest.raises(MissingExtraError, match=f"^{expected}$"):
        load_peers(["here", "gone"])


@pytest.mark.usefixtures("invented")
def test_all_takes_what_is_installed():
    """`all` passes over a missing peer and reports it in the same words."""
    found, missing = load_peers([ALL])
    assert ["here"] == [contender.name for contender in found]
    assert ["python -m pip install gone-lib extra"] == [line.rpartition(": ")[2] for line in missing]


@pytest.mark.usefixtures("invented")
def test_a_peer_named_twice_takes_part_once():
    """Repetition, and `all` beside a name, change nothing."""
    found, _ = load_peers(["here", "here", ALL])
    assert ["here"] == [contender.name for contender in found]


@pytest.mark.usefixtures("invented")
def test_all_does_not_excuse_a_peer_asked_for_by_name():
    """A name beside `all` must be there."""
    with pytest.raises(MissingExtraError, match="peer gone"):
        load_peers([ALL, "gone"])


def test_nobody_asked_for_is_nobody():
    """Without names Atalanta is alone and nothing is imported."""
    assert ([], []) == load_peers([])


def test_an_unknown_peer_lists_the_known():
    """The message names the value and every choice."""
    with pytest.raises(InputError, match=r"quantlab is no peer \(known: all, jax, .*quantlib, vollib\)"):
        load_peer("quantlab")


def test_a_peer_that_breaks_on_import_says_so(monkeypatch):
    """An installed library that fails is not called missing, and its own words are kept."""
    module = types.ModuleType("broken")

    def fail():
        raise ImportError("undefined symbol: pow")

    module.load = fail
    monkeypatch.setitem(sys.modules, "atalanta.benchmarking.peers.vollib", module)
    with pytest.raises(
        InputError, match=r"peer vollib is installed and .*undefined symbol: pow.*upgrade vollib"
    ):
        load_peer("vollib")


@pytest.mark.parametrize("name", PEERS)
def test_every_peer_can_be_missing(monkeypatch, name):
    """No adapter imports its library before it is asked for, and each names one pip can install."""
    roots = ("jax", "scipy", "scipy.special", "numba", "opengreeks", "quantforge", "pyvolr")
    for root in (*roots, "fast_vollib", "iv_engine", "QuantLib", "vollib"):
        monkeypatch.setitem(sys.modules, root, None)
    with pytest.raises(
        MissingExtraError, match=f"peer {name} needs .*: python -m pip install {PEERS[name][1]}$"
    ):
        load_peer(name)


def agrees(contender):
    """Assert that every call a contender offers gives what the rows are worth."""
    assert contender.binders
    assert set(contender.binders) <= OPERATIONS
    market, quoted = market_rows(50), quoted_rows(50)
    quoted = quoted.take(quoted.price > 0.01 * quoted.spot)  # below, some peers guess
    if contender.answers_rows and "price" in contender.binders:
        prices = np.asarray(contender.binders["price"](market).run(), dtype=float)
        assert market.price == pytest.approx(prices, rel=1e-9, abs=1e-9)
    if contender.answers_rows and "implied_vol" in contender.binders:
        vols = np.asarray(contender.binders["implied_vol"](quoted).run(), dtype=float)
        found = np.isfinite(vols)  # a solver that gives up on some rows has still been given the right ones
        assert found.mean() > 0.9
        assert quoted.vol[found] == pytest.approx(vols[found], rel=1e-6)
    if "greeks" in contender.binders:
        assert contender.binders["greeks"](market).run() is not None
    for operation in SINGLE_VALUES.keys() & contender.binders.keys():
        value = contender.binders[operation](quoted_rows(1)).run()
        assert SINGLE_VALUES[operation] == pytest.approx(value, rel=1e-6), operation


def test_a_peer_prices_the_very_rows(peer):
    """What is timed are these rows and contracts, in the order of arguments that the library wants."""
    agrees(peer)


def test_atalanta_takes_part_in_everything():
    """It has every operation and answers the rows it is given."""
    agrees(atalanta_contender())
    assert set(atalanta_contender().binders) == OPERATIONS


@pytest.mark.parametrize(("operation", "columns"), [("greeks", 7), ("greeks_all", 13)])
def test_atalanta_computes_the_columns_named(operation, columns):
    """First order is 7 columns, everything is 13, the price among them."""
    made = atalanta_contender().binders[operation](market_rows(3)).run()
    assert columns == len(made)
    assert market_rows(3).price == pytest.approx(made.price, rel=1e-14)


def test_versions_come_from_what_is_installed():
    """Every package of the report has its version; one that runs from a source tree is `unknown`."""
    made = Contender("two", {}, packages=("numpy", "no-such-package"))
    assert {"numpy": np.__version__, "no-such-package": "unknown"} == made.versions


def test_flags_are_split_and_rows_keep_their_order():
    """Calls and puts go in one call each, and every value returns to its row."""
    rows, sizes = market_rows(40), []

    def strikes(sign):
        def function(strike):
            sizes.append(len(strike))
            return sign * strike

        return function

    work = by_flag({True: strikes(1.0), False: strikes(-1.0)}, rows, lambda part: [part.strike])
    assert (rows.right * rows.strike).tolist() == work.run().tolist()
    assert [rows.is_call.sum(), (~rows.is_call).sum()] == sizes


def test_one_flag_alone_needs_one_call():
    """Rows without puts never call the function for puts."""
    rows = market_rows(40)
    calls = rows.take(rows.is_call)
    work = by_flag({True: lambda strike: strike, False: pytest.fail}, calls, lambda part: [part.strike])
    assert calls.strike.tolist() == work.run().tolist()


def test_opengreeks_gets_rows_its_arrays_can_take(monkeypatch):
    """One flag, one rate, one yield; the price handed to its solver belongs to those rows."""
    taken = {}
    api = types.ModuleType("opengreeks.black_scholes_merton")
    api.black_scholes_merton_array = lambda *arguments: taken.update(price=arguments)
    api.implied_volatility_array = lambda *arguments: taken.update(implied_vol=arguments)
    monkeypatch.setitem(sys.modules, "opengreeks", types.ModuleType("opengreeks"))
    monkeypatch.setitem(sys.modules, "opengreeks.black_scholes_merton", api)
    made, rows = opengreeks.load(), market_rows(30)
    for operation in ("price", "implied_vol"):
        made.binders[operation](rows).run()
    flag, spot, strike, years, rate, vol, dividend_yield = taken["price"]
    assert ("c", 0.03, 0.01, {0.5}) == (flag, rate, dividend_yield, set(years.tolist()))
    assert (strike > spot).all()
    assert vol.tolist() == rows.vol.tolist()
    exact = pricing.price("call", spot, strike, 0.5, 0.03, vol, dividend_yield=0.01)
    assert exact.tolist() == taken["implied_vol"][0].tolist()
    assert not made.answers_rows
