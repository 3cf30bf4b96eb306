"""The examples in the docstrings of the pricing functions do what they say."""

import doctest

import pytest

import atalanta
from atalanta import pricing

DOCUMENTED = [
    atalanta.price,
    atalanta.greeks,
    atalanta.implied_vol,
    atalanta.Dividends,
    atalanta.Ladder,
    atalanta.early_exercise,
    pricing.exercise_boundary,
]


@pytest.mark.parametrize("documented", DOCUMENTED, ids=lambda x: x.__name__)
def test_the_example_of_a_docstring_runs(documented):
    """Each docstring holds an example, and it prints what it says."""
    example = doctest.DocTestParser().get_doctest(
        documented.__doc__, {}, documented.__name__, filename=None, lineno=0
    )
    assert example.examples
    runner = doctest.DocTestRunner(verbose=False)
    report = []
    runner.run(example, out=report.append)
    assert 0 == runner.summarize(verbose=False).failed, "".join(report)
