"""Cash dividends as an argument: what they mean, and every kind of bad one by name."""

import copy
import math
import pickle

import numpy as np
import pytest

import atalanta
from atalanta import Dividends, InputError

CALL = ("call", 100.0, 105.0, 0.5, 0.03, 0.2)
QUARTERLY = [(0.1, 0.8), (0.35, 0.8)]


def test_one_schedule_serves_every_row():
    """A plain sequence of pairs, a `Dividends` of one schedule and an array say the same."""
    expected = atalanta.price(*CALL, dividends=QUARTERLY)
    assert type(expected) is float
    assert expected < atalanta.price(*CALL)
    for same in (tuple(QUARTERLY), Dividends([QUARTERLY]), np.array(QUARTERLY), iter(QUARTERLY)):
        assert expected == atalanta.price(*CALL, dividends=same)


@pytest.mark.parametrize("tolerance", ["standard", 1e-5])
@pytest.mark.parametrize("tiny", [5e-324, 1e-310, 1e-300, 1e-100, 1e-20, 1e-9])
def test_what_hardly_pays_is_as_what_does_not(tiny, tolerance):
    """A yield of a call, a rate of a put: the boundary that it gives is out of sight, however far."""
    words = {"exercise": "american", "dividends": [(0.5, 0.2)], "tolerance": tolerance}
    for option, kept in (
        (("call", 20.0, 20.0, 1.0, 0.05, 0.75), True),
        (("put", 20.0, 22.0, 1.0, 0.0, 0.4), False),
    ):
        *terms, rate, vol = option
        far = atalanta.greeks(
            *terms, rate if kept else tiny, vol, dividend_yield=tiny if kept else 0.04, **words
        )
        none = atalanta.greeks(*terms, rate, vol, dividend_yield=0.0 if kept else 0.04, **words)
        for name in ("price", "delta", "gamma", "vega"):
            assert getattr(far, name) == pytest.approx(getattr(none, name), rel=2e-4, abs=2e-4)


def test_numbers_of_any_kind_are_taken():
    """Integers and NumPy's scalars are numbers."""
    expected = atalanta.price(*CALL[:3], 2.0, 0.03, 0.2, dividends=[(1.0, 2.0)])
    for pair in ((1, 2), (np.float64(1), np.int64(2)), (np.float32(1), 2.0), np.array([1, 2])):
        assert expected == atalanta.price(*CALL[:3], 2.0, 0.03, 0.2, dividends=[pair])


@pytest.mark.parametrize("none", [None, [], (), Dividends([[]]), Dividends([], of=-1)])
def test_no_dividends_are_none(none):
    """An empty schedule is the closed form to the bit."""
    assert atalanta.price(*CALL) == atalanta.price(*CALL, dividends=none)


def test_dividends_that_do_not_count_change_nothing():
    """At or after expiry, or of no cash, an entry leaves the price as it is to the bit."""
    expected = atalanta.price(*CALL)
    american = atalanta.price(*CALL, exercise="american")
    for entries in ([(0.5, 1.0)], [(0.500001, 1.0)], [(0.2, 0.0)], [(0.1, 0.0), (0.7, 3.0)]):
        assert expected == atalanta.price(*CALL, dividends=entries)
        assert american == atalanta.price(*CALL, exercise="american", dividends=entries)


def test_one_schedule_serves_all_expiries():
    """Each row of a chain counts the dividends before its own expiry."""
    years = np.array([0.05, 0.2, 0.35, 0.5])
    got = atalanta.price("call", 100.0, 100.0, years, 0.03, 0.2, dividends=QUARTERLY)
    alone = [
        atalanta.price("call", 100.0, 100.0, 0.05, 0.03, 0.2),
        atalanta.price("call", 100.0, 100.0, 0.2, 0.03, 0.2, dividends=QUARTERLY[:1]),
        atalanta.price("call", 100.0, 100.0, 0.35, 0.03, 0.2, dividends=QUARTERLY[:1]),
        atalanta.price("call", 100.0, 100.0, 0.5, 0.03, 0.2, dividends=QUARTERLY),
    ]
    np.testing.assert_array_equal(alone, got)


def test_rows_follow_their_own_schedules():
    """`of` broadcasts with the other arguments and picks the schedule of each row; -1 is none."""
    other = [(0.2, 2.0)]
    dividends = Dividends([QUARTERLY, other], of=np.array([[1], [-1], [0]]))
    strikes = np.array([90.0, 100.0])
    got = atalanta.price("put", 100.0, strikes, 0.5, 0.03, 0.2, dividends=dividends)
    assert (3, 2) == got.shape
    for row, entries in zip(got, (other, None, QUARTERLY), strict=True):
        np.testing.assert_array_equal(
            row, atalanta.price("put", 100.0, strikes, 0.5, 0.03, 0.2, dividends=entries)
        )


def test_an_index_without_dimensions_is_a_number():
    """A single index keeps the result a float."""
    dividends = Dividends([[(0.1, 5.0)], QUARTERLY], of=1)
    got = atalanta.price(*CALL, dividends=dividends)
    assert type(got) is float
    assert got == atalanta.price(*CALL, dividends=QUARTERLY)


def test_a_dividend_beyond_the_spot_takes_it_to_zero():
    """The spot falls by min(cash, spot): nothing is left for a call, the strike for a put."""
    dividends = [(0.2, 1000.0)]
    assert 0.0 == pytest.approx(atalanta.price(*CALL, dividends=dividends), abs=1e-9)
    expected = 105.0 * math.exp(-0.03 * 0.5)
    assert expected == pytest.approx(atalanta.price("put", *CALL[1:], dividends=dividends), abs=5e-4)


FAULTS = [
    (5, r"is 5; it must be a sequence of \(years, cash\) pairs"),
    ("0.1:1.0", r"is '0.1:1.0'; it must be a sequence"),
    (object(), "is <object"),
    ([1.0, 2.0], r"entry 0 is 1\.0; it must be a \(years, cash\) pair of numbers$"),
    ([(0.1,)], r"entry 0 is \(0\.1,\); it must be a \(years, cash\) pair"),
    ([(0.1, 1.0, 2.0)], r"entry 0 is \(0\.1, 1\.0, 2\.0\); it must be"),
    ([(0.1, "1.0")], r"entry 0 is \(0\.1, '1\.0'\); it must be"),
    ([(0.1, None)], "entry 0 .* it must be"),
    ([(True, 1.0)], "entry 0 .* it must be"),
    ([(0.1, 10**400)], "entry 0 .* it must be"),
    (["ab"], "entry 0 is 'ab'; it must be"),
    ([[(0.1, 1.0), (0.2, 1.0)]], r"Several schedules: atalanta\.Dividends\(schedules, of=\.\.\.\)"),
    ([(math.nan, 1.0)], "entry 0 .* years to the ex-date must be finite"),
    ([(math.inf, 1.0)], "entry 0 .* years to the ex-date must be finite"),
    ([(0.1, math.nan)], "entry 0 .* the cash must be finite"),
    ([(0.1, math.inf)], "entry 0 .* the cash must be finite"),
    ([(0.1, 1.0), (0.2, -0.5)], r"entry 1 is \(0\.2, -0\.5\); the cash must not be negative"),
    (
        [(0.0, 1.0)],
        "on or before the valuation instant: the spot is taken as already ex-dividend; leave it out",
    ),
    ([(-0.1, 1.0)], "on or before the valuation instant"),
    ([(0.2, 1.0), (0.1, 1.0)], r"entry 1 is \(0\.1, 1\.0\); the entry before goes ex later: sort them"),
    ([(0.2, 1.0), (0.2, 0.5)], r"entry 1 is \(0\.2, 0\.5\); the entry before has the same ex-date: add"),
]


@pytest.mark.parametrize(("dividends", "reason"), FAULTS)
@pytest.mark.parametrize("function", [atalanta.price, atalanta.greeks])
def test_a_bad_schedule_is_an_error_that_names_the_entry(function, dividends, reason):
    """Every fault of a schedule is named with its entry and how to mend it."""
    with pytest.raises(InputError, match=rf"\[pricing\.{function.__name__}\] dividends.*{reason}"):
        function(*CALL, dividends=dividends)


@pytest.mark.parametrize(("schedule", "reason"), FAULTS)
def test_dividends_name_the_schedule_too(schedule, reason):
    """Of several schedules the faulty one is named."""
    with pytest.raises(InputError, match=rf"\[pricing\.Dividends\] schedule 1 .*{reason}"):
        Dividends([QUARTERLY, schedule], of=0)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"schedules": 5}, "schedules is 5; it must be a sequence of schedules"),
        ({"schedules": [QUARTERLY, []]}, "of= is missing: with 2 schedules"),
        ({"schedules": []}, "of= is missing: with 0 schedules"),
        ({"schedules": [QUARTERLY], "of": 1}, "of is 1; it must be the place of one of the 1 schedules"),
        ({"schedules": [QUARTERLY], "of": [0, -2]}, "of is -2"),
        ({"schedules": [QUARTERLY], "of": 2**40}, "of is 1099511627776"),
        ({"schedules": [QUARTERLY], "of": [0.0]}, "of has dtype float64; it must hold integers"),
        ({"schedules": [QUARTERLY], "of": [True]}, "of has dtype bool"),
        ({"schedules": [QUARTERLY], "of": ["AAPL"]}, "of has dtype <U4"),
    ],
)
def test_bad_dividends_are_an_error(arguments, reason):
    """Schedules are sequences; each row's index names one of them."""
    with pytest.raises(InputError, match=rf"\[pricing\.Dividends\] {reason}"):
        Dividends(**arguments)


def test_an_index_that_does_not_broadcast_is_listed():
    """A column of indices that does not fit is named with its shape."""
    dividends = Dividends([QUARTERLY], of=[0, 0, 0])
    with pytest.raises(InputError, match=r"spot \(2,\), dividends\.of \(3,\)"):
        atalanta.price("call", [90.0, 100.0], 100.0, 0.5, 0.03, 0.2, dividends=dividends)


def test_dividends_are_a_value():
    """Equal by content, hashable, copied and pickled whole, and not to be changed through their index."""
    one = Dividends([QUARTERLY, [(0.2, 1.5)]], of=[0, 1, -1])
    same = Dividends((tuple(QUARTERLY), ((0.2, 1.5),)), of=np.array([0, 1, -1], np.int8))
    assert one == same
    assert hash(one) == hash(same)
    assert one == pickle.loads(pickle.dumps(one)) == copy.deepcopy(one)
    assert one != Dividends([QUARTERLY, [(0.2, 1.5)]], of=[0, 1, 1])
    assert one != "dividends"
    assert ((tuple(QUARTERLY)), ((0.2, 1.5),)) == one.schedules
    assert (2, 2) == (len(one), one.longest)
    assert "Dividends([[(0.1, 0.8), (0.35, 0.8)], [(0.2, 1.5)]], of=[0, 1, -1])" == repr(one)
    with pytest.raises(ValueError, match="read-only"):
        one.of[0] = 1


def test_the_index_is_a_copy():
    """Changing the array that was given changes nothing."""
    of = np.array([0, 0], np.int32)
    dividends = Dividends([QUARTERLY], of=of)
    of[:] = 7
    assert [0, 0] == dividends.of.tolist()


def test_dividends_seen_later():
    """`after` moves the present: what has gone ex by then is left out."""
    dividends = Dividends([QUARTERLY, [(0.2, 1.5)]], of=0)
    later = dividends.after(0.2)
    assert (((0.35 - 0.2, 0.8),), ()) == later.schedules
    assert dividends == dividends.after(0.0)
    assert later.of is dividends.of
    for bad in (-0.1, math.nan):
        with pytest.raises(InputError, match="must be a number from 0"):
            dividends.after(bad)
