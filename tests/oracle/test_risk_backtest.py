"""Back-tests of VaR and ES against hand-worked and published figures, and the named stresses against daily series."""

import math

import numpy as np
import polars as pl
import pytest

from atalanta.errors import InputError
from atalanta.risk import backtest, historical_forecasts
from atalanta.risk.stresses import STRESSES


def hits(days, *places):
    """Returns of −2 on those days and 0 on others, against a VaR of 1."""
    returns = np.zeros(days)
    returns[list(places)] = -2.0
    return returns


def test_kupiec_by_hand():
    """Jorion's table: 99 %, 255 days, 7 failures is the least count of rejection; LR = 5.50 here by hand."""
    found = backtest(hits(255, *range(0, 70, 10)), np.ones(255), 0.01)
    by_hand = -2 * (
        248 * math.log(0.99) + 7 * math.log(0.01) - 248 * math.log(248 / 255) - 7 * math.log(7 / 255)
    )
    assert by_hand == pytest.approx(found.kupiec.statistic)
    assert 0.01 < found.kupiec.p_value < 0.05
    assert found.kupiec.statistic > 3.841
    six = backtest(hits(255, *range(0, 60, 10)), np.ones(255), 0.01)
    assert six.kupiec.statistic < 3.841
    assert 0.05 == pytest.approx(math.erfc(math.sqrt(3.841459 / 2)), abs=1e-6)


def test_christoffersen_by_hand():
    """Four violations in a row of ten days among a hundred: n00 = 94, n01 = 1, n10 = 1, n11 = 3."""
    found = backtest(hits(100, 50, 51, 52, 53), np.ones(100), 0.04)
    log = math.log
    alike = 95 * log(95 / 99) + 4 * log(4 / 99)
    apart = 94 * log(94 / 95) + log(1 / 95) + log(1 / 4) + 3 * log(3 / 4)
    assert 2 * (apart - alike) == pytest.approx(found.independence.statistic)
    assert 0.0 == pytest.approx(found.kupiec.statistic, abs=1e-12)
    assert found.conditional_coverage.statistic == pytest.approx(found.independence.statistic)
    assert math.exp(-found.conditional_coverage.statistic / 2) == found.conditional_coverage.p_value


def test_z2_by_hand():
    """Twice the violations at the right size is −1; none is +1."""
    returns, ones = hits(100, 1, 30), np.ones(100)
    assert -1.0 == pytest.approx(backtest(returns, ones, 0.01, es=2 * ones).z2)
    assert 1.0 == backtest(np.zeros(100), ones, 0.01, es=ones).z2


def test_the_published_forecasts_of_the_sp500(shared_data):
    """155 violations of 4,527 days, as counted by others; losses on those days exceed the shortfall by 0.09 %."""
    table = pl.read_parquet(shared_data / "esback_sp500_var_es_forecasts.parquet")
    r, q, e, s = (table[name].to_numpy() for name in ("r", "q", "e", "s"))
    found = backtest(r, -q, 0.025, es=-e, volatility=s)
    assert (4527, 155) == (found.observations, found.violations)
    assert 0.0342 == pytest.approx(found.rate, abs=5e-5)
    assert (2.873, 2.783) == (
        pytest.approx(found.mean_loss, abs=5e-4),
        pytest.approx(found.mean_es, abs=5e-4),
    )
    assert found.kupiec.p_value < 0.001
    assert found.independence.p_value < 0.001
    assert found.z2 == pytest.approx(1 - (r[r < q] / e[r < q]).sum() / (4527 * 0.025), abs=1e-12)


def test_scaling_by_volatility_mends_clustering(shared_data):
    """On the same returns: violations of plain historical simulation cluster, those of the scaled one far less."""
    r = pl.read_parquet(shared_data / "esback_sp500_var_es_forecasts.parquet")["r"].to_numpy()[:2000]
    found = {}
    for scaling in ("none", "volatility"):
        var, es, volatility = historical_forecasts(r, window=500, var_level=0.975, scaling=scaling)
        found[scaling] = backtest(r[500:], var, 0.025, es=es, volatility=volatility)
    assert found["volatility"].conditional_coverage.statistic < found["none"].conditional_coverage.statistic
    assert found["volatility"].kupiec.p_value > 0.01


def test_stresses_are_what_the_series_say(shared_data):
    """The closes that the sources name, up to 2012, where the series are."""
    spots = pl.read_parquet(shared_data / "daily_gspc_close_1927_2012.parquet")
    vix = pl.read_parquet(shared_data / "daily_vix_ohlc_1990_2012.parquet")

    def close(table, day):
        column = next(name for name in table.columns if name.lower().endswith("close"))
        days = (
            table[next(name for name in table.columns if name.lower() == "date")]
            .cast(pl.String)
            .str.slice(0, 10)
        )
        return float(table.filter(days == day)[column][0])

    named = {one.name: one for one in STRESSES}
    days = {
        "1987-10-19 crash": ("1987-10-16", "1987-10-19"),
        "2008-10 crisis week": ("2008-10-03", "2008-10-10"),
        "2008-09-29 no bail-out": ("2008-09-26", "2008-09-29"),
    }
    for name, (before, after) in days.items():
        assert named[name].spot == pytest.approx(close(spots, after) / close(spots, before) - 1, abs=6e-4), (
            name
        )
        if name[:4] == "2008":
            assert named[name].vol == pytest.approx(close(vix, after) / close(vix, before) - 1, abs=0.01), (
                name
            )


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (([], [], 0.01), "returns must be one column"),
        (([1.0, np.nan], [1.0, 1.0], 0.01), "returns must be one column of finite numbers"),
        (([1.0, 1.0], [1.0], 0.01), "var holds 1 days, returns 2"),
        (([1.0], [1.0], 99), "level is 99"),
    ],
)
def test_columns_that_do_not_fit_are_refused(call, text):
    """With their lengths."""
    with pytest.raises(InputError, match="backtest") as error:
        backtest(*call)
    assert text in str(error.value)


def test_windows_that_do_not_fit_are_refused():
    """Longer than the series, or another word."""
    with pytest.raises(InputError, match="window is 10"):
        historical_forecasts(np.zeros(10), window=10)
    with pytest.raises(InputError, match="scaling is 'garch'"):
        historical_forecasts(np.zeros(10), window=5, scaling="garch")
