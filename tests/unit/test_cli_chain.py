import numpy as np
import polars as pl
import pytest

from atalanta.cli.chain import ChainRequest, run_chain, select
from atalanta.cli.output import write_rows
from atalanta.errors import InputError
from tests.cli_reports import MONTH, WEEK, market
from tests.parity_market import Expiry, changed, joined, parity_chain

NAMES = np.array(["AAA", "BBB"], dtype=object)


@pytest.fixture
def quotes(tmp_path):
    """A file of quotes: three expiries of one underlying."""
    write_rows(market(), tmp_path / "quotes.csv")
    return tmp_path / "quotes.csv"


def two_underlyings():
    first = parity_chain(WEEK)
    return joined(*(first.with_columns(underlying=np.full(len(first), name, dtype=object)) for name in NAMES))


@pytest.mark.parametrize("asked", ["BBB", "bbb", " BBB "])
def test_an_underlying_is_kept(asked):
    """Only its rows stay, whatever the case; a note says so."""
    chosen = select(two_underlyings(), asked, None)
    assert {"BBB"} == set(chosen["underlying"].tolist())
    assert "only the underlying BBB: 42 rows" == chosen.notes[-1]


def test_an_expiry_is_kept():
    """Only the rows of that date stay; a note says so."""
    chosen = select(market(), None, np.datetime64("2026-04-01"))
    assert (np.datetime64("2026-04-01") == chosen["expiry"]).all()
    assert "only the expiry 2026-04-01: 42 rows" == chosen.notes[-1]


def test_no_filter_changes_nothing():
    """Without filters the chain comes back as it was."""
    chain = market()
    assert chain is select(chain, None, None)


def test_an_absent_underlying_names_what_there_is():
    """The message lists the underlyings of the file."""
    with pytest.raises(InputError, match=r"--underlying ZZZ matches no row \(found: AAA, BBB\)"):
        select(two_underlyings(), "ZZZ", None)


def test_an_absent_expiry_names_what_there_is():
    """The message lists the expiries, of the chosen underlying only."""
    with pytest.raises(
        InputError, match=r"--expiry 2030-01-18 .*\(found: 2026-03-09, 2026-04-01, 2026-06-01\)"
    ):
        select(market(), None, np.datetime64("2030-01-18"))


def test_a_long_list_is_cut():
    """Twelve names and a count, not a screenful."""
    chain = parity_chain(*(Expiry(7 * week, 4500.0, 0.999) for week in range(1, 16)))
    with pytest.raises(InputError, match=r"2026-05-25 and 3 more\)"):
        select(chain, None, np.datetime64("2030-01-18"))


@pytest.mark.parametrize("text", ["tomorrow", "2026-13-01", "20.3.2026", ""])
def test_an_expiry_that_is_no_date_is_refused(quotes, text):
    """The message shows the value and the form."""
    with pytest.raises(InputError, match=rf"--expiry '{text}' is not a date: write YYYY-MM-DD"):
        run_chain(ChainRequest(quotes, expiry=text), lambda _: None)


def test_the_expiry_is_checked_before_the_file_is_read(tmp_path):
    """A mistyped date is told at once, not after a long read."""
    with pytest.raises(InputError, match="is not a date"):
        run_chain(ChainRequest(tmp_path / "absent.csv", expiry="soon"), lambda _: None)


def test_a_run_gives_the_analysis_of_the_selection(quotes):
    """Filters act before the analysis: one expiry in, one expiry out, its forward recovered."""
    steps = []
    made = run_chain(ChainRequest(quotes, underlying="spx", expiry="2026-04-01"), steps.append)
    assert [MONTH.forward] == pytest.approx(made.analysis.expiries["forward"].tolist())
    assert ("chain", "quotes.csv") == (made.command, made.source)
    told = ["reading quotes.csv", "analysing 42 contracts", "looking for early exercise", "timing the stages"]
    assert told == steps
    assert "read" == made.stages[0].name


def test_a_given_rate_is_used(quotes):
    """With a rate the discount is not fitted."""
    made = run_chain(ChainRequest(quotes, rate=0.05), lambda _: None)
    assert [0.05] * 3 == pytest.approx(made.analysis.expiries["rate"].tolist())


def test_a_file_without_underlying_takes_the_name(tmp_path):
    """Where the file names no underlying, the filter names it; without one, the message asks for it."""
    frame = market().to_polars().drop("underlying", "root", "symbol")
    frame.select("quote_time", "expiry", "right", "strike", "bid", "ask").write_parquet(
        tmp_path / "bare.parquet"
    )
    with pytest.raises(InputError, match="does not name the underlying"):
        run_chain(ChainRequest(tmp_path / "bare.parquet"), lambda _: None)
    made = run_chain(ChainRequest(tmp_path / "bare.parquet", underlying="XYZ"), lambda _: None)
    assert {"XYZ"} == set(made.analysis["underlying"].tolist())


def test_a_named_underlying_is_never_replaced(quotes):
    """Asking for another underlying than the file's is an error, not a new name for its rows."""
    with pytest.raises(InputError, match=r"matches no row \(found: SPX\)"):
        run_chain(ChainRequest(quotes, underlying="XYZ"), lambda _: None)


def test_what_the_file_lacks_can_be_given(tmp_path):
    """Exercise style and spot reach the reader."""
    write_rows(changed(market(), "spot", slice(None), np.nan), tmp_path / "quotes.csv")
    request = ChainRequest(tmp_path / "quotes.csv", spot=4490.0, exercise="american")
    made = run_chain(request, lambda _: None)
    assert {"american"} == set(made.analysis["exercise"].tolist())
    assert {4490.0} == set(made.analysis["spot"].tolist())


def test_a_settlement_can_be_given(tmp_path):
    """AM moves the expiry of a root that no table holds from the close to the open."""
    frame = market().to_polars().drop("root", "symbol").with_columns(underlying=pl.lit("ZZZ"))
    columns = ("quote_time", "underlying", "expiry", "right", "strike", "bid", "ask")
    frame.select(columns).write_parquet(tmp_path / "quotes.parquet")
    pm, am = (
        run_chain(ChainRequest(tmp_path / "quotes.parquet", settlement=given), lambda _: None).analysis
        for given in (None, "am")
    )
    assert ({"PM"}, {"AM"}) == (set(pm["settlement"].tolist()), set(am["settlement"].tolist()))
    np.testing.assert_allclose(np.full(len(pm), 6.5 / 24), pm["days"] - am["days"], rtol=1e-9)


@pytest.mark.parametrize("name", ["\udcff", "A\x1b[2J", "A\nB"])
def test_an_underlying_that_is_no_text_is_refused(quotes, name):
    """A name with broken bytes or control signs is told as such, before the file is read."""
    with pytest.raises(InputError, match=r"--underlying '.*' is no name: write its ticker"):
        run_chain(ChainRequest(quotes, underlying=name), lambda _: None)
