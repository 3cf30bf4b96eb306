"""The GPU kernels' texts and what checks them without a GPU: libclang for Metal's language, NVRTC for CUDA's.

Neither runs anything. libclang reads Metal's text through declarations of what Metal has (`MSL_SHIM`): an error it
finds is one on a Mac; what it accepts may still be refused there.
"""

import contextlib
import ctypes
import os
import sys
import tempfile
from pathlib import Path

import pytest

from atalanta import _core
from atalanta.compute.devices.options import kernels

KERNELS = kernels()

MSL_SHIM = """
#define __METAL_VERSION__ 320
typedef signed char int8_t; typedef short int16_t; typedef int int32_t; typedef long int64_t;
typedef unsigned char uint8_t; typedef unsigned short uint16_t; typedef unsigned int uint32_t;
typedef unsigned int uint; typedef unsigned short ushort; typedef unsigned char uchar;
typedef unsigned int uint2 __attribute__((ext_vector_type(2))); typedef unsigned int uint3 __attribute__((ext_vector_type(3)));
typedef float float2 __attribute__((ext_vector_type(2))); typedef float float3 __attribute__((ext_vector_type(3)));
typedef float float4 __attribute__((ext_vector_type(4)));
#define half _Float16
#define device __attribute__((address_space(1)))
#define constant __attribute__((address_space(2))) const
#define threadgroup __attribute__((address_space(3)))
#define thread
#define kernel
template <class T, class U> T as_type(U);
namespace metal {
float fma(float, float, float); float rint(float); float fabs(float); float ldexp(float, int); float floor(float);
half fma(half, half, half); half rint(half); half fabs(half);
float min(float, float); float max(float, float); float exp(float); float log(float); float sqrt(float);
namespace precise { float exp(float); float log(float); float sqrt(float); }
namespace fast { float exp(float); float log(float); float sqrt(float); }
}
using namespace metal;
#pragma GCC poison double sampler texture vertex fragment
"""
_MSL_FLAGS = [
    *(
        "-x",
        "c++",
        "-std=c++17",
        "-ffreestanding",
        "-nostdinc",
        "-fsyntax-only",
        "-Wall",
        "-Wdouble-promotion",
    ),
    *("-Wimplicit-float-conversion", "-include", "/shim.h"),
    *("-Wno-unused-function", "-Wno-unknown-pragmas", "-Wno-unknown-attributes", "-Wno-ignored-attributes"),
    *("-Wno-duplicate-decl-specifier", "-Wno-unused-const-variable"),
]


def msl_complaints(text):
    """Errors and warnings of a Metal text, and its global variables that are in no address space."""
    cindex = pytest.importorskip("clang.cindex", reason="needs libclang: pip install '.[gpu-checks]'")
    unit = cindex.Index.create().parse(
        "kernel.metal.cpp", _MSL_FLAGS, unsaved_files=[("kernel.metal.cpp", text), ("/shim.h", MSL_SHIM)]
    )
    found = [f"{one.location.line}: {one.spelling}" for one in unit.diagnostics if one.severity >= 2]
    for node in _globals(cindex, unit.cursor):
        if "address_space(2)" not in node.type.spelling:
            found.append(f"{node.location.line}: global {node.spelling} is not in the constant address space")
    return found


def _globals(cindex, node):
    for child in node.get_children():
        if child.kind == cindex.CursorKind.NAMESPACE:
            yield from _globals(cindex, child)
        elif child.kind == cindex.CursorKind.VAR_DECL:
            yield child


def msl_text(name, rows):
    """The text that MLX would hand to Metal for that many rows: tracing makes it without a device."""
    core = pytest.importorskip(
        "mlx.core", reason="needs MLX: pip install '.[gpu-checks]'", exc_type=ImportError
    )
    from atalanta.compute.devices.gpu import custom_kernel

    kernel = KERNELS[name]
    call = custom_kernel(core, kernel, "Metal")
    size = kernel.results * rows * kernel.result_width

    def launch(*arrays):
        return call(
            inputs=list(arrays),
            output_shapes=[(size,)],
            output_dtypes=[core.float32],
            grid=(rows, 1, 1),
            threadgroup=(256, 1, 1),
            verbose=True,
        )[0]

    # Of a tracing inside this process MLX prints the text by C's stdout.
    inputs = [core.zeros((8,), core.int32), *(core.zeros((rows * width,)) for width in kernel.widths)]
    with tempfile.TemporaryDirectory() as folder:
        printed = printed_by(lambda: core.export_function(str(Path(folder, "traced")), launch, *inputs))
    return printed.split("```")[1].lstrip("\n")


def printed_by(action):
    """What an action writes to the process's standard output, below Python."""
    libc = ctypes.CDLL(None)
    with tempfile.TemporaryFile() as file:
        sys.stdout.flush()
        libc.fflush(None)
        kept = os.dup(1)
        os.dup2(file.fileno(), 1)
        try:
            action()
        finally:
            libc.fflush(None)
            os.dup2(kept, 1)
            os.close(kept)
        file.seek(0)
        return file.read().decode()


def cuda_text(name):
    """The text that MLX would hand to NVRTC, less MLX's own headers, of which the kernels use nothing."""
    kernel = KERNELS[name]
    types = ["const int32_t*", *["const float*"] * len(kernel.widths)]
    parameters = ", ".join(f"{kind} {given}" for kind, given in zip(types, kernel.inputs, strict=True))
    return (
        f"using int32_t = int;\n{_core.gpu_header()}\nnamespace mlx::core::cu {{\n"
        f"__global__ void custom_kernel_atalanta_{name}({parameters}, float* value) {{\n{kernel.body}\n}}\n}}\n"
    )


def nvrtc():
    """NVIDIA's run-time compiler, from its wheel or the system."""
    wheels = [
        path for folder in filter(None, sys.path) for path in Path(folder).glob("nvidia/*/lib/libnvrtc.so.*")
    ]
    names = [str(path) for path in wheels]
    for name in [*names, "libnvrtc.so"]:
        with contextlib.suppress(OSError):
            return ctypes.CDLL(name)
    pytest.skip("needs NVRTC: pip install '.[gpu-checks]'")


def compiled_by_nvrtc(text, *options):
    """(status, log, PTX) of a CUDA text."""
    library, program = nvrtc(), ctypes.c_void_p()
    library.nvrtcCreateProgram(ctypes.byref(program), text.encode(), b"kernel.cu", 0, None, None)
    flags = [b"-arch=compute_90", b"-std=c++20", b"-default-device", *(option.encode() for option in options)]
    status = library.nvrtcCompileProgram(program, len(flags), (ctypes.c_char_p * len(flags))(*flags))
    log = _answer(library.nvrtcGetProgramLogSize, library.nvrtcGetProgramLog, program)
    ptx = _answer(library.nvrtcGetPTXSize, library.nvrtcGetPTX, program) if status == 0 else ""
    library.nvrtcDestroyProgram(ctypes.byref(program))
    return status, log, ptx


def _answer(size_of, text_of, program):
    size = ctypes.c_size_t()
    size_of(program, ctypes.byref(size))
    buffer = ctypes.create_string_buffer(size.value)
    text_of(program, buffer)
    return buffer.value.decode()
