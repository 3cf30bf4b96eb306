"""Ladders on their way to worker processes: the same bits on arrival, and states that are none refused."""

import copy
import io
import math
import multiprocessing
import pickle

import numpy as np
import pytest

from atalanta import Dividends, InputError, Ladder

STRIKES = np.linspace(70.0, 130.0, 37)
TERMS = {"exercise": "american", "dividends": [(0.1, 0.8), (0.35, 0.8)]}
SPOTS = np.linspace(40.0, 220.0, 91)[:, None]


def chain():
    """Puts and calls, with and without dividends, and rows without a ladder among them."""
    years = np.where(np.arange(37) % 9 == 4, 0.0, 0.5)
    right = np.where(np.arange(37) % 2 == 0, 1, -1)
    dividends = Dividends([TERMS["dividends"], [(0.2, 3.0)]], of=np.arange(37) % 3 - 1)
    return Ladder(right, 100.0, STRIKES, years, 0.05, 0.2, exercise="american", dividends=dividends)


LADDERS = {
    "chain": chain,
    "one row": lambda: Ladder("put", 100.0, 105.0, 0.5, 0.05, 0.2, **TERMS),
    "a grid": lambda: Ladder("call", 100.0, STRIKES[:6].reshape(2, 3), 0.5, 0.01, 0.2, dividend_yield=0.06),
    "no ladder": lambda: Ladder("put", 100.0, 105.0, [0.0, math.nan], 0.05, 0.2, **TERMS),
    "no rows": lambda: Ladder("put", np.empty((0, 3)), 105.0, 0.5, 0.05, 0.2, **TERMS),
}


def read(ladder):
    """Everything a ladder tells."""
    spots = SPOTS.reshape(-1, *(1 for _ in ladder.shape))
    return (*ladder.at(spots), *ladder.spots, *ladder.exercised)


def assert_same(ladder, other):
    assert (ladder.shape, ladder.nbytes) == (other.shape, other.nbytes)
    for mine, its in zip(read(ladder), read(other), strict=True):
        np.testing.assert_array_equal(np.asarray(mine).view(np.int64), np.asarray(its).view(np.int64))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", LADDERS)
def test_a_pickled_ladder_reads_the_same_bits(name, protocol):
    """By every protocol, whatever its shape, rows without a ladder included."""
    ladder = LADDERS[name]()
    text = pickle.dumps(ladder, protocol)
    assert_same(ladder, pickle.loads(text))
    assert protocol < 3 or len(text) < ladder.nbytes + 1000


def test_memory_may_travel_apart():
    """With protocol 5 the nodes leave as a view of the ladder's own memory, which stays alive and read-only."""
    ladder = chain()
    buffers = []
    text = pickle.dumps(ladder, 5, buffer_callback=buffers.append)
    assert len(text) < 1000
    expected = read(ladder)
    del ladder
    again = pickle.loads(text, buffers=buffers)
    for mine, its in zip(expected, read(again), strict=True):
        np.testing.assert_array_equal(mine, its)
    assert all(buffer.raw().readonly for buffer in buffers)


def test_copies_are_the_ladder_itself():
    """Nothing can change it, so that a copy shares it, alone or within something else."""
    ladder = chain()
    assert ladder is copy.copy(ladder)
    assert ladder is copy.deepcopy(ladder)
    assert ladder is copy.deepcopy({"book": [ladder]})["book"][0]


def _price_at_97(ladder):
    return ladder.at(97.0).price


def test_a_worker_process_reads_the_same_bits():
    """A process that starts afresh, as a worker on another machine does."""
    ladder = chain()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        (price,) = pool.map(_price_at_97, [ladder])
    np.testing.assert_array_equal(ladder.at(97.0).price, price)


class _Renamed(pickle.Unpickler):
    """Reads a pickle whose state has been tampered with by the time it is put together."""

    def __init__(self, text, change):
        super().__init__(io.BytesIO(text))
        self._change = change

    def find_class(self, module, name):
        found = super().find_class(module, name)
        return (lambda *state: found(*self._change(*state))) if name == "_restored" else found


def tampered(change, ladder=None):
    return _Renamed(pickle.dumps(ladder or chain()), change).load()


def test_another_format_is_refused():
    """A pickle of a later or an earlier version says which one it is, and what to do."""
    for found in (3, 1, 0, None, "2", 2.0):
        with pytest.raises(
            InputError, match=r"\[pricing\.Ladder\] a pickled ladder of format .* cannot be read"
        ):
            tampered(lambda _, *rest, found=found: (found, *rest))
    with pytest.raises(
        InputError, match="format 3 cannot be read: this version of atalanta reads format 2; build"
    ):
        tampered(lambda _, *rest: (3, *rest))
    with pytest.raises(InputError, match="format None"):
        tampered(lambda *_: ())


def refused(**changes):
    """The state with some of its parts replaced by what the changes make of them."""

    def change(number, shape, profiles, nodes):
        state = {"shape": shape, "profiles": profiles, "nodes": nodes}
        return number, *(changes.get(name, lambda it: it)(part) for name, part in state.items())

    with pytest.raises(
        InputError, match=r"\[pricing\.Ladder\] the pickled ladder is damaged: .*build it again"
    ):
        tampered(change)


@pytest.mark.parametrize(
    "shape",
    [
        (36,),
        (),
        (37, 0),
        (37, 2),
        (-37,),
        (-1, -37),
        ("37",),
        (37.0,),
        (37, 2**62, 2**62),
        (10**40,),
        [37],
        37,
    ],
    ids=str,
)
def test_a_shape_of_other_rows_is_refused(shape):
    """A shape belongs to so many rows, each extent a whole number."""
    refused(shape=lambda _: shape)


@pytest.mark.parametrize("name", ["profiles", "nodes"])
@pytest.mark.parametrize(
    "change",
    [
        lambda column: column[:-1],
        lambda column: column[:0],
        lambda column: column[None],
        lambda column: column[0],
        lambda column: np.concatenate([column, column]),
        lambda column: column.astype(np.float32),
        lambda column: column.view(np.int64),
        lambda column: column.tolist(),
        lambda _: None,
    ],
    ids=["shorter", "empty", "deeper", "flatter", "longer", "float32", "integers", "a list", "nothing"],
)
def test_columns_that_do_not_belong_together_are_refused(name, change):
    """Of other lengths, dimensions or kinds."""
    refused(**{name: change})


def test_a_state_with_other_parts_is_refused():
    """One too many, one too few."""
    for change in (lambda *state: (*state, 1), lambda *state: state[:-1], lambda number, *_: (number,)):
        with pytest.raises(InputError, match=r"\[pricing\.Ladder\] the pickled ladder is damaged"):
            tampered(change)


LOW, HIGH, SPOT, SPACING, MIDDLE, SIDE, UNIT, STRIKE, RATE, YIELD, VARIANCE, FROM, TO = range(13)
NO_NUMBER = {(column, value) for column in range(FROM) for value in (math.inf, -math.inf)}
NAN = {(column, math.nan) for column in range(13)}
ABSURD = {(LOW, -1.0), (LOW, 1e9), (HIGH, 1.0), (SPOT, 0.0), (SPACING, 0.0), (SPACING, -0.1), (SIDE, 0.5)}
UNREADABLE = {(MIDDLE, value) for value in (-1.0, 0.0, 2.0, 2.5, 7.0, 1e5, 1e300)}


@pytest.mark.parametrize(("column", "value"), sorted(NO_NUMBER | NAN | ABSURD | UNREADABLE, key=str))
def test_a_profile_that_would_be_read_wrongly_is_refused(column, value):
    """A read must stay among the ladder's own nodes, and what it says be a number."""

    def change(profiles):
        profiles = profiles.copy()
        profiles[0, column] = value
        return profiles

    refused(profiles=change)


def test_a_state_of_the_other_byte_order_is_read():
    """As a machine of the other order would have written it."""
    ladder = chain()
    swapped = tampered(
        lambda number, shape, profiles, nodes: (number, shape, profiles.astype(">f8"), nodes.astype(">f8")),
        ladder,
    )
    assert_same(ladder, swapped)
