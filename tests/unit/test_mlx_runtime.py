"""MLX present, absent, broken, too old or too new; its one thread; and processes that were forked."""

import importlib
import importlib.metadata
import os
import subprocess
import sys
import threading
import types

import numpy as np
import pytest

from atalanta.cli.findings import find_devices
from atalanta.compute.devices import gpu as gpu_module
from atalanta.compute.devices import mlx_runtime
from atalanta.compute.devices.gpu import GpuDevice, MlxCpuDevice
from atalanta.errors import DeviceError, how_to_install

INSTALL = how_to_install("mlx", mlx_runtime.extra())


@pytest.fixture
def imported(monkeypatch):
    """Puts the outcome of `import mlx.core` in place: a module, or the exception it raises."""

    def arrange(outcome):
        real = importlib.import_module

        def load(name, *rest):
            if name != "mlx.core":
                return real(name, *rest)
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome

        monkeypatch.setattr(mlx_runtime.importlib, "import_module", load)
        monkeypatch.setattr(mlx_runtime, "_found", None)
        monkeypatch.setattr(mlx_runtime, "_process", 0)

    return arrange


def mlx(version="0.32.4", *, metal=False, cuda=False):
    """A module that says what it has and no more."""
    return types.SimpleNamespace(
        __version__=version,
        metal=types.SimpleNamespace(is_available=lambda: metal),
        cuda=types.SimpleNamespace(is_available=lambda: cuda),
        gpu="gpu",
        device_info=lambda _: {"device_name": "Imaginary M9"},
    )


@pytest.mark.parametrize(
    ("outcome", "reason", "mend"),
    [
        (
            ModuleNotFoundError("No module named 'mlx'", name="mlx"),
            "MLX is not installed",
            INSTALL,
        ),
        (
            ModuleNotFoundError("No module named 'x'", name="x"),
            "MLX is installed, but needs x",
            INSTALL,
        ),
        (
            ImportError("libmlx.so: cannot open shared object file: No such file or directory"),
            "MLX is installed, but does not load: libmlx.so: cannot open",
            f"MLX came without its backend: {INSTALL}",
        ),
        (
            ImportError("libcuda.so.1: cannot open shared object file"),
            "does not load: libcuda.so.1",
            "the NVIDIA driver is missing: install it, or uninstall mlx",
        ),
        (OSError("libnccl.so.2: no such file"), "does not load: libnccl.so.2", "--force-reinstall"),
        (
            mlx("0.31.0", metal=True),
            "MLX 0.31.0 is installed; this version works with 0.32",
            INSTALL,
        ),
        (
            mlx("0.33.1", metal=True),
            "MLX 0.33.1 is installed; this version works with 0.32",
            INSTALL,
        ),
        (mlx(), "MLX 0.32.4 finds no GPU here", "it drives Apple silicon, and NVIDIA GPUs"),
    ],
)
def test_an_absent_gpu_says_why_and_how_to_get_it(imported, outcome, reason, mend):
    """A failing import is reported by the device, its errors and the doctor; it is never a crash."""
    imported(outcome)
    one = GpuDevice()
    state = one.availability()
    assert (False, True, True) == (state.available, reason in state.reason, mend in state.mend)
    with pytest.raises(DeviceError, match=r"^\[compute\.gpu\] this device is not available: .*: "):
        one.run("price", 1, 100.0, 100.0, 1.0, 0.0, 0.2, 0.0)
    with pytest.raises(DeviceError, match=r"^\[compute\.gpu\] this device is not available: "):
        one.run("add", 1.0, 1.0)
    facts = dict(find_devices().facts)
    assert facts["gpu"].startswith("not available: ")
    assert reason in facts["gpu"]


def test_the_processor_wants_another_package_than_the_gpu(imported, monkeypatch):
    """Each device names the MLX that has what it needs, by system."""
    imported(ModuleNotFoundError("No module named 'mlx'", name="mlx"))
    monkeypatch.setattr(mlx_runtime.sys, "platform", "linux")
    assert GpuDevice().availability().mend == (
        "install atalanta with its extra 'cuda', or: python -m pip install 'mlx[cuda13]>=0.32,<0.33'"
    )
    assert MlxCpuDevice().availability().mend == (
        "install atalanta with its extra 'gpu-checks', or: python -m pip install 'mlx[cpu]>=0.32,<0.33'"
    )
    monkeypatch.setattr(mlx_runtime.sys, "platform", "darwin")
    for one in (GpuDevice(), MlxCpuDevice()):
        assert one.availability().mend.endswith("'mlx', or: python -m pip install 'mlx>=0.32,<0.33'")


@pytest.mark.parametrize(
    ("module", "name"), [("polars", "files"), ("pandas", "frames"), ("pyarrow", "frames")]
)
def test_the_package_to_install_is_in_the_extra(module, name):
    """What a message tells to install is what the extra brings."""
    assert how_to_install(module, name).endswith(f"or: python -m pip install {module}")
    assert any(line.startswith(module) and line.endswith(f"extra == '{name}'") for line in requirements())


@pytest.mark.parametrize("name", ["mlx", "cuda", "gpu-checks"])
def test_the_mlx_to_install_is_that_of_the_extra(name):
    """With the same limits of the version."""
    package = how_to_install("mlx", name).split("'")[-2]
    extra, limits = package.partition(">=")[0], package[package.index(">=") :]
    wanted = [line for line in requirements() if line.endswith(f"extra == '{name}'")]
    assert any(
        line.startswith(extra)
        and set(limits.split(",")) == set(line.partition(";")[0][len(extra) :].strip().split(","))
        for line in wanted
    )


def requirements():
    """Of the installed package, quotation marks alike."""
    return [line.replace('"', "'") for line in importlib.metadata.requires("atalanta")]


@pytest.mark.parametrize(("backend", "flags"), [("Metal", {"metal": True}), ("CUDA", {"cuda": True})])
def test_a_present_gpu_is_named(imported, backend, flags):
    """The name of the device, what drives it, and the version."""
    imported(mlx(**flags))
    state = GpuDevice().availability()
    assert (True, f"Imaginary M9, {backend} through MLX 0.32.4", "") == (
        state.available,
        state.reason,
        state.mend,
    )


def test_reduced_precision_products_are_off_unless_the_user_wants_them(imported, monkeypatch):
    """MLX_ENABLE_TF32 is set before MLX is imported, and left alone where it was set."""
    monkeypatch.delenv("MLX_ENABLE_TF32", raising=False)
    imported(mlx())
    mlx_runtime.look()
    assert "0" == os.environ["MLX_ENABLE_TF32"]
    monkeypatch.setenv("MLX_ENABLE_TF32", "1")
    imported(mlx())
    mlx_runtime.look()
    assert "1" == os.environ["MLX_ENABLE_TF32"]


def test_a_forked_process_is_told_to_spawn(imported, monkeypatch):
    """After a fork MLX would hang: the device is not available there and says what to do."""
    imported(mlx(metal=True))
    one = GpuDevice()
    assert one.availability().available
    monkeypatch.setattr(mlx_runtime, "_process", -1)
    state = one.availability()
    assert (False, "this process was forked after MLX was used") == (state.available, state.reason)
    assert "'spawn'" in state.mend
    with pytest.raises(DeviceError, match=r"forked after MLX was used.*'spawn'"):
        one._worker.do("price", lambda: None)


def test_everything_runs_on_one_thread_of_its_own():
    """Of many callers too."""
    worker, seen = mlx_runtime.Worker("compute.test"), []
    callers = [
        threading.Thread(target=lambda: seen.append(worker.do("x", threading.get_ident))) for _ in range(8)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert 1 == len(set(seen))
    assert threading.get_ident() not in seen


def test_a_failure_on_the_device_is_named():
    """With the operation, the reason and the way out."""

    def fail():
        raise RuntimeError("[metal] out of memory\nmore")

    with pytest.raises(
        DeviceError, match=r"^\[compute\.test\] price failed: \[metal\] out of memory\. The CPU does"
    ):
        mlx_runtime.Worker("compute.test").do("price", fail)


def test_nothing_optional_is_imported_before_it_is_needed():
    """Listing the devices, and pricing on the CPU, import no MLX."""
    script = (
        "import sys; from atalanta.compute.devices import devices, device\n"
        "devices(); device('cpu').run('price', 1, 100.0, 100.0, 1.0, 0.0, 0.2, 0.0)\n"
        "device('emulated').run('price', 1, 100.0, 100.0, 1.0, 0.0, 0.2, 0.0)\n"
        "assert not [name for name in sys.modules if name.split('.')[0] == 'mlx']"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


class ImaginaryCore(types.SimpleNamespace):
    """MLX with a Metal device that is the emulation: takes kernels as MLX does, and checks how they are launched."""

    def __init__(self):
        super().__init__(
            **vars(mlx(metal=True)),
            array=np.asarray,
            float32=np.float32,
            launches=[],
            created=[],
            threads=set(),
        )
        self.fast = types.SimpleNamespace(metal_kernel=self._metal_kernel)

    def stream(self, device):
        assert "gpu" == device
        return _Nothing()

    def eval(self, value):
        assert type(value) is np.ndarray
        self.threads.add(threading.get_ident())

    def _metal_kernel(self, *, name, input_names, output_names, source, header, compile_options):
        assert {"math_mode": "safe"} == compile_options
        assert ["value"] == output_names
        assert "thread_position_in_grid" in source
        assert "namespace atalanta_gpu" in header
        self.created.append(name)

        def call(*, inputs, output_shapes, output_dtypes, grid, threadgroup):
            assert (len(input_names), [np.float32]) == (len(inputs), output_dtypes)
            assert all(each.size >= 8 for each in inputs)
            assert 1 <= threadgroup[0] <= 256
            self.launches.append(grid[0])
            layout, *columns = inputs
            value = gpu_module._core.emulate_kernel(name.removeprefix("atalanta_"), layout, columns)
            assert output_shapes == [value.shape]
            return (value,)

        return call


class _Nothing:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def test_the_gpu_launches_what_the_emulation_computes(imported, monkeypatch):
    """In chunks, from one thread, each kernel made once; the same bits as the emulated device."""
    from atalanta.compute.devices import columns, device

    core = ImaginaryCore()
    imported(core)
    monkeypatch.setattr(columns.Batch.packed, "__defaults__", (100,))
    one, random = GpuDevice(), np.random.default_rng(2)
    rows = (
        random.choice([-1, 1], 250),
        100.0,
        random.uniform(70, 140, 250),
        0.5,
        0.03,
        random.uniform(0.1, 0.5, 250),
        0.0,
    )
    found = one.run("price", *rows, tolerance=1e-6)
    assert np.array_equal(found, device("emulated").run("price", *rows, tolerance=1e-6))
    assert [100, 100, 50] == core.launches
    assert np.array_equal(one.run("greeks", *rows), device("emulated").run("greeks", *rows))
    one.run("price", *rows, tolerance=1e-6)
    assert ["atalanta_price_single", "atalanta_greeks_double_single"] == core.created
    assert 1 == len(core.threads)
    assert threading.get_ident() not in core.threads
    assert 8.0 < one.run("price", 1, 100.0, 100.0, 0.5, 0.03, 0.3, 0.0) < 10.0


def test_cuda_kernels_are_made_from_the_same_text():
    """By their own function, which knows no arithmetic mode."""
    from atalanta.compute.devices.options import kernels

    made = {}
    fast = types.SimpleNamespace(
        cuda_kernel=lambda **parts: made.update(CUDA=parts),
        metal_kernel=lambda **parts: made.update(Metal=parts),
    )
    kernel = kernels()["price_double_single"]
    for backend in ("CUDA", "Metal"):
        gpu_module.custom_kernel(types.SimpleNamespace(fast=fast), kernel, backend)
    assert {"math_mode": "safe"} == made["Metal"].pop("compile_options")
    assert made["CUDA"] == made["Metal"]
    assert kernel.body == made["CUDA"]["source"]


needs_mlx = pytest.mark.skipif(
    mlx_runtime.look().core is None, reason="needs MLX: pip install '.[gpu-checks]'"
)


@needs_mlx
def test_results_cross_threads():
    """Lazy arrays may not: nothing lazy is given out, and calls come from many threads."""
    one, found = MlxCpuDevice(), []
    callers = [
        threading.Thread(target=lambda: found.append(one.run("add", [1.0, 2.0], 1.0))) for _ in range(4)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert [[2.0, 3.0]] * 4 == [each.tolist() for each in found]


@needs_mlx
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_after_mlx_does_not_hang():
    """The child gets the error, not a deadlock."""
    script = (
        "import os; from atalanta.compute.devices import device\n"
        "from atalanta.errors import DeviceError\n"
        "one = device('mlx_cpu'); one.run('add', 1.0, 2.0)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    try: one.run('add', 1.0, 2.0)\n"
        "    except DeviceError: os._exit(7)\n"
        "    os._exit(1)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
