"""Checked by mypy, never run: the types that users see."""

from typing import assert_type

import numpy as np
import numpy.typing as npt

import atalanta

column = np.linspace(90.0, 110.0, 5)

assert_type(atalanta.price("call", 100.0, 105.0, 0.5, 0.03, 0.2), float)
assert_type(atalanta.price("call", column, 105.0, 0.5, 0.03, 0.2), npt.NDArray[np.float64])
assert_type(atalanta.implied_vol(4.2, 1, 100.0, 105.0, 0.5, 0.03), float)
assert_type(atalanta.implied_vol(column, 1, 100.0, 105.0, 0.5, 0.03), npt.NDArray[np.float64])
assert_type(
    atalanta.implied_vol(column, 1, 100.0, 105.0, 0.5, 0.03, full_output=True),
    tuple[npt.NDArray[np.float64], npt.NDArray[np.uint8]],
)
assert_type(atalanta.greeks("put", column, 105.0, 0.5, 0.03, 0.2, order=2), atalanta.Greeks)
assert_type(atalanta.set_threads(None), int)
assert_type(atalanta.read_chain("chain.csv"), atalanta.Chain)
assert_type(atalanta.analyze(atalanta.read_chain("chain.csv")), atalanta.Analysis)
