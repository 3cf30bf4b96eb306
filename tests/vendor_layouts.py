"""One synthetic snapshot written down in every known layout; imported by the tests.

Eight contracts on SPY, the call before the put at each strike. Headers are spelled as the vendors publish them;
every number is computed here.
"""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import numpy as np

DAY = dt.date(2024, 9, 13)  # a Friday, summer time: New York is UTC-4
CLOSE = np.datetime64("2024-09-13T20:00", "ns")
SPOT = 560.25

EXPIRY = [dt.date(2024, 9, 20)] * 4 + [dt.date(2024, 12, 20)] * 4
STRIKE = [550.0, 550.0, 565.5, 565.5] * 2
RIGHT = [1, -1] * 4
BID = [12.1, 1.95, 1.3, 6.6, 24.4, 12.25, 14.05, 17.3]
ASK = [12.25, 2.0, 1.35, 6.75, 24.6, 12.4, 14.2, 17.55]
VOL = [0.151, 0.152, 0.131, 0.133, 0.162, 0.163, 0.149, 0.15]
VOLUME = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0]
OPEN_INTEREST = [100.0, 200.0, 300.0, 400.0, 500.0, 600.0, 700.0, 800.0]
SYMBOL = [
    f"SPY{expiry:%y%m%d}{'C' if right > 0 else 'P'}{round(strike * 1000):08d}"
    for expiry, right, strike in zip(EXPIRY, RIGHT, STRIKE, strict=True)
]


@dataclass(frozen=True)
class Written:
    """The snapshot in one layout.

    Attributes:
        columns: header to cells, as the vendor writes them.
        quote_time: the instant that the reader should find.
        arguments: what the layout lacks and the caller supplies.
        needs: a header without which the layout cannot be read.
    """

    columns: dict[str, list[Any]]
    needs: tuple[str, ...]
    quote_time: np.datetime64 = CLOSE
    arguments: dict[str, Any] = field(default_factory=dict)


def _iso(days: list[dt.date]) -> list[str]:
    return [day.isoformat() for day in days]


def _us(days: list[dt.date]) -> list[str]:
    return [f"{day.month}/{day.day}/{day.year}" for day in days]


def _letters() -> list[str]:
    return ["C" if right > 0 else "P" for right in RIGHT]


def _calls(column: list[Any]) -> list[Any]:
    return column[0::2]


def _puts(column: list[Any]) -> list[Any]:
    return column[1::2]


def _canonical() -> Written:
    closes = {dt.date(2024, 9, 20): "2024-09-20 20:00:00", dt.date(2024, 12, 20): "2024-12-20 21:00:00"}
    columns = {
        "underlying": ["SPY"] * 8,
        "root": ["SPY"] * 8,
        "symbol": SYMBOL,
        "quote_time": ["2024-09-13 20:00:00"] * 8,
        "expiry": _iso(EXPIRY),
        "expires_at": [closes[day] for day in EXPIRY],
        "settlement": ["PM"] * 8,
        "right": RIGHT,
        "strike": STRIKE,
        "bid": BID,
        "ask": ASK,
        "spot": [SPOT] * 8,
        "exercise": ["american"] * 8,
        "multiplier": [100.0] * 8,
        "years": [0.0] * 8,
        "flags": [0] * 8,
        "iv_vendor": VOL,
        "volume": VOLUME,
        "open_interest": OPEN_INTEREST,
    }
    return Written(columns, ("strike", "bid", "ask", "right", "expiry"))


def _atalanta() -> Written:
    columns = {
        "quote_ts_utc": ["2024-09-13T20:00:00.000000+0000"] * 8,
        "underlying": ["SPY"] * 8,
        "style": ["american"] * 8,
        "spot": [SPOT] * 8,
        "expiry": _iso(EXPIRY),
        "right": _letters(),
        "strike": STRIKE,
        "bid": BID,
        "ask": ASK,
        "volume": VOLUME,
        "open_interest": OPEN_INTEREST,
        "iv_vendor": VOL,
    }
    return Written(columns, ("expiry", "right", "strike", "bid", "ask"))


def _yahoo() -> Written:
    columns = {
        "contractSymbol": SYMBOL,
        "lastTradeDate": ["2024-09-13 19:59:58+00:00"] * 8,
        "strike": STRIKE,
        "lastPrice": BID,
        "bid": BID,
        "ask": ASK,
        "change": [0.5] * 8,
        "percentChange": [1.0] * 8,
        "volume": VOLUME,
        "openInterest": OPEN_INTEREST,
        "impliedVolatility": VOL,
        "inTheMoney": [True] * 8,
        "contractSize": ["REGULAR"] * 8,
        "currency": ["USD"] * 8,
    }
    given = {"spot": SPOT, "quote_time": "2024-09-13T16:00"}
    return Written(columns, ("contractSymbol", "strike", "bid", "ask"), arguments=given)


def _openbb() -> Written:
    columns = {
        "underlying_symbol": ["SPY"] * 8,
        "underlying_price": [SPOT] * 8,
        "contract_symbol": SYMBOL,
        "eod_date": [DAY.isoformat()] * 8,
        "expiration": _iso(EXPIRY),
        "dte": [(day - DAY).days for day in EXPIRY],
        "strike": STRIKE,
        "option_type": ["call", "put"] * 4,
        "contract_size": [100] * 8,
        "open_interest": OPEN_INTEREST,
        "volume": VOLUME,
        "bid": BID,
        "ask": ASK,
        "implied_volatility": VOL,
        "delta": [0.5, -0.5] * 4,
    }
    return Written(columns, ("expiration", "option_type", "strike", "bid", "ask"))


def _datashop(stamp: str, quote_time: np.datetime64) -> Written:
    columns = {
        "underlying_symbol": ["SPY"] * 8,
        "quote_date": [DAY.isoformat()] * 8,
        "root": ["SPY"] * 8,
        "expiration": _iso(EXPIRY),
        "strike": STRIKE,
        "option_type": _letters(),
        "open": [0.0] * 8,
        "trade_volume": VOLUME,
        f"bid_size_{stamp}": [5] * 8,
        f"bid_{stamp}": BID,
        f"ask_size_{stamp}": [7] * 8,
        f"ask_{stamp}": ASK,
        f"underlying_bid_{stamp}": [SPOT - 0.01] * 8,
        f"underlying_ask_{stamp}": [SPOT + 0.01] * 8,
        "open_interest": OPEN_INTEREST,
    }
    if stamp == "1545":
        columns |= {"implied_volatility_1545": VOL, "bid_eod": [0.0] * 8, "ask_eod": [0.0] * 8}
    needs = ("underlying_symbol", "expiration", "strike", "option_type", "ask_eod")
    return Written(columns, needs if stamp == "eod" else needs[:4], quote_time)


def _orats_strikes() -> Written:
    columns = {
        "ticker": ["SPY"] * 4,
        "tradeDate": [DAY.isoformat()] * 4,
        "expirDate": _iso(_calls(EXPIRY)),
        "dte": [(day - DAY).days + 1 for day in _calls(EXPIRY)],
        "strike": _calls(STRIKE),
        "stockPrice": [SPOT] * 4,
        "callVolume": _calls(VOLUME),
        "callOpenInterest": _calls(OPEN_INTEREST),
        "putVolume": _puts(VOLUME),
        "putOpenInterest": _puts(OPEN_INTEREST),
        "callBidPrice": _calls(BID),
        "callValue": _calls(BID),
        "callAskPrice": _calls(ASK),
        "putBidPrice": _puts(BID),
        "putValue": _puts(BID),
        "putAskPrice": _puts(ASK),
        "callMidIv": _calls(VOL),
        "putMidIv": _puts(VOL),
        "smvVol": _calls(VOL),
        "residualRate": [0.01] * 4,
        "delta": [0.6] * 4,
        "gamma": [0.01] * 4,
    }
    return Written(columns, ("ticker", "tradeDate", "expirDate", "strike", "callBidPrice", "putAskPrice"))


def _orats_near_eod() -> Written:
    columns = {
        "ticker": ["SPY"] * 4,
        "cOi": _calls(OPEN_INTEREST),
        "cVolu": _calls(VOLUME),
        "stkPx": [SPOT] * 4,
        "expirDate": _us(_calls(EXPIRY)),
        "yte": [(day - DAY).days / 365 for day in _calls(EXPIRY)],
        "strike": _calls(STRIKE),
        "cBidPx": _calls(BID),
        "cAskPx": _calls(ASK),
        "pBidPx": _puts(BID),
        "pAskPx": _puts(ASK),
        "pOi": _puts(OPEN_INTEREST),
        "pVolu": _puts(VOLUME),
        "cMidIv": _calls(VOL),
        "pMidIv": _puts(VOL),
        "iRate": [0.05] * 4,
        "divRate": [0.012] * 4,
        "delta": [0.6] * 4,
        "trade_date": _us([DAY] * 4),
    }
    needs = ("ticker", "trade_date", "expirDate", "strike", "cBidPx", "pAskPx")
    return Written(columns, needs, CLOSE - np.timedelta64(14, "m"))


def _optionsdx() -> Written:
    columns = {
        "[QUOTE_UNIXTIME]": [1726257600] * 4,  # 2024-09-13T20:00:00Z
        " [QUOTE_READTIME]": [" 2024-09-13 16:00"] * 4,
        " [QUOTE_DATE]": [" 2024-09-13"] * 4,
        " [UNDERLYING_LAST]": [SPOT] * 4,
        " [EXPIRE_DATE]": [f" {day}" for day in _calls(EXPIRY)],
        " [DTE]": [float((day - DAY).days) for day in _calls(EXPIRY)],
        " [C_DELTA]": [0.6] * 4,
        " [C_IV]": _calls(VOL),
        " [C_VOLUME]": _calls(VOLUME),
        " [C_SIZE]": [" 5 x 7"] * 4,
        " [C_BID]": _calls(BID),
        " [C_ASK]": _calls(ASK),
        " [STRIKE]": _calls(STRIKE),
        " [P_BID]": _puts(BID),
        " [P_ASK]": _puts(ASK),
        " [P_IV]": _puts(VOL),
        " [P_VOLUME]": _puts(VOLUME),
        " [P_DELTA]": [-0.4] * 4,
    }
    needs = (" [EXPIRE_DATE]", " [STRIKE]", " [C_BID]", " [P_ASK]")
    return Written(columns, needs, arguments={"underlying": "SPY"})


#: Every layout by its name.
WRITTEN: dict[str, Written] = {
    "canonical": _canonical(),
    "atalanta": _atalanta(),
    "yahoo": _yahoo(),
    "openbb": _openbb(),
    "datashop-1545": _datashop("1545", CLOSE - np.timedelta64(15, "m")),
    "datashop-eod": _datashop("eod", CLOSE),
    "orats-strikes": _orats_strikes(),
    "orats-near-eod": _orats_near_eod(),
    "optionsdx": _optionsdx(),
}
