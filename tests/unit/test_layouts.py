import re

import pytest

from atalanta.errors import InputError
from atalanta.market.chain import CHAIN_COLUMNS
from atalanta.market.reading.layouts import LAYOUTS
from atalanta.market.reading.recognition import header_key, match_layout
from tests.vendor_layouts import WRITTEN

every_row = pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("Strike", "strike"),
        (" [C_BID]", "c_bid"),
        ("[QUOTE_DATE] ", "quote_date"),
        ("Open Interest", "open_interest"),
        ("contractSymbol", "contractsymbol"),
        ("Call/Put", "call_put"),
        ("call-put", "call_put"),
        ("Strike.Price", "strike_price"),
        ("% Change", "%_change"),
        ("", ""),
    ],
)
def test_headers_are_compared_in_plain_form(header, key):
    """Case, brackets and outer blanks do not count; a blank, dash, slash or point inside is an underscore."""
    assert key == header_key(header)


@every_row
def test_names_are_unique_and_needs_can_be_looked_for(layout):
    """Every need of a row of the table has headers to look for."""
    assert 1 == [row.name for row in LAYOUTS].count(layout.name)
    for need in layout.needs:
        assert layout.looked_for(need)


@every_row
def test_headers_looked_for_are_in_plain_form(layout):
    """A header that is not in plain form could never be found."""
    for columns in (layout.columns, layout.calls, layout.puts):
        for headers in columns.values():
            assert list(headers) == [header_key(header) for header in headers]


@every_row
def test_a_wide_layout_has_both_sides(layout):
    """A row with calls has puts, both with a bid and an ask, and no side of its own."""
    assert bool(layout.calls) == bool(layout.puts) == layout.wide
    if layout.wide:
        assert {"bid", "ask"} <= set(layout.calls) & set(layout.puts)
        assert not {"bid", "ask", "right"} & set(layout.columns)


@every_row
def test_no_header_means_two_things(layout):
    """Within a layout a header is looked for under one name only, separators or not."""
    meant = {
        (header.replace("_", ""), side, name)
        for side, columns in enumerate((layout.columns, layout.calls, layout.puts))
        for name, headers in columns.items()
        for header in headers
    }
    joined = [header for header, _, _ in meant]
    assert sorted(set(joined)) == sorted(joined)


@every_row
def test_terms_and_quotes_can_be_found(layout):
    """Every layout leads to strike, bid and ask, and to expiry and side by column, symbol or shape."""
    names = {*layout.columns, *layout.calls}
    assert {"strike", "bid", "ask", "quote_time"} <= names
    assert {"expiry"} <= names or "symbol" in names
    assert {"right"} <= names or layout.wide or "symbol" in names


def test_the_canonical_layout_holds_every_canonical_column():
    """What the chain consists of is what the reader looks for first."""
    assert set(CHAIN_COLUMNS) <= set(LAYOUTS[0].columns)


@pytest.mark.parametrize("name", WRITTEN)
def test_every_place_is_used_or_told(name):
    """A match accounts for each column of the source exactly once as used or unused."""
    headers = list(WRITTEN[name].columns)
    match = match_layout(headers, "x")
    used = {*match.columns.values(), *match.calls.values(), *match.puts.values()}
    assert name == match.layout.name
    assert set(range(len(headers))) == used | set(match.unused)
    assert not used & set(match.unused)


def test_the_best_header_wins():
    """Of several headers for one name the first of the row is taken, the others are unused."""
    match = match_layout(["quote_time", "quote_ts_utc", "expiry", "right", "strike", "bid", "ask"], "x")
    assert ("atalanta", 1, (0,)) == (match.layout.name, match.columns["quote_time"], match.unused)


ALIASES = {
    "expiry": (
        "Expiry",
        "Expiration",
        "Expiration Date",
        "expiration_date",
        "ExpirationDate",
        "EXP DATE",
        "expiryDate",
    ),
    "right": (
        "right",
        "Type",
        "Option Type",
        "option_type",
        "OptionType",
        "Call/Put",
        "call_put",
        "Put/Call",
        "C/P",
    ),
    "strike": ("STRIKE", "Strike Price", "strike_price", "strikePrice", "Strike-Price"),
    "bid": ("Bid", "Bid Price", "bid_price", "BidPrice"),
    "ask": ("Ask", "Ask Price", "ask_price", "AskPrice"),
    "underlying": ("Underlying", "Ticker", "Underlying Symbol", "underlyingSymbol"),
    "symbol": ("Symbol", "Contract Symbol", "OptionSymbol"),
    "spot": ("spot", "Underlying Price", "UnderlyingPrice", "Spot Price"),
    "quote_time": ("Quote Time", "quoteTime", "Quote Date", "QUOTE_DATETIME"),
    "open_interest": ("Open Interest", "openInterest", "OPEN_INTEREST"),
    "iv_vendor": ("IV", "Implied Volatility", "impliedVolatility"),
}


@pytest.mark.parametrize(
    ("name", "header"), [(name, header) for name, headers in ALIASES.items() for header in headers]
)
def test_common_headers_are_known_in_any_spelling(name, header):
    """What exporters call a column is found in any case, with blanks, underscores or nothing between the words."""
    plain = {
        "expiry": "expiry",
        "right": "right",
        "strike": "strike",
        "bid": "bid",
        "ask": "ask",
        name: header,
    }
    match = match_layout(plain.values(), "x")
    assert ("atalanta", list(plain).index(name)) == (match.layout.name, match.columns[name])
    assert () == match.unused


def test_an_exact_header_goes_before_a_joined_one():
    """Of bidPrice and bid_price, which differ in separators, the one that is spelled as looked for is taken."""
    headers = ["expiry", "right", "strike", "bidPrice", "bid_price", "ask"]
    assert 4 == match_layout(headers, "x").columns["bid"]


def test_a_layout_met_exactly_goes_before_one_that_is_nearly_met():
    """A contract_symbol makes no Yahoo frame of a file whose headers are OpenBB's; alone with quotes it does."""
    headers = [*WRITTEN["openbb"].columns]
    assert "contract_symbol" in headers
    assert "openbb" == match_layout(headers, "x").layout.name
    assert "yahoo" == match_layout(["Contract Symbol", "Strike", "Bid", "Ask"], "x").layout.name


def test_1545_goes_before_end_of_day():
    """A DataShop file with both stamps is read at 15:45, where quotes are tighter."""
    headers = [*WRITTEN["datashop-1545"].columns, *WRITTEN["datashop-eod"].columns]
    assert "datashop-1545" == match_layout(dict.fromkeys(headers), "x").layout.name
    assert "datashop-eod" == match_layout(dict.fromkeys(headers), "x", "datashop-eod").layout.name


def test_distinctive_layouts_go_first():
    """A Yahoo frame with canonical columns added is still Yahoo's."""
    headers = [*WRITTEN["yahoo"].columns, "expiry", "right"]
    assert "yahoo" == match_layout(headers, "x").layout.name


def test_all_missing_columns_are_named_at_once():
    """One message lists everything that is missing."""
    with pytest.raises(InputError) as caught:
        match_layout(["expiry", "right", "strike"], "x.csv")
    message = (
        "x.csv has no column for the bid (looked for: bid, bid_price); the ask (looked for: ask, ask_price)"
    )
    assert f"[market.read_chain] {message}, read as layout atalanta; found: expiry, right, strike" == str(
        caught.value
    )


def test_a_missing_side_of_a_wide_row_is_named():
    """Of a wide layout the side is named with the quote."""
    headers = [header for header in WRITTEN["orats-strikes"].columns if header != "putBidPrice"]
    with pytest.raises(InputError, match=re.escape("no column for the put bid (looked for: putbidprice)")):
        match_layout(headers, "x.csv")


def test_twins_that_nothing_is_looked_for_in_are_left_alone():
    """Two unused columns may bear one name."""
    headers = [*WRITTEN["atalanta"].columns, "comment", "Comment"]
    assert 2 == len(match_layout(headers, "x").unused)


def test_twins_are_refused_in_the_canonical_layout():
    """Where every column is kept, two of one name are refused."""
    headers = [*WRITTEN["canonical"].columns, "comment", "comment"]
    with pytest.raises(InputError, match=r"2 columns that read as 'comment' \('comment', 'comment'\)"):
        match_layout(headers, "x")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("optiondx", "'optionsdx'"), ("datashop", "'datashop-1545'"), ("ATALANTA", "'atalanta'")],
)
def test_a_misspelled_layout_is_answered_with_the_nearest(name, hint):
    """A near miss gets a suggestion."""
    with pytest.raises(InputError, match=f"did you mean {hint}"):
        match_layout(["strike"], "x", name)


def test_a_layout_unlike_all_others_gets_no_suggestion():
    """Where nothing is near, only the known names are listed."""
    with pytest.raises(InputError, match=r"openbb, atalanta\)$"):
        match_layout(["strike"], "x", "zzz")
