"""American options on the command line: dividends, borrow and tolerance in; spots and early assignment out."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

import atalanta
from atalanta.cli.output import write_rows
from atalanta.pricing import price
from tests.american_market import Stock, american_chain
from tests.contract.test_cli import document, run

TONIGHT = Stock(dividends=(("2026-03-03", 1.5), ("2026-06-02", 1.5)), borrow=0.01)
TERMS = ("--rate", 0.04, "--borrow", 0.01)


@pytest.fixture
def quotes(tmp_path):
    chain = american_chain(TONIGHT, 11, 39, strikes=np.arange(80.0, 121.0, 4.0), tolerance="standard")
    write_rows(chain, tmp_path / "quotes.csv")
    return tmp_path / "quotes.csv"


@pytest.fixture
def dividends(tmp_path):
    (tmp_path / "div.csv").write_text("underlying,ex_date,cash\nXYZ,2026-03-03,1.50\nXYZ,2026-06-02,1.50\n")
    return tmp_path / "div.csv"


def test_the_screen_shows_spot_dividends_and_assignment(quotes, dividends):
    """The spot in the table of expiries, the calls worth exercising tonight, and no warning left."""
    result = run("chain", quotes, "--dividends", dividends, *TERMS)
    assert 0 == result.exit_code, result.output
    text = " ".join(result.stdout.split())
    assert "spot: the one that gives the forward" in text
    assert "100.00" in text
    assert "Early assignment" in text
    assert (
        "held through the $1.50 dividend of 2026-03-03; the last session to exercise in is 2026-03-02" in text
    )
    assert "exercising tonight is worth $" in text
    assert "!" not in result.stdout


def test_the_document_carries_what_was_used(quotes, dividends):
    """Dividends, borrow cost and implied spot per expiry, and the assignments with cost and reason."""
    made = document(run("chain", quotes, "--dividends", dividends, *TERMS, "--json"))
    assert [("2026-03-03", 1.5)] == [(row["ex_date"], row["cash"]) for row in made["dividends"]]
    assert [0.01, 0.01] == [row["borrow"] for row in made["expiries"]]
    assert [100.0, 100.0] == pytest.approx([row["implied_spot"] for row in made["expiries"]], rel=1e-4)
    assert all(1.49 < row["dividend_value"] < 1.5 for row in made["expiries"])
    assert all(row["reason"] and row["cost"] > 0 for row in made["assignments"])
    assert 2 == len(made["assignments"])
    assert [] == made["warnings"]
    assert made["at_the_money"]
    for row in made["at_the_money"]:
        assert row["mid"] == pytest.approx((row["bid"] + row["ask"]) / 2)
        assert 10 < row["days"] < 40
    assert any("1 dividend after the last expiry not used" in note for note in made["notes"])


def test_rows_carry_the_carry_and_can_be_read_again(quotes, dividends, tmp_path):
    """Parquet holds implied spot, borrow cost and dividend value of every row; it is a chain like any other."""
    target = tmp_path / "rows.parquet"
    assert 0 == run("chain", quotes, "--dividends", dividends, *TERMS, "--output", target).exit_code
    frame = pl.read_parquet(target)
    assert {"implied_spot", "borrow", "dividend_value"} <= set(frame.columns)
    again = atalanta.analyze(
        atalanta.read_chain(target), rate=0.04, borrow=0.01, dividends={"XYZ": [("2026-03-03", 1.5)]}
    )
    np.testing.assert_allclose(frame["iv_mid"], again["iv_mid"], rtol=1e-12)


def test_the_page_lists_dividends_and_reasons(quotes, dividends, tmp_path):
    """What the screen says of early assignment stands on the page too."""
    target = tmp_path / "smiles.html"
    assert 0 == run("chain", quotes, "--dividends", dividends, *TERMS, "--html", target).exit_code
    text = target.read_text()
    assert "XYZ 2026-03-03: 1.5" in text
    assert "more than holding through the $1.50 dividend" in text


@pytest.mark.parametrize("tolerance", ["fast", "precise", "0.001"])
def test_a_tolerance_is_a_name_or_a_number(quotes, dividends, tolerance):
    """Each is taken; the spot is the same to the coarsest of them."""
    made = document(
        run("chain", quotes, "--dividends", dividends, *TERMS, "--tolerance", tolerance, "--json")
    )
    assert [100.0, 100.0] == pytest.approx([row["implied_spot"] for row in made["expiries"]], rel=3e-4)


def refused(result, text):
    assert (2, "") == (result.exit_code, result.stdout)
    assert 1 == len(result.stderr.strip().splitlines())
    assert text in " ".join(result.stderr.split())


def test_a_missing_file_of_dividends(quotes, tmp_path):
    """One line, exit code 2."""
    refused(run("chain", quotes, "--dividends", tmp_path / "absent.csv"), "dividends: there is no file")


def test_a_bad_line_of_dividends_is_named(quotes, dividends):
    """File, line, value, limit."""
    dividends.write_text("ex_date,cash\n2026-03-03,1.50\n2026-06-02,-1.50\n")
    refused(
        run("chain", quotes, "--dividends", dividends),
        "div.csv, line 3: cash '-1.50' is no amount per share from 0",
    )


def test_dividends_of_another_share(quotes, dividends):
    """They do not belong to this file."""
    dividends.write_text("underlying,ex_date,cash\nABC,2026-03-03,1.50\n")
    refused(
        run("chain", quotes, "--dividends", dividends),
        "wrong underlying: they are of ABC, the chain holds XYZ",
    )


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("--borrow", "5", "--borrow is 5.0; it must be a decimal from -1 to 1"),
        ("--borrow", "nan", "--borrow is nan; it must be a decimal from -1 to 1"),
        ("--rate", "nan", "--rate is nan; it must be a decimal from -1 to 1"),
        ("--rate", "-inf", "--rate is -inf; it must be a decimal from -1 to 1"),
        ("--tolerance", "sharp", "--tolerance is 'sharp'; it must be 'fast', 'standard' or 'precise'"),
        ("--tolerance", "", "--tolerance is ''; it must be"),
        ("--tolerance", "-1", "--tolerance is -1.0; it must be"),
        ("--tolerance", "nan", "--tolerance is nan; it must be"),
        ("--tolerance", "1", "a strike of 100, from 1e-7 to 1e-2"),
    ],
)
@pytest.mark.parametrize("file", ["quotes", "absent"])
def test_terms_that_cannot_be(quotes, tmp_path, file, option, value, text):
    """Per cent, no number, unknown names, errors out of range: option, value and limits, before the file is read."""
    path = quotes if file == "quotes" else tmp_path / "absent.csv"
    result = run("chain", path, f"{option}={value}")
    refused(result, text)
    assert result.stderr.startswith("[cli.chain] ")


def test_outputs_may_not_replace_the_dividends(quotes, dividends):
    """The file of dividends is read: nothing is written over it."""
    refused(run("chain", quotes, "--dividends", dividends, "--output", dividends), "is the file that is read")
    assert "2026-03-03" in dividends.read_text()


def test_without_dividends_a_warning_says_so(quotes):
    """American contracts without a calendar: told first and last, with the option to give one."""
    result = run("chain", quotes, "--rate", 0.04)
    assert 2 == result.stdout.count("! NO DIVIDENDS GIVEN: 44 of 44 contracts are American")


def rate_of(made, row):
    """The rate of the expiry that an option has."""
    (rate,) = {
        each["rate"]
        for each in made["expiries"]
        if each["underlying"] == "SIMETF" and each["years"] == row["years"]
    }
    return rate


def test_the_demo_tells_an_assignment_in_dollars():
    """The simulated ETF goes ex next morning: calls worth exercising tonight, American rows, checks passed."""
    result = run("demo", "--replay", 0.2, "--json")
    made = json.loads(result.stdout)
    assert 0 == result.exit_code
    assert made["passed"]
    etf = [row for row in made["assignments"] if row["underlying"] == "SIMETF"]
    assert etf
    assert "2026-01-15" == etf[0]["ex_date"]
    assert "exercising tonight is worth $" in etf[0]["reason"]
    calls = [row for row in etf if not row["now"]]
    assert all(
        row["tonight"] and row["held"] + row["cost"] == pytest.approx(row["intrinsic"]) for row in calls
    )
    paid = [(row["years"], row["cash"]) for row in made["dividends"] if row["underlying"] == "SIMETF"]
    for row in calls:  # held through the last dividend before its expiry, a call is European
        terms = (row["spot"], row["strike"], row["years"], rate_of(made, row), row["vol"])
        assert price("call", *terms, dividends=paid) == pytest.approx(row["held"], abs=1e-5)
    styles = {row["underlying"]: row["exercise"] for row in made["expiries"]}
    assert {"SIMIDX": "european", "SIMETF": "american", "SIMSTK": "american"} == styles
    assert 180 == made["selfcheck"]["values"]
