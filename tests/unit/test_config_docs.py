"""The page on the configuration says what the package does: every option, its default, its description."""

from pathlib import Path

import pytest

from atalanta import config
from atalanta.config.model import BreakerSettings
from atalanta.config.options import options
from atalanta.config.sources import default_layer
from atalanta.config.writing import scalar_text

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rooms" / "config.md"


def row(option):
    """The option's row in the table."""
    words, breaker = option.key.split("."), BreakerSettings().model_dump(mode="json")
    default = breaker[words[-1]] if "NAME" in words else default_layer().values[words[0]][words[1]]
    reloadable = " Reloadable." if option.reloadable else ""
    return f"| `{option.key}` | `{scalar_text(default)}` | {option.description}{reloadable} |"


@pytest.fixture(scope="module")
def page():
    if not PAGE.is_file():
        pytest.skip("needs the project's documentation beside the tests")
    return PAGE.read_text(encoding="utf-8")


def test_the_table_is_that_of_the_model(page):
    """Row by row, in its order."""
    told = [line for line in page.splitlines() if line.startswith("| `") and ". Use when " in line]
    assert [row(option) for option in options()] == told


def test_every_option_says_when_to_use_it():
    """In one sentence after what it is."""
    for option in options():
        what, use = option.description.split(" Use when ")
        assert what.endswith(".")
        assert use.endswith(".")


def test_the_example_is_right(page, tmp_path):
    """It loads, and the line that is named is the line."""
    example = page.partition("```yaml\n# atalanta.yaml\n")[2].partition("```")[0]
    path = tmp_path / "atalanta.yaml"
    path.write_text("# atalanta.yaml\n" + example, encoding="utf-8")
    loaded = config.load(file=path, environment={})
    assert 8 << 30 == loaded.value.buffers.limit
    assert f"{path}:4:3" == str(loaded.origin("buffers.limit"))
    database = loaded.value.reliability.breakers["database"]
    assert (3, 60.0, 90.0) == (database.failures, database.window, database.open_for)
