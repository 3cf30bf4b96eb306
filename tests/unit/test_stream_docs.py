"""The first sample of the page on streaming, as it stands there but shorter."""

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from atalanta.streaming import SimulatorFeed

PAGE = Path(__file__).parents[2] / "docs" / "rooms" / "streaming.md"


@pytest.mark.skipif(not PAGE.exists(), reason="the pages are not part of the package")
def test_the_sample_ends_with_an_exact_account(tmp_path):
    """A loop that looked whether the feed was done, at each batch, waited for ever for one more."""
    contract = SimulatorFeed(seconds=0.1, rate=10.0).universe().symbols[-1]
    book = tmp_path / "book.csv"
    book.write_text(f"symbol,quantity\n{contract},2\n")
    (sample,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[:1]
    for said, here in (("seconds=5.0", "seconds=0.3, rate=2000.0"), ("book.csv", book.as_posix())):
        assert said in sample
        sample = sample.replace(said, here)
    told = io.StringIO()
    with redirect_stdout(told):
        exec(compile(sample, str(PAGE), "exec"), {"__name__": "sample"})  # noqa: S102 - our own page
    assert "True" == told.getvalue().splitlines()[-1]
    assert 2 <= len(told.getvalue().splitlines())
