"""European options on a device that runs the GPU kernels. Main entry: `OptionKernels`.

A kernel gives NaN for a row outside the domain in which its guarantee holds; such rows are finished here by
the CPU kernels, so that a guarantee holds for every row and the reason why a row has no value is theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from atalanta import _core, pricing
from atalanta.compute.devices.columns import Batch, Floats, Packed, joined
from atalanta.compute.devices.protocol import OPERATIONS, Capability, Format, Result

__all__ = ["OPTION_CAPABILITIES", "Kernel", "Launch", "OptionKernels", "kernels"]


class Kernel(NamedTuple):
    """One GPU kernel: its text, and how many floats it reads and writes per row."""

    name: str
    inputs: tuple[str, ...]
    widths: tuple[int, ...]
    results: int
    result_width: int
    body: str


#: Runs one kernel over one launch and gives its output, evaluated.
Launch = Callable[[Kernel, Packed], Floats]

_NO_VOL = np.array(np.nan)
_PLAIN_OPTION = (1.0, 100.0, 100.0, 1.0, 0.0, 0.2, 0.0)
_PLAIN_QUOTE = (8.0, 1.0, 100.0, 100.0, 1.0, 0.0, 0.0)
_FORMAT_SUFFIX = {"float32": "single", "double_single": "double_single"}

# Found by the accuracy tests over the whole domain of the kernels, with room to spare.
OPTION_CAPABILITIES: Mapping[str, Capability] = MappingProxyType(
    {
        "price": Capability((Format("float32", 2.5e-7), Format("double_single", 1e-13))),
        "greeks": Capability((Format("float32", 2e-6), Format("double_single", 1e-12))),
        "implied_vol": Capability((Format("float32", 1e-5), Format("double_single", 1e-9))),
    }
)


def kernels() -> dict[str, Kernel]:
    """Every GPU kernel by name."""
    return {row["name"]: Kernel(**row) for row in _core.gpu_kernels()}


class OptionKernels:
    """price, greeks and implied_vol through a launcher."""

    def __init__(self, launch: Launch, origin: str) -> None:
        self._launch, self._origin, self._kernels = launch, origin, kernels()

    def run(self, operation: str, arrays: tuple[npt.ArrayLike, ...], chosen: Format) -> Result:
        """Run one of the three operations in the format chosen.

        Raises:
            InputError: arrays that are no real numbers, or do not broadcast.
        """
        option = arrays if operation != "implied_vol" else (*arrays[1:6], _NO_VOL, arrays[6])
        _core.check_options(self._origin, option)
        batch = Batch.of(arrays, OPERATIONS[operation].arrays, self._origin)
        kernel = self._kernels[f"{operation}_{_FORMAT_SUFFIX[chosen.name]}"]
        if operation == "implied_vol":
            price, *quoted = batch.columns
            values = self._values(kernel, Batch(batch.shape, (*quoted, price)))
            return self._finished_vols(batch, values[0])
        right, spot, strike, years, rate, vol, dividend_yield = batch.columns
        ordered = Batch(batch.shape, (right, spot, strike, years, rate, dividend_yield, vol))
        values = self._values(kernel, ordered)
        return self._finished(operation, batch, values)

    def _values(self, kernel: Kernel, batch: Batch) -> npt.NDArray[np.float64]:
        values = np.empty((kernel.results, batch.rows))
        for place, packed in batch.packed(kernel.widths):
            output = joined(self._launch(kernel, packed), kernel.result_width)
            values[:, place] = output.reshape(kernel.results, packed.rows)
        return values

    def _finished(self, operation: str, batch: Batch, values: npt.NDArray[np.float64]) -> Result:
        left = np.flatnonzero(np.isnan(values[0]))
        if left.size:
            right, *numbers, dividend_yield = _with_plain_row(batch.picked(left), left.size, _PLAIN_OPTION)
            option: list[npt.NDArray[Any]] = [_right(right), *numbers]
            if operation == "price":
                prices: Any = pricing.price(*option, dividend_yield=dividend_yield)
                values[0, left] = prices[1:]
            else:
                columns = pricing.greeks(*option, dividend_yield=dividend_yield)
                values[:, left] = [column[1:] for column in columns.values()]
        columns_shape = () if operation == "price" else (len(values),)
        return np.reshape(values, (*columns_shape, *batch.shape))

    def _finished_vols(self, batch: Batch, vols: npt.NDArray[np.float64]) -> Result:
        status = np.zeros(vols.shape, np.uint8)
        left = np.flatnonzero(np.isnan(vols))
        if left.size:
            price, right, *numbers, dividend_yield = _with_plain_row(
                batch.picked(left), left.size, _PLAIN_QUOTE
            )
            solved: tuple[Any, Any] = pricing.implied_vol(
                price, _right(right), *numbers, dividend_yield=dividend_yield, full_output=True
            )
            vols[left], status[left] = solved[0][1:], solved[1][1:]
        return vols.reshape(batch.shape), status.reshape(batch.shape)


def _with_plain_row(
    columns: tuple[npt.NDArray[np.float64], ...], rows: int, plain: tuple[float, ...]
) -> list[npt.NDArray[np.float64]]:
    """The rows after one of ordinary size: some of a call's rows may all look like per cent when the call did not."""
    return [
        np.concatenate(([value], np.broadcast_to(column, rows)))
        for column, value in zip(columns, plain, strict=True)
    ]


def _right(right: npt.NDArray[np.float64]) -> npt.NDArray[np.int8]:
    """As the CPU kernels take it; what is neither +1 nor -1 becomes 0, which has no value."""
    return np.where(np.abs(right) == 1.0, right, 0.0).astype(np.int8)
