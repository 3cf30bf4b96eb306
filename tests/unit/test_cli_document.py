import json

import numpy as np
import pytest

from atalanta.cli.document import dumps, plain_column, records, report_document
from atalanta.market.flags import QualityFlag
from atalanta.market.table import Table
from tests.cli_reports import WEEK, report
from tests.parity_market import changed, parity_chain


def strictly(text):
    """JSON parsed without the extensions NaN and Infinity."""

    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), np.float64("nan")])
def test_what_is_no_number_becomes_null(value):
    """NaN and infinity are not JSON; they become null at any depth."""
    assert {"a": [{"b": None}]} == strictly(dumps({"a": [{"b": value}]}))


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.int8(-1), -1),
        (np.float64(0.5), 0.5),
        (np.bool_(True), True),
        ((1, 2), [1, 2]),
        (np.arange(2), [0, 1]),
    ],
)
def test_numpy_values_become_plain(value, plain):
    """NumPy scalars, arrays and tuples become numbers and lists."""
    assert {"x": plain} == strictly(dumps({"x": value}))


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (np.array(["2026-03-20", "NaT"], "M8[D]"), ["2026-03-20", None]),
        (np.array(["2026-03-20T20:00", "NaT"], "M8[s]"), ["2026-03-20T20:00:00Z", None]),
        (np.array(["2026-03-20T20:00"], "M8[ns]"), ["2026-03-20T20:00:00Z"]),
        (np.array(["2026-03-20T20:00:00.25"], "M8[ms]"), ["2026-03-20T20:00:00.250Z"]),
        (np.array([1.5, np.nan]), [1.5, None]),
        (np.array(["a", "b"], dtype=object), ["a", "b"]),
        (np.array([1, -1], dtype=np.int8), [1, -1]),
    ],
)
def test_columns_become_plain_values(column, values):
    """Dates and instants are ISO 8601, instants in UTC and to the second unless finer; NaN and NaT are None."""
    assert values == plain_column(column)


def test_records_keep_names_and_order():
    """One dictionary per row, keys in the order of the columns."""
    table = Table({"b": np.array([1, 2]), "a": np.array(["x", "y"], dtype=object)})
    assert [[("b", 1), ("a", "x")], [("b", 2), ("a", "y")]] == [list(row.items()) for row in records(table)]


def test_the_document_tells_what_the_analysis_holds():
    """Counts, expiries, raw Greeks with their units, machine and stages: the numbers of the analysis, unrounded."""
    made = report()
    document = strictly(dumps(report_document(made)))
    assert 126 == document["summary"]["contracts"]
    assert made.analysis.expiries["forward"].tolist() == [row["forward"] for row in document["expiries"]]
    assert "per 1.00 vol" == document["units"]["vega"]
    assert "per year" == document["units"]["theta"]
    row = made.slices[0].at_the_money()[0]
    for name in ("vega", "mid", "days"):
        assert float(made.analysis[name][row]) == document["at_the_money"][0][name]
    assert "calendar days" in document["units"]["days"]
    assert any("mid" in names.split(", ") for names in document["units"])
    assert "avx2" == document["machine"]["isa"]
    assert 0.25 == document["stages"][0]["seconds"]
    assert 0.25e9 / 126 == document["stages"][0]["ns_per_item"]
    assert ("chain", "quotes.csv") == (document["command"], document["source"])


def test_the_document_names_flags():
    """The worst rows carry their flags by name, as a list."""
    chain = changed(parity_chain(WEEK), "flags", 3, QualityFlag.LOCKED | QualityFlag.STALE)
    (worst,) = report_document(report(chain))["worst"]
    assert ["locked", "stale"] == worst["flags"]


def test_the_document_of_a_clean_chain_has_no_worst_rows():
    """No flagged row, an empty list."""
    assert [] == report_document(report())["worst"]


def test_checks_are_part_of_the_document():
    """What a demo checked stands beside what it computed."""
    made = report()
    checked = type(made)(
        made.command, made.source, made.analysis, made.machine, made.stages, {"passed": False}
    )
    assert report_document(checked)["passed"] is False


def test_warnings_are_in_the_document():
    """What the screen warns of stands in the document as well; an empty list where there is nothing."""
    american = report(parity_chain(WEEK, exercise="american"))
    assert list(american.warnings()) == report_document(american)["warnings"]
    assert [] == report_document(report())["warnings"]
