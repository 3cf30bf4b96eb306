import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from atalanta.cli.smile_html import smile_page
from atalanta.market.flags import QualityFlag
from tests.cli_reports import WEEK, market, report
from tests.parity_market import changed, joined, parity_chain

HOSTILE = "</script><img src=x onerror=alert(1)>{{data}}&<!--"


class Page(HTMLParser):
    """The elements, attributes and scripts of a page as a browser sees them."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.scripts, self.text = [], {}, []
        self._script = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Note the element; a script begins."""
        self.elements.append((tag, dict(attrs)))
        self._script = dict(attrs).get("type", "code") if tag == "script" else None

    def handle_data(self, data):
        """Note text, apart from scripts."""
        if self._script is not None:
            self.scripts[self._script] = self.scripts.get(self._script, "") + data
        else:
            self.text.append(data)

    def handle_endtag(self, _tag):
        """A script ends."""
        self._script = None

    @property
    def data(self):
        """What the page's script works on."""
        return json.loads(self.scripts["application/json"])


def test_the_page_is_self_contained():
    """No element loads anything, and the page's own policy forbids it."""
    page = Page(smile_page(report()))
    assert [] == [attrs for _, attrs in page.elements if {"src", "href", "srcset", "data"} & set(attrs)]
    policy = next(attrs["content"] for tag, attrs in page.elements if "http-equiv" in attrs)
    assert policy.startswith("default-src 'none'")
    code = page.scripts["code"].replace("http://www.w3.org/2000/svg", "")
    assert [] == re.findall(r"https?:|fetch\(|import\(|XMLHttpRequest|WebSocket|@import|url\(", code)


def test_every_place_of_the_template_is_filled():
    """No placeholder is left over."""
    assert [] == re.findall(r"\{\{\w+\}\}", smile_page(report()))


def test_the_page_holds_every_slice():
    """Each expiry with its forward and each of its contracts, in order of strike, calls first."""
    made = report()
    slices = Page(smile_page(made)).data["slices"]
    assert made.analysis.expiries["forward"].tolist() == [each["forward"] for each in slices]
    contracts = slices[0]["contracts"]
    assert sorted(contracts["strike"]) == contracts["strike"]
    assert [1, -1] * 21 == contracts["right"]
    assert made.analysis["iv_mid"][:42] == pytest.approx(contracts["iv_mid"], rel=1e-6)


def test_flags_are_marked():
    """A flagged contract carries its flags, a sound one says ok; a missing vol is null."""
    chain = changed(parity_chain(WEEK), "bid", 40, np.nan)
    contracts = Page(smile_page(report(changed(chain, "flags", 40, QualityFlag.NO_BID)))).data["slices"][0][
        "contracts"
    ]
    at = contracts["flags"].index("no_bid|no_iv")
    assert (None, None) == (contracts["iv_bid"][at], contracts["iv_mid"][at])
    assert 41 == contracts["flags"].count("ok")


def test_hostile_texts_stay_texts():
    """Symbols, underlyings, notes and the file's name cannot add an element, end the script or fill a place."""
    chain = market()
    names = np.full(len(chain), HOSTILE, dtype=object)
    hostile = chain.with_columns(underlying=names, root=names, symbol=names).with_notes(HOSTILE)
    plain, page = Page(smile_page(report())), Page(smile_page(report(hostile, source=HOSTILE)))
    assert "img" not in {tag for tag, _ in page.elements}
    assert [tag for tag, _ in plain.elements if tag != "li"] == [
        tag for tag, _ in page.elements if tag != "li"
    ]
    assert {HOSTILE} == {each["underlying"] for each in page.data["slices"]}
    assert HOSTILE in page.data["slices"][0]["contracts"]["symbol"]
    assert plain.scripts["code"] == page.scripts["code"]


def test_the_code_puts_texts_on_screen_as_text():
    """The script never parses markup."""
    code = Page(smile_page(report())).scripts["code"]
    assert [] == re.findall(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", code
    )


def test_assumptions_and_counts_are_told():
    """Notes, counts, flags and the source are on the page itself, without the script."""
    chain = changed(market(), "flags", 0, QualityFlag.STALE).with_notes("quote time assumed: the close")
    text = " ".join(Page(smile_page(report(chain))).text)
    for part in ("quotes.csv", "126 contracts, 3 expiries", "quote time assumed: the close", "stale: 1"):
        assert part in text


def test_controls_can_be_reached_by_keyboard():
    """Every control is a native one or takes the focus, and each select has a label."""
    page = Page(smile_page(report()))
    tags = [tag for tag, _ in page.elements]
    assert {"select", "button", "summary"} <= set(tags)
    assert tags.count("select") == tags.count("label")
    chart = next(attrs for tag, attrs in page.elements if attrs.get("id") == "chart")
    assert ("0", "readout") == (chart["tabindex"], chart["aria-describedby"])
    assert "Home" in page.scripts["code"]


def test_snapshots_are_grouped():
    """Slices come by underlying, then by snapshot, then by expiry."""
    first = parity_chain(WEEK)
    later = first.with_columns(quote_time=first["quote_time"] + np.timedelta64(1, "h"))
    slices = Page(smile_page(report(joined(later, first)))).data["slices"]
    assert ["2026-03-02T15:00:00Z", "2026-03-02T16:00:00Z"] == [each["quote_time"] for each in slices]


def test_numbers_are_short():
    """Seven digits per number: nobody sees more, and the file is half as large."""
    strike = Page(smile_page(report(parity_chain(WEEK, strikes=[4505.123456789])))).data["slices"][0][
        "contracts"
    ]
    assert [4505.123, 4505.123] == strike["strike"]


def test_warnings_stand_above_the_chart():
    """Missing dividends and a missing rate are told before the figures; a sound report has no warning."""
    american = report(parity_chain(WEEK, exercise="american"))
    text = smile_page(american)
    above = text[: text.index("<main>")]
    assert 2 == above.count('<p class="warning">')
    assert all(warning.partition(":")[0] in above for warning in american.warnings())
    assert '<p class="warning">' not in smile_page(report())
