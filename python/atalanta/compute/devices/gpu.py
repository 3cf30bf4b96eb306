"""The GPU through MLX: the option kernels as custom Metal or CUDA kernels, and MLX's own array operations.

Main entries: `GpuDevice`, `MlxCpuDevice`. The second is MLX on the processor, for tests and benchmarks.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta import _core
from atalanta.compute.devices.arrays import ARRAY_OPERATIONS, checked, fits_float32, on_numpy
from atalanta.compute.devices.columns import Floats, Packed
from atalanta.compute.devices.mlx_arrays import MLX_CAPABILITIES, on_mlx
from atalanta.compute.devices.mlx_runtime import Mlx, Worker, extra, forked, look, processor_extra
from atalanta.compute.devices.options import OPTION_CAPABILITIES, Kernel, OptionKernels
from atalanta.compute.devices.protocol import Availability, Capability, Result, require
from atalanta.errors import DeviceError

__all__ = ["GpuDevice", "MlxCpuDevice", "custom_kernel", "make", "make_mlx_cpu"]

_CAPABILITIES: Mapping[str, Capability] = MappingProxyType(dict(OPTION_CAPABILITIES) | dict(MLX_CAPABILITIES))
_GROUP = 256  # threads


class MlxDevice:
    """What both have in common: one worker thread, and the array operations."""

    name: str
    automatic: bool

    def __init__(self) -> None:
        self._origin = f"compute.{self.name}"
        self._worker = Worker(self._origin)

    def availability(self) -> Availability:
        """Whether MLX is there and has a device of this kind."""
        found = look()
        if found.core is None:
            return Availability(False, found.reason, found.mend_for(self._extra()))
        if forked():
            return Availability(
                False,
                "this process was forked after MLX was used",
                "start workers with multiprocessing's 'spawn' method",
            )
        return self._examined(found)

    def _examined(self, found: Mlx) -> Availability:
        raise NotImplementedError

    def _extra(self) -> str:
        return extra()

    def _required(self) -> Any:
        """MLX, or the reason why not as an error."""
        state = self.availability()
        if not state.available:
            mend = f": {state.mend}" if state.mend else ""
            raise DeviceError(f"[{self._origin}] this device is not available: {state.reason}{mend}")
        return look().core

    def _run_arrays(self, device: Any, operation: str, arrays: tuple[npt.ArrayLike, ...]) -> Result:
        core = self._required()
        given = checked(operation, arrays, self._origin)
        if min(array.size for array in given) == 0 or not fits_float32(operation, given):
            return on_numpy(operation, given)
        return self._worker.do(operation, lambda: on_mlx(core, device(core), operation, given))


class GpuDevice(MlxDevice):
    """The GPU of this machine, if MLX drives it."""

    name = "gpu"
    automatic = True

    def __init__(self) -> None:
        super().__init__()
        self._options = OptionKernels(self._launch, self._origin)
        self._compiled: dict[str, Any] = {}

    def _examined(self, found: Mlx) -> Availability:
        backend = _backend(found.core)
        if backend is None:
            return Availability(
                False,
                f"MLX {found.version} finds no GPU here",
                "it drives Apple silicon, and NVIDIA GPUs by the extra 'cuda' with NVIDIA's driver",
            )
        return Availability(True, f"{_device_name(found.core)}, {backend} through MLX {found.version}")

    def capabilities(self) -> Mapping[str, Capability]:
        """Options in float and double-single, arrays in float."""
        return _CAPABILITIES

    def run(self, operation: str, *arrays: npt.ArrayLike, tolerance: float | None = None) -> Result:
        """See `Device.run`."""
        chosen = require(self, operation, len(arrays), tolerance)
        if operation in ARRAY_OPERATIONS:
            return self._run_arrays(lambda core: core.gpu, operation, arrays)
        self._required()
        return self._options.run(operation, arrays, chosen)

    def _launch(self, kernel: Kernel, packed: Packed) -> Floats:
        core = look().core
        return self._worker.do(kernel.name, lambda: self._evaluate(core, kernel, packed))

    def _evaluate(self, core: Any, kernel: Kernel, packed: Packed) -> Floats:
        if kernel.name not in self._compiled:
            self._compiled[kernel.name] = custom_kernel(core, kernel, _backend(core) or "Metal")
        size = packed.rows * kernel.results * kernel.result_width
        with core.stream(core.gpu):
            (value,) = self._compiled[kernel.name](
                inputs=[core.array(packed.layout), *map(core.array, packed.columns)],
                output_shapes=[(size,)],
                output_dtypes=[core.float32],
                grid=(packed.rows, 1, 1),
                threadgroup=(min(_GROUP, packed.rows), 1, 1),
            )
            core.eval(value)
            return np.array(value)


class MlxCpuDevice(MlxDevice):
    """MLX on the processor: a stand-in that shows the GPU's array operations to be right, not to be fast."""

    name = "mlx_cpu"
    automatic = False

    def _extra(self) -> str:
        return processor_extra()

    def _examined(self, found: Mlx) -> Availability:
        return Availability(
            True, f"MLX {found.version} on the processor; for tests and benchmarks, never chosen by itself"
        )

    def capabilities(self) -> Mapping[str, Capability]:
        """Arrays in float."""
        return MLX_CAPABILITIES

    def run(self, operation: str, *arrays: npt.ArrayLike, tolerance: float | None = None) -> Result:
        """See `Device.run`."""
        require(self, operation, len(arrays), tolerance)
        return self._run_arrays(lambda core: core.cpu, operation, arrays)


def custom_kernel(core: Any, kernel: Kernel, backend: str) -> Any:
    """MLX's callable for a kernel. Creating one for Metal works without Metal; calling it does not."""
    parts = {
        "name": f"atalanta_{kernel.name}",
        "input_names": list(kernel.inputs),
        "output_names": ["value"],
        "source": kernel.body,
        "header": _core.gpu_header(),
    }
    if backend == "CUDA":
        return core.fast.cuda_kernel(**parts)
    # Relaxed arithmetic would undo every error-free transformation.
    return core.fast.metal_kernel(**parts, compile_options={"math_mode": "safe"})


def _backend(core: Any) -> str | None:
    if core.metal.is_available():
        return "Metal"
    return "CUDA" if core.cuda.is_available() else None


def _device_name(core: Any) -> str:
    try:
        return str(core.device_info(core.gpu)["device_name"])
    except (KeyError, RuntimeError, TypeError, ValueError, AttributeError):
        return "a GPU without a name"


def make() -> GpuDevice:
    """The GPU."""
    return GpuDevice()


def make_mlx_cpu() -> MlxCpuDevice:
    """MLX on the processor."""
    return MlxCpuDevice()
