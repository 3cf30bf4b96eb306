"""What holds for every book: scale, netting, sums, monotone tails, residuals that vanish with the move."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from atalanta.risk import Portfolio, explain_move, tail_of
from tests.risk_market import analysis, index_name, rows, symbols

SYMBOLS = ["XYZ", *symbols(31, 1)[2:9:2], *symbols(60, -1)[2:9:3], *symbols(30, -1, index_name())[5:9]]

books = st.lists(st.tuples(st.sampled_from(SYMBOLS), st.integers(-20, 20).map(float)), min_size=1, max_size=8)
samples = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)
SPOTS, VOLS = [-0.1, 0.0, 0.1], [-0.2, 0.0, 0.3]


def held(pairs):
    return Portfolio(rows(*pairs), analysis())


@settings(max_examples=15)
@given(books, st.floats(0.01, 100.0))
def test_a_larger_book_has_as_much_larger_figures(pairs, scale):
    """Values, Greeks and the grid are linear in the quantities."""
    one, more = held(pairs), held([(symbol, scale * quantity) for symbol, quantity in pairs])
    size = 1e-9 * scale * sum(abs(quantity) for _, quantity in pairs) * 1e4
    assert abs(more.value - scale * one.value) <= size
    grid, larger = (each.grid(spots=SPOTS, vols=VOLS).pnl for each in (one, more))
    np.testing.assert_allclose(larger, scale * grid, atol=size)


@settings(max_examples=15)
@given(books, books)
def test_books_add_up(first, second):
    """The figures of two books together are the sums of theirs; a book and its opposite are nothing."""
    both = held(first + second).grid(spots=SPOTS, vols=VOLS)
    parts = [held(each).grid(spots=SPOTS, vols=VOLS) for each in (first, second)]
    np.testing.assert_allclose(both.pnl, parts[0].pnl + parts[1].pnl, atol=1e-4)
    against = held(first + [(symbol, -quantity) for symbol, quantity in first])
    assert not against.grid(spots=SPOTS, vols=VOLS).pnl.any()
    assert 0.0 == against.value


@settings(max_examples=15)
@given(books)
def test_expiries_sum_to_underlyings_and_those_to_the_book(pairs):
    """Of every Greek; and no shock is no profit."""
    one = held(pairs)
    parts, totals = one.exposures(), one.exposures("underlying")
    for name in ("value", "delta", "gamma", "vega", "theta", "rho"):
        np.testing.assert_allclose(parts[name].sum(), totals[name].sum(), rtol=1e-9, atol=1e-6)
    assert abs(totals["value"].sum() - one.value) <= 1e-6
    grid = one.grid(spots=SPOTS, vols=VOLS)
    assert 0.0 == grid.pnl[1, 1]
    np.testing.assert_allclose(sum(grid.by_underlying.values()), grid.pnl, atol=1e-6)


@given(samples, st.floats(0.01, 1e3), st.floats(-1e5, 1e5), st.floats(0.5, 0.99), st.floats(0.5, 0.99))
def test_tails_are_homogeneous_monotone_and_move_with_cash(pnl, scale, cash, one, other):
    """The axioms: scale, translation, higher levels lose more, ES is no less than VaR at its level."""
    sample = np.array(pnl)
    size = 1e-9 * (np.abs(sample).max() + abs(cash) + 1) * (1 + scale) / 0.01
    tail = tail_of(sample, one, one)
    scaled, moved = tail_of(scale * sample, one, one), tail_of(sample + cash, one, one)
    for name in ("var", "es"):
        assert abs(getattr(scaled, name) - scale * getattr(tail, name)) <= size
        assert abs(getattr(moved, name) - getattr(tail, name) + cash) <= size
    assert tail.es >= tail.var - size
    low, high = sorted((one, other))
    assert tail_of(sample, low, low).var <= tail_of(sample, high, high).var
    assert tail_of(sample, low, low).es <= tail_of(sample, high, high).es + size


@given(samples.filter(lambda one: len(one) > 1), st.randoms(use_true_random=False))
def test_shortfall_is_subadditive(pnl, random):
    """Two books together have no more of it than both alone."""
    one = np.array(pnl)
    other = np.array(random.sample(pnl, len(pnl)))
    size = 1e-8 * (np.abs(one).max() + 1)
    assert tail_of(one + other).es <= tail_of(one).es + tail_of(other).es + size


@settings(max_examples=10)
@given(
    st.lists(st.tuples(st.sampled_from(SYMBOLS[-4:]), st.integers(1, 9).map(float)), min_size=1, max_size=3)
)
def test_residuals_vanish_with_the_cube_of_the_move(pairs):
    """Delta and gamma leave a third order: half the move leaves an eighth."""
    one = held(pairs)
    whole, half = (abs(explain_move(one, spot=move)["residual"][-1]) for move in (0.004, 0.002))
    assert half <= whole / 5 + 1e-6
