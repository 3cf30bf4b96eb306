from dataclasses import fields, replace

import numpy as np
import pytest

from atalanta import _core, pricing
from atalanta.benchmarking import instruction_sets
from atalanta.benchmarking.accuracy import exact_prices, largest_errors
from atalanta.benchmarking.clock import Work
from atalanta.benchmarking.contender import Contender, atalanta_contender
from atalanta.benchmarking.instruction_sets import (
    EUROPEAN,
    LISTED,
    compare_bits,
    isa_cells,
    isa_kept,
    supported_isas,
)
from atalanta.benchmarking.operations import GROUPS, OPERATIONS, SUITES, cells_of
from atalanta.benchmarking.workloads import Rows, market_rows, quoted_rows, tail_rows
from atalanta.machine import cpu_features

KINDS = pytest.mark.parametrize("rows_of", [market_rows, quoted_rows, tail_rows])
BY_NAME = {operation.name: operation for operation in OPERATIONS}


def contender(name, *operations, answers_rows=True):
    """A contender that does nothing, in those operations."""
    binders = {operation: lambda _: Work.calling(lambda: None) for operation in operations}
    return Contender(name, binders, answers_rows=answers_rows)


@KINDS
@pytest.mark.parametrize("count", [1, 7, 250])
def test_rows_are_as_many_as_asked(rows_of, count):
    """Every column is contiguous float64 of that length, `right` int8."""
    rows = rows_of(count)
    assert count == len(rows)
    for column in fields(Rows):
        values = getattr(rows, column.name)
        assert (count,) == values.shape
        assert ("int8" if column.name == "right" else "float64") == values.dtype
        assert values.flags.c_contiguous


@KINDS
def test_rows_are_the_same_every_time(rows_of):
    """A seed makes the rows; another seed makes others."""
    assert rows_of(50).strike.tolist() == rows_of(50).strike.tolist()
    assert rows_of(50).strike.tolist() != rows_of(50, seed=8).strike.tolist()


@KINDS
def test_rows_hold_calls_and_puts(rows_of):
    """Both rights occur, and the columns by right agree."""
    rows = rows_of(100)
    assert {-1, 1} == set(rows.right.tolist())
    assert (rows.right == 1).tolist() == rows.is_call.tolist() == (rows.letters == "c").tolist()


@KINDS
def test_prices_belong_to_the_vols(rows_of):
    """The price of every row is that of its volatility."""
    rows = rows_of(200)
    assert exact_prices(rows) == pytest.approx(rows.price, rel=1e-12, abs=1e-13)


def test_quoted_rows_are_out_of_the_money():
    """No intrinsic value, worth at least 1e-9 of the spot, vol recovered to 1e-12."""
    rows = quoted_rows(300)
    assert (rows.right * (rows.strike - rows.forward) >= 0).all()
    assert (rows.price > 1e-9 * rows.spot).all()
    contract = (rows.right, rows.spot, rows.strike, rows.years, rows.rate)
    vols = pricing.implied_vol(rows.price, *contract, dividend_yield=rows.dividend_yield)
    assert rows.vol == pytest.approx(vols, rel=1e-12)


def test_tails_are_far_out_and_still_worth_something():
    """6 to 34 standard deviations out of the money, no price below 1e-290."""
    rows = tail_rows(300)
    distance = rows.right * np.log(rows.strike / rows.forward) / (rows.vol * np.sqrt(rows.years))
    assert 6 <= distance.min() + 1e-9
    assert distance.max() <= 34 + 1e-9
    assert (rows.price > 1e-290).all()


def test_forward_money():
    """The forward of 100 at 5 % less 2 % over two years is 100 e^0.06; a price of 1 grows to e^0.1."""
    rows = replace(
        market_rows(1),
        **{
            name: np.array([value])
            for name, value in {
                "spot": 100.0,
                "rate": 0.05,
                "dividend_yield": 0.02,
                "years": 2.0,
                "price": 1.0,
            }.items()
        },
    )
    assert [106.18365465453596] == pytest.approx(rows.forward.tolist(), rel=1e-15)
    assert [1.1051709180756477] == pytest.approx(rows.undiscounted_price.tolist(), rel=1e-15)


def test_groups_are_those_of_the_command_line():
    """The names that `--ops` takes, in the order of the report."""
    kernels = ("price", "greeks", "implied_vol", "single", "american", "dividends")
    assert (*kernels, "isa", "accuracy", "analyze") == GROUPS


def test_a_suite_is_made_of_groups():
    """The American suite holds both kinds of American options, and is measured beside QuantLib."""
    groups, beside = SUITES["american"]
    assert {"american", "dividends", "isa", "accuracy"} <= set(groups) <= set(GROUPS)
    assert ("quantlib",) == beside


def test_a_part_of_an_operation_takes_its_turns_too():
    """All columns are measured beside the price alone, of the first contender, under the price's name."""
    made = [contender("a", "american_greeks", "american_standard"), contender("b", "american_greeks")]
    (cell,) = cells_of(BY_NAME["american_greeks"], made, [4])
    assert ["a", "b", "american_standard"] == [entry.contender for entry in cell.entries]


def test_cells_grow():
    """One cell per size, each once, small ones first."""
    cells = cells_of(BY_NAME["price"], [contender("a", "price")], [100, 1, 100])
    assert [1, 100] == [cell.rows for cell in cells]


def test_a_single_call_has_no_sizes():
    """One option is one option."""
    cells = cells_of(BY_NAME["one_price"], [contender("a", "one_price")], [100, 10_000])
    assert [1] == [cell.rows for cell in cells]


def test_only_the_able_take_part():
    """A contender without the operation is not in its cells; without any contender there is no cell."""
    able, other = contender("able", "price"), contender("other", "greeks")
    (cell,) = cells_of(BY_NAME["price"], [able, other], [1])
    assert ["able"] == [entry.contender for entry in cell.entries]
    assert [] == cells_of(BY_NAME["implied_vol"], [able, other], [1])


def test_tails_are_for_those_that_answer_the_rows():
    """A library timed on rows of its own never saw a tail, and takes part in the market rows only."""
    made = [contender("a", "implied_vol"), contender("own", "implied_vol", answers_rows=False)]
    names = {
        name: [entry.contender for entry in cells_of(BY_NAME[name], made, [1])[0].entries]
        for name in ("implied_vol", "implied_vol_tails")
    }
    assert {"implied_vol": ["a", "own"], "implied_vol_tails": ["a"]} == names


def test_every_contender_gets_the_same_rows():
    """The rows of a cell are made once."""
    got = []
    binders = {"price": lambda rows: got.append(rows) or Work.calling(lambda: None)}
    for cell in cells_of(BY_NAME["price"], [Contender("a", binders), Contender("b", binders)], [5]):
        for entry in cell.entries:
            entry.bind()
    assert got[0] is got[1]
    assert 5 == len(got[0])


def test_the_instruction_set_is_put_back():
    """After the block, and after an error inside it."""
    before, last = cpu_features()["isa"], supported_isas()[-1]

    def fail_inside():
        with isa_kept():
            _core.select_isa(last)
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail_inside()
    assert before == cpu_features()["isa"]


def test_each_cell_switches_to_its_instruction_set():
    """Entering a contender selects it."""
    names = supported_isas()
    (cell,) = isa_cells([BY_NAME["price"]], atalanta_contender(), names, 10)
    assert list(names) == [entry.contender for entry in cell.entries]
    with isa_kept():
        for entry in cell.entries:
            entry.enter()
            assert entry.contender == cpu_features()["isa"]


def test_instruction_sets_with_fused_multiply_add_agree():
    """No bit differs between them, nor between a batch and single calls; the baseline stays within 1e-13."""
    bits = compare_bits(supported_isas(), 500, [EUROPEAN])
    assert (0, 0, True) == (bits.differing, bits.scalar_differing, bits.passed)
    assert (15 * 1000, 2 * 64) == (bits.values, bits.scalar_values)
    assert bits.baseline_error is None or 0 <= bits.baseline_error < 1e-13


def test_american_options_have_the_same_bits_too():
    """Every class, all columns and implied vols, in batches and by single calls."""
    bits = compare_bits(supported_isas(), 40, [LISTED])
    assert (0, 0, True) == (bits.differing, bits.scalar_differing, bits.passed)
    assert bits.values > 40 * 2 * 10
    assert 2 * 16 == bits.scalar_values
    assert bits.baseline_error is None


def test_one_bit_is_noticed(monkeypatch):
    """A value that is one rounding off counts, and fails the comparison; so does a sign of zero."""
    given = iter([np.array([1.0, 0.0, np.nan]), np.array([np.nextafter(1.0, 2.0), -0.0, np.nan])])
    monkeypatch.setattr(instruction_sets, "_computed_by", lambda *_: next(given))
    monkeypatch.setattr(instruction_sets, "_baseline_error", lambda *_: None)
    name = next(row["name"] for row in cpu_features()["available"] if row["supported"])
    bits = compare_bits([name, name], 4, [EUROPEAN])
    assert (3, 2, False) == (bits.values, bits.differing, bits.passed)


def test_a_single_call_that_differs_fails(monkeypatch):
    """Batch and scalar are compared as well."""
    monkeypatch.setattr(instruction_sets, "_single_and_batch", lambda _: (np.array([1.0]), np.array([2.0])))
    bits = compare_bits([cpu_features()["isa"]], 4, [EUROPEAN])
    assert (0, 1, False) == (bits.differing, bits.scalar_differing, bits.passed)


def test_exact_prices_are_the_textbook_ones():
    """Hull, Options, Futures and Other Derivatives, example 15.6: call 4.76 and put 0.81; parity to the last digit."""
    values = {"spot": 42.0, "strike": 40.0, "years": 0.5, "rate": 0.1, "dividend_yield": 0.0, "vol": 0.2}
    columns = {name: np.array([value, value]) for name, value in values.items()}
    rows = replace(market_rows(2), right=np.array([1, -1], dtype=np.int8), **columns)
    call, put = exact_prices(rows).tolist()
    assert (4.76, 0.81) == (round(call, 2), round(put, 2))
    assert 42.0 - 40.0 * 0.951229424500714 == pytest.approx(call - put, abs=1e-13)  # e^-0.05


def test_an_error_is_found_in_its_output():
    """One vol of twelve that is a thousandth off is the largest error and counts as wrong."""

    def implied_vol(rows):
        return Work.calling(lambda: rows.vol * np.where(np.arange(len(rows)) == 3, 1.001, 1.0))

    market_vol, tail_vol = largest_errors([Contender("a", {"implied_vol": implied_vol})], 12)
    assert ("implied vol", "implied vol, deep tails") == (market_vol.output, tail_vol.output)
    assert (12, 1) == (market_vol.rows, market_vol.wrong)
    assert 1e-3 == pytest.approx(market_vol.error, rel=1e-9)


def test_missing_vols_are_counted():
    """NaN is no error of finite size, but it is wrong; a call that raises has every row wrong."""

    def refused():
        raise ValueError("price below intrinsic")

    half = Contender(
        "half",
        {"implied_vol": lambda rows: Work.calling(lambda: np.where(rows.strike < 100, np.nan, rows.vol))},
    )
    none = Contender("none", {"implied_vol": lambda _: Work.calling(refused)})
    found = {error.contender: error for error in largest_errors([half, none], 12)[:2]}
    assert 0.0 == found["half"].error
    assert int((quoted_rows(12).strike < 100).sum()) == found["half"].wrong > 0
    assert np.isnan(found["none"].error)
    assert 12 == found["none"].wrong


def test_who_answers_other_rows_has_no_error():
    """Its figures would be compared with the wrong values."""
    assert [] == largest_errors([contender("own", "price", "implied_vol", answers_rows=False)], 3)


def test_atalanta_is_accurate():
    """Market prices within 1e-13, tails within 1e-12, vols within 1e-14: none missing."""
    errors = {error.output: error for error in largest_errors([atalanta_contender()], 40)}
    limits = {
        "price": 1e-13,
        "price, deep tails": 1e-12,
        "implied vol": 1e-13,
        "implied vol, deep tails": 1e-14,
    }
    assert limits.keys() == errors.keys()
    for output, limit in limits.items():
        assert 0 == errors[output].wrong
        assert errors[output].error <= limit, output
