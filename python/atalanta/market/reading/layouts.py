"""The layouts of option chains that are recognised by their columns, as a table of rows.

Main entry: `LAYOUTS`. A row names the columns it needs and, per canonical name, the headers to look for,
best first. Rows stand from the most distinctive to the least; the first whose needs are met is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from atalanta.market.chain import CHAIN_COLUMNS

__all__ = ["LAYOUTS", "Headers", "Layout"]

Headers = Mapping[str, tuple[str, ...]]


def _headers(*tables: str) -> Headers:
    """Canonical names and their headers from `name: header header; name: header`; a name alone is its own header."""
    entries = (entry.strip() for table in tables for entry in table.replace("\n", ";").split(";"))
    named = (entry.partition(":") for entry in entries if entry)
    return MappingProxyType({name: tuple((headers or name).split()) for name, _, headers in named})


@dataclass(frozen=True, slots=True)
class Layout:
    """One way of writing an option chain down.

    Attributes:
        name: what messages and the `layout` argument call it.
        needs: canonical names without which it is not this layout; `call bid` is the bid of a side.
        columns: canonical name to the headers looked for, lower case, best first.
        calls: of a wide layout, the columns of the call in a row; empty where a row is one contract.
        puts: as `calls`, for the put.
        utc: times without a zone are UTC, whatever their header says.
        before_close: minutes before the session's close that a date alone stands for.
        keeps_rest: columns that nothing is looked for in are kept under their own names.
    """

    name: str
    needs: tuple[str, ...]
    columns: Headers
    calls: Headers = field(default_factory=dict)
    puts: Headers = field(default_factory=dict)
    utc: bool = False
    before_close: int = 0
    keeps_rest: bool = False

    @property
    def wide(self) -> bool:
        """Whether a row holds a call and a put."""
        return bool(self.calls)

    def looked_for(self, need: str) -> tuple[str, ...]:
        """The headers that satisfy a need."""
        side, _, name = need.rpartition(" ")
        return {"": self.columns, "call": self.calls, "put": self.puts}[side][name]


_TERMS = ("expiry", "right", "strike")
_QUOTES = ("bid", "ask")
_SIDES = ("call bid", "call ask", "put bid", "put ask")
#: What a column is commonly called where no vendor's layout says so.
_COMMON = """
    quote_time: quote_ts_utc quote_time_utc quote_time quote_datetime quote_date
    quoted_at: quoted_at_utc quoted_at; last_trade_at: last_trade_utc last_trade_time
    downloaded_at: download_ts_utc
    underlying: underlying underlying_symbol ticker; root; symbol: symbol contract_symbol option_symbol
    expiry: expiry expiration expiration_date expiry_date exp_date; settlement
    right: right option_type call_put put_call c_p type; strike: strike strike_price
    exercise: exercise exercise_style style; multiplier; contract_size
    spot: spot spot_price underlying_price underlying_last; spot_bid; spot_ask
    bid: bid bid_price; ask: ask ask_price; bid_size; ask_size
    last: last last_price last_trade_price; volume; open_interest
    iv_vendor: iv_vendor implied_volatility iv; delta_vendor: delta_vendor delta
    gamma_vendor: gamma_vendor gamma; vega_vendor: vega_vendor vega
    theta_vendor: theta_vendor theta; rho_vendor: rho_vendor rho
"""
_DATASHOP = """
    quote_time: quote_datetime quote_date
    underlying: underlying_symbol; root; expiry: expiration; strike; right: option_type
    volume: trade_volume; last: close; open_interest
"""


def _datashop(stamp: str) -> Headers:
    quotes = """
        bid: bid_{0}; ask: ask_{0}; bid_size: bid_size_{0}; ask_size: ask_size_{0}
        spot: active_underlying_price_{0}; spot_bid: underlying_bid_{0}; spot_ask: underlying_ask_{0}
        iv_vendor: implied_volatility_{0}; delta_vendor: delta_{0}; gamma_vendor: gamma_{0}
        vega_vendor: vega_{0}; theta_vendor: theta_{0}; rho_vendor: rho_{0}
    """
    return _headers(_DATASHOP, quotes.format(stamp))


def _orats_side(side: str) -> Headers:
    side_columns = """
        bid: {0}bidprice; ask: {0}askprice; bid_size: {0}bidsize; ask_size: {0}asksize
        volume: {0}volume; open_interest: {0}openinterest; iv_vendor: {0}midiv
    """
    return _headers(side_columns.format(side))


def _orats_near_eod_side(letter: str) -> Headers:
    side_columns = "bid: {0}bidpx; ask: {0}askpx; volume: {0}volu; open_interest: {0}oi; iv_vendor: {0}midiv"
    return _headers(side_columns.format(letter))


def _optionsdx_side(letter: str) -> Headers:
    side_columns = """
        bid: {0}_bid; ask: {0}_ask; last: {0}_last; volume: {0}_volume
        iv_vendor: {0}_iv; delta_vendor: {0}_delta; gamma_vendor: {0}_gamma
        vega_vendor: {0}_vega; theta_vendor: {0}_theta; rho_vendor: {0}_rho
    """
    return _headers(side_columns.format(letter))


#: The known layouts, from the most distinctive to the least.
LAYOUTS: tuple[Layout, ...] = (
    Layout(
        "canonical",
        ("quote_time", "expires_at", *_TERMS, *_QUOTES),
        _headers(*CHAIN_COLUMNS, "quoted_at", "last_trade_at", "downloaded_at"),
        utc=True,
        keeps_rest=True,
    ),
    Layout(
        "yahoo",
        ("symbol", "strike", *_QUOTES),
        _headers("""
            symbol: contractsymbol; underlying: underlying ticker; spot: spot underlyingprice
            quote_time: quote_time_utc quote_time; strike; bid; ask
            last: lastprice; last_trade_at: lasttradedate; volume; open_interest: openinterest
            iv_vendor: impliedvolatility; contract_size: contractsize
        """),
    ),
    Layout(
        "datashop-1545",
        ("quote_time", "underlying", *_TERMS, *_QUOTES),
        _datashop("1545"),
        before_close=15,
    ),
    Layout(
        "datashop-eod",
        ("quote_time", "underlying", *_TERMS, *_QUOTES),
        _datashop("eod"),
    ),
    Layout(
        "orats-strikes",
        ("quote_time", "underlying", "expiry", "strike", *_SIDES),
        _headers("""
            underlying: ticker; quote_time: quotedate tradedate; expiry: expirdate; dte; strike
            spot: spotprice stockprice; gamma_vendor: gamma; vega_vendor: vega
        """),
        calls=MappingProxyType({**_orats_side("call"), "delta_vendor": ("delta",)}),
        puts=_orats_side("put"),
    ),
    Layout(
        "orats-near-eod",
        ("quote_time", "underlying", "expiry", "strike", *_SIDES),
        _headers("""
            underlying: ticker; quote_time: trade_date tradedate; expiry: expirdate; strike
            spot: spot_px stkpx; gamma_vendor: gamma; vega_vendor: vega
        """),
        calls=MappingProxyType({**_orats_near_eod_side("c"), "delta_vendor": ("delta",)}),
        puts=_orats_near_eod_side("p"),
        before_close=14,
    ),
    Layout(
        "optionsdx",
        ("quote_time", "expiry", "strike", *_SIDES),
        _headers("""
            underlying: underlying_symbol ticker; quote_time: quote_unixtime quote_readtime quote_date
            spot: underlying_last; expiry: expire_date; strike
        """),
        calls=_optionsdx_side("c"),
        puts=_optionsdx_side("p"),
    ),
    Layout(
        "openbb",
        (*_TERMS, *_QUOTES),
        _headers(
            _COMMON,
            """
            underlying: underlying_symbol underlying; quote_time: quote_time eod_date quote_date; bid_time; ask_time
            expiry: expiration; right: option_type; strike; bid; ask
            """,
        ),
    ),
    Layout(
        "atalanta",
        (*_TERMS, *_QUOTES),
        _headers(_COMMON),
    ),
)
