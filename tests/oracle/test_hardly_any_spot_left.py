"""Puts whose dividends take all of the spot, or nearly: what they are worth is decided by spots far below what grids reach by vol.

Prices and errors are of a program of its own: values that are linear from node to node, whose lognormal means are exact, on 401 to
1,601 + 3,201 spots between zero and far up, 4 and 8 dates of exercise a year's share, extrapolated. Where it says 0 the grid's
and the dates' changes are below the last digit.
"""

import numpy as np
import pytest

import atalanta

#: Of a price at the standard class, for the larger of spot and strike at 100.
STANDARD_LIMIT = 5e-4

#: Spot, years, rate, yield, vol, dividends; price, its error. The strike is 100. Each was off by 1e-3 to 2 once, at every class.
ROWS = {
    "the fourth of four takes the rest": (33.5927346, 0.148485266, 0.07314928, 0.0054239964, 0.0614952804, ((0.0150494371, 2.97784585), (0.0187074395, 1.83744828), (0.0755092131, 0.604185412), (0.113846686, 28.3037698)), 98.87784, 2e-5),
    "five, a vol of next to nothing": (7.08084302, 1.16943588, 0.0754804355, 0.0722137046, 0.00610236222, ((0.216825352, 0.070387169), (0.315209088, 2.90136602), (0.320533853, 1.09445907), (0.628682521, 3.05594528), (1.15093662, 0.349170476)), 95.36396, 4e-5),
    "a rate below zero": (25.1820027, 0.404234114, -0.0238029221, 0.0558127716, 0.0150085018, ((0.0809582648, 17.7131777), (0.0880623919, 0.324762143), (0.121543939, 0.843909382), (0.262193671, 5.77993196)), 100.69937, 2e-5),
    "two that take a little more than there is": (88.0775449, 0.173715358, 0.025075083, 0.0793352603, 0.0249703966, ((0.0757325433, 87.7765566), (0.137742434, 2.44346642)), 99.74694, 2e-5),
    "drift that rules": (15.6864153, 1.8932578, 0.0798761507, 0.00416899691, 0.00391733717, ((0.632409217, 0.110055049), (0.899185612, 0.435390954), (0.920085774, 0.062653875), (1.67292216, 15.970334), (1.88075669, 0.256143732)), 86.45312, 0),
    "little ones before and after": (100.801233, 0.406671754, 0.0656709759, 0.0445631147, 0.0230139968, ((0.0143682726, 0.0278635529), (0.107024618, 100.684002), (0.289718773, 1.17787298), (0.364802861, 0.00914533131), (0.392778722, 4.07155116)), 98.82150, 2e-4),
    "a yield below zero": (102.495227, 0.239247927, 0.0749641815, -0.0199484854, 0.0263251132, ((0.00306664971, 100.44305), (0.0452270425, 2.75102911), (0.0939586711, 0.0238613584), (0.220145982, 0.00123046985)), 99.66154, 1e-4),
    "one of all, three little ones": (103.550374, 0.99319967, 0.0220130721, 0.0175508747, 0.0751756125, ((0.122958503, 103.006237), (0.29866007, 0.0143055236), (0.398567213, 0.661797669), (0.426273506, 2.26545225)), 99.07177, 2e-4),
    "95 of 100, one little one": (144.493438, 0.0851494285, 0.0627792758, 0.0496256294, 0.4391616817, ((0.0154696825, 135.059511), (0.0391706122, 0.551415591)), 90.41912, 0),
    "93 of 100, two little ones": (96.3001181, 0.0540377865, 0.0614507901, 0.0216077451, 0.6803582252, ((0.0272499113, 89.5872031), (0.0341612261, 0.0696128), (0.0353593065, 0.294854945)), 91.64391, 3e-5),
}  # fmt: skip


def valued(function, row, **changed):
    names = ("spot", "years", "rate", "dividend_yield", "vol", "dividends")
    terms = dict(zip(names, row, strict=False)) | {"tolerance": "standard"} | changed
    option = (-1, terms.pop("spot"), 100.0, *(terms.pop(name) for name in ("years", "rate", "vol")))
    return function(*option, exercise="american", **terms)


@pytest.mark.parametrize("tolerance", ["fast", "standard", 3e-5])
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_prices(row, tolerance):
    """All classes within the limit of the standard one: the spots are reached, and then there is little to err."""
    spot, exact, error = row[0], row[6], row[7]
    made = float(valued(atalanta.price, row, tolerance=tolerance))
    assert made == pytest.approx(exact, abs=STANDARD_LIMIT * max(spot, 100.0) / 100 + error + 1e-5)


SIX = ((0.0257666784, 1.16480197), (0.0471971995, 0.42772899), (0.128158939, 3.36664216), (0.132986165, 1.61795137), (0.141165492, 0.0817944945), (0.142869365, 0.0817489979))  # fmt: skip

#: By vol: prices at spots of 6.55 and 6.7, before six dividends of 6.74 in all.
BY_VOL = {
    0.07848677: (99.693090, 99.644427),
    0.02: (99.706467, 99.684128),
    0.01: (99.709037, 99.689393),
    0.002: (99.711862, 99.690487),
}


@pytest.mark.parametrize("vol", BY_VOL)
def test_the_same_at_every_vol(vol):
    """Spots that are left are the same however small the vol. Values by quadrature over a day's moves; 6e-3 to 2e-2 off before."""
    row = (np.array([6.55, 6.7]), 0.193248284, 0.0216976306, -0.0013345346, vol, SIX)
    assert valued(atalanta.price, row) == pytest.approx(BY_VOL[vol], abs=1e-4)


@pytest.mark.parametrize("width", [3e-4, 1e-3, 2e-3, 5e-3, 1e-2, 3e-2, 0.1])
def test_a_dividend_of_the_strike_and_one_of_what_it_leaves(width):
    """By quadrature, at vol sqrt(years) from where grids no longer reach what is left. No rates: waiting for the second is best."""
    vol, years = 0.3, (width / 0.3) ** 2
    z = np.linspace(-8.0, 8.0, 8001)
    density = np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi) * (z[1] - z[0])
    first = vol * np.sqrt(0.5 * years)
    for deviations in (-2.0, -0.5, 0.0, 1.0, 3.0):
        spot = 100.0 * (1.0 + deviations * first)
        left = np.maximum(spot * np.exp(first * z - 0.5 * first * first) - 100.0, 0.0)
        for part in (0.1, 0.5, 1.5, 3.0):
            second = 100.0 * part * first
            kept = atalanta.price("call", left, second, 0.1 * years, 0.0, vol)
            row = (spot, years, 0.0, 0.0, vol, ((0.5 * years, 100.0), (0.6 * years, second)))
            assert float(valued(atalanta.price, row)) == pytest.approx(100.0 - kept @ density, abs=1e-3)


def test_the_price_falls_with_the_spot():
    """It rose between two spots where a grid began to see the last dates."""
    row = (np.linspace(6.3, 6.9, 121), 0.193248284, 0.0216976306, -0.0013345346, 0.07848677, SIX)
    assert (np.diff(valued(atalanta.price, row)) < 0.0).all()


VEGAS = {name: ROWS[name] for name in ("95 of 100, one little one", "93 of 100, two little ones")} | {
    "a vol of 1.5 %, all taken": (44.0935104, 0.0601952983, 0.0482486173, 0.0420424484, 0.0153096774, ((0.00748447752, 16.2125801), (0.0216241214, 1.93667717), (0.0328446839, 0.435776722), (0.0440126141, 24.6087192), (0.0455645913, 1.70036649))),
}  # fmt: skip


@pytest.mark.parametrize("row", VEGAS.values(), ids=VEGAS)
def test_sensitivities(row):
    """Differences of fine prices; in parts of the larger of themselves and one. The last vega was -42 by the adjoint of its wide grid."""
    made = valued(atalanta.greeks, row)
    for name, at, told, step in (
        ("vol", row[4], made.vega, 3e-3 * row[4]),
        ("rate", row[2], made.rho, 1e-4),
        ("dividend_yield", row[3], made.phi, 1e-4),
    ):
        up, down = (
            float(valued(atalanta.price, row, **{name: at + by}, tolerance=3e-5)) for by in (step, -step)
        )
        exact = (up - down) / (2.0 * step)
        assert abs(told - exact) < 4e-2 * max(1.0, abs(exact)), name


#: Ladders that are read from 2.5 deviations below their spot to as far above: as ROWS, without a price. Off by 9e-2, 3e-2, 4e-2, 2e-2.
LADDERS = {
    "three of more than the spot": (307.761586, 0.247350655, 0.0480622393, 0.0330870734, 0.997976785, ((0.0814903232, 320.685653), (0.0942875196, 430.69707), (0.216410653, 385.464208))),
    "three that take more than is left": (179.218654, 2.20295352, 0.0566179232, 0.0331089918, 0.172631053, ((1.10609276, 81.8607877), (1.25259934, 130.245408), (1.49933231, 231.247379))),
    "one of more than the spot, four little ones": (105.917216, 0.233236776, 0.0388430098, 0.0149189509, 0.0938866777, ((0.0287364196, 118.721123), (0.0545259483, 0.0106044646), (0.0636721526, 0.421866098), (0.0860751642, 0.984795022), (0.137798017, 0.00263720646))),
    "five that take all of the lowest spots": (124.30781, 0.667362596, 0.0, 0.00065011294, 0.693315606, ((0.0677406317, 15.8678898), (0.127875437, 11.9683926), (0.207367539, 1.26215266), (0.363414686, 0.573698612), (0.662531748, 0.075393089))),
}  # fmt: skip


@pytest.mark.parametrize("row", LADDERS.values(), ids=LADDERS)
def test_ladders_read_elsewhere(row):
    """As the prices at those spots, within a tenth of a cent."""
    spot, years, _, _, vol, _ = row
    ladder = valued(atalanta.Ladder, row)
    spots = spot * np.exp(np.linspace(-2.5, 2.5, 11) * vol * np.sqrt(years))
    read = np.array([ladder.at(one).price for one in spots])
    exact = valued(atalanta.price, (spots, *row[1:]))
    assert (np.abs(read - exact) / np.maximum(spots, 100.0)).max() < 1e-5
