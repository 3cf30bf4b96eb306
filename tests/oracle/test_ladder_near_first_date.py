"""Ladders of calls seconds to days before an ex-date, read across the kink of exercise before it: as solves at those spots.

Nodes do not see that kink. Prices were up to 0.08 off between them, deltas 0.5; solves are within a tenth of a cent themselves.
"""

import pickle

import numpy as np
import pytest

import atalanta

SECOND, HOUR, DAY = 1.0 / (365 * 86_400), 1.0 / (365 * 24), 1.0 / 365

#: Right, strike, years, rate, yield, vol, dividends after the first, which is 0.9.
ROWS = {
    "a month": (100.0, 30 * DAY, 0.04, 0.0, 0.2, ()),
    "a year, three more": (100.0, 1.0, 0.04, 0.0, 0.3, ((0.25, 0.9), (0.5, 0.9), (0.75, 0.9))),
    "a yield": (100.0, 0.5, 0.03, 0.02, 0.25, ((0.3, 1.1),)),
    "a yield above the rate": (100.0, 0.7, 0.01, 0.04, 0.15, ()),
    "another date a minute later": (100.0, 0.4, 0.05, 0.0, 0.2, "minute"),
    "no rate": (100.0, 0.25, 0.0, 0.0, 0.35, ((0.2, 0.4),)),
}
BEFORE = {
    "a second": SECOND,
    "a minute": 60 * SECOND,
    "an hour": HOUR,
    "six hours": 6 * HOUR,
    "two days": 2 * DAY,
}


def terms_of(row, before):
    strike, years, rate, dividend_yield, vol, later = row
    later = ((before + 60 * SECOND, 0.2),) if later == "minute" else later
    dividends = ((before, 0.9), *later)
    return ("call", strike, years, rate, vol), {"dividend_yield": dividend_yield, "dividends": dividends}


def spots_about_the_kink(option, terms, spot, vol, years, before):
    right, strike, years, rate, vol = option
    ladder = atalanta.Ladder(right, spot, strike, years, rate, vol, exercise="american", **terms)
    kink = float(atalanta.early_exercise(right, spot, strike, years, rate, vol, **terms).ex_dividend_boundary)
    wide = spot * np.exp(np.linspace(-2.5, 2.5, 31) * vol * np.sqrt(years))
    if not np.isfinite(kink):
        return ladder, wide
    cells = kink * np.exp(np.linspace(-0.4, 0.4, 31) * vol * np.sqrt(years))
    narrow = kink * np.exp(np.linspace(-4.0, 4.0, 21) * vol * np.sqrt(before))
    return ladder, np.sort(np.concatenate([wide, cells, narrow]))


@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("spot", [95.0, 104.0, 118.0])
def test_reads_are_as_solves(row, before, spot):
    option, terms = terms_of(row, before)
    right, strike, years, rate, vol = option
    ladder, spots = spots_about_the_kink(option, terms, spot, vol, years, before)
    spots = spots[(spots > ladder.spots.lowest) & (spots < ladder.spots.highest)]
    solved = atalanta.greeks(right, spots, strike, years, rate, vol, exercise="american", **terms)
    read = ladder.at(spots)
    scale = np.maximum(spots, 100.0) / 100.0
    assert (np.abs(read.price - solved.price) / scale).max() < 1e-3
    assert np.abs(read.delta - solved.delta).max() < 0.03


def close_up_of(row, before, spot):
    option, terms = terms_of(row, before)
    right, strike, years, rate, vol = option
    return atalanta.Ladder(right, spot, strike, years, rate, vol, exercise="american", **terms)


def test_price_and_delta_go_on_where_the_close_up_ends():
    """No jump between its last node and the ladder's own."""
    ladder = close_up_of(ROWS["a month"], HOUR, 103.0)
    spots = np.linspace(96.0, 108.0, 60_001)
    read = ladder.at(spots)
    width = spots[1] - spots[0]
    assert np.abs(np.diff(read.price) - read.delta[1:] * width).max() < 2e-7
    assert np.abs(np.diff(read.delta)).max() < 2e-3


def test_a_chain_reads_as_its_rows_do():
    strikes = np.linspace(80.0, 120.0, 41)
    option, terms = terms_of(ROWS["a year, three more"], HOUR)
    chain = atalanta.Ladder("call", 104.0, strikes, *option[2:], exercise="american", **terms)
    together = chain.at(101.37)
    for i, strike in enumerate(strikes):
        alone = atalanta.Ladder("call", 104.0, strike, *option[2:], exercise="american", **terms).at(101.37)
        assert (together.price[i], together.delta[i], together.gamma[i]) == alone[:3]


def test_a_copy_of_another_process_reads_the_same_bits():
    ladder = close_up_of(ROWS["a yield"], 60 * SECOND, 103.0)
    again = pickle.loads(pickle.dumps(ladder))
    spots = np.linspace(80.0, 125.0, 5_001)
    assert np.array_equal(np.array(ladder.at(spots)), np.array(again.at(spots)))


def test_puts_and_european_calls_have_no_kink_to_look_at():
    option, terms = terms_of(ROWS["a month"], HOUR)
    plain = atalanta.Ladder("put", 103.0, *option[1:], exercise="american", **terms)
    far = atalanta.Ladder("put", 103.0, *option[1:], exercise="american", dividends=((20 * DAY, 0.9),))
    european = atalanta.Ladder("call", 103.0, *option[1:], **terms)
    call = atalanta.Ladder("call", 103.0, *option[1:], exercise="american", **terms)
    assert plain.nbytes <= far.nbytes
    assert european.nbytes < call.nbytes


#: Spot of the ladder, years, rate, vol, dividends; where it is read. Off by 3e-3 to 8e-2, some by nodes too far apart, some about the wrong date.
FOUND = {
    "ten days": (100.0, 1.0, 0.0, 0.6, ((10 * DAY, 1.0),), 100.0),
    "nine days": (99.6, 0.36, 0.008, 0.68, ((0.024, 0.35),), 107.55),
    "four days": (209.536217, 0.302239324, 0.0121027911, 0.791556907, ((0.0112765775, 1.47081597),), 90.9967052),
    "nothing first": (95.0, 0.44, 0.0, 0.13, ((1e-6, 0.0), (1.03e-6, 5.0)), 102.159),
    "next to nothing first": (91.6784298, 0.441077272, 0.0377504249, 0.131513284, ((1.04012422e-06, 1.58866430e-07), (1.07207642e-06, 14.0937439)), 100.410541),
}  # fmt: skip


@pytest.mark.parametrize("found", FOUND.values(), ids=FOUND)
def test_rows_that_were_found(found):
    spot, years, rate, vol, dividends, at = found
    terms = {"exercise": "american", "dividends": dividends}
    read = atalanta.Ladder("call", spot, 100.0, years, rate, vol, **terms).at(at)
    solved = atalanta.greeks("call", at, 100.0, years, rate, vol, **terms)
    assert read.price == pytest.approx(float(solved.price), abs=2e-4)
    assert read.delta == pytest.approx(float(solved.delta), abs=1e-3)
