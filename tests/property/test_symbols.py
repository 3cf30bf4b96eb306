import datetime as dt

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from atalanta.errors import InputError
from atalanta.market.contracts.symbols import (
    OptionSymbol,
    format_symbol,
    format_symbols,
    parse_symbol,
    parse_symbols,
)

STYLES = ["osi", "occ", "massive", "dxfeed", "spiderrock"]
ROOTS = st.from_regex(r"[A-Z0-9]{0,5}[A-Z][A-Z0-9]{0,5}", fullmatch=True).filter(lambda root: len(root) <= 6)
CONTRACTS = st.builds(
    OptionSymbol,
    root=ROOTS,
    expiry=st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31)),
    right=st.sampled_from([1, -1]),
    strike=st.integers(1, 99_999_999).map(lambda thousandths: thousandths / 1000),
)
SYMBOLS = st.builds(format_symbol, CONTRACTS, st.sampled_from(STYLES))


@st.composite
def damaged_symbols(draw):
    """A symbol with one character replaced, put in or left out: often invalid, sometimes not."""
    text, place = draw(SYMBOLS), draw(st.integers(0, 40))
    piece = draw(st.sampled_from(["", *"0123456789CPAZaz .-:", "\u0663", "\n", "É"]))
    return text[:place] + piece + text[place + draw(st.integers(0, 1)) :]


def column_row(text):
    """The contract in a column of one text, or None."""
    row = {name: column[0] for name, column in parse_symbols([text]).items()}
    return (row["root"], row["expiry"].item(), row["right"], row["strike"]) if row["valid"] else None


def single(text):
    """The contract by the parser of one symbol, or None."""
    try:
        symbol = parse_symbol(text)
    except InputError:
        return None
    return symbol.root, symbol.expiry, symbol.right, symbol.strike


@given(CONTRACTS, st.sampled_from(STYLES))
def test_round_trip(contract, style):
    """Every contract is written in every style and parses to itself, exactly."""
    assert contract == parse_symbol(format_symbol(contract, style))


@given(st.lists(CONTRACTS, max_size=20), st.sampled_from(STYLES))
def test_columns_equal_single_contracts(contracts, style):
    """Columns are written and parsed like one contract after another."""
    columns = [np.array([getattr(c, name) for c in contracts], dtype=dtype) for name, dtype in (
        ("root", "O"), ("expiry", "M8[D]"), ("right", "i1"), ("strike", "f8"))]  # fmt: skip
    texts = format_symbols(*columns, style=style)
    assert [format_symbol(contract, style) for contract in contracts] == texts.tolist()
    parsed = parse_symbols(texts)
    assert parsed["valid"].all()
    for expected, name in zip(columns, ("root", "expiry", "right", "strike"), strict=True):
        np.testing.assert_array_equal(expected, parsed[name])


@given(st.one_of(damaged_symbols(), st.text(st.characters(exclude_characters="\0"), max_size=30)))
def test_both_parsers_agree_on_any_text(text):
    """The column parser accepts exactly what the parser of one symbol accepts, and reads the same contract."""
    assert single(text) == column_row(text)
