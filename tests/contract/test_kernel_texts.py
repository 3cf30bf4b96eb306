"""The kernels' texts as Metal and CUDA would get them, checked without either."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from atalanta import _core
from tests.kernel_texts import KERNELS, compiled_by_nvrtc, cuda_text, msl_complaints, msl_text

GPU = Path(__file__).resolve().parents[2] / "csrc" / "gpu" / "kernels"
FUNCTION = (
    "[[kernel]] void f(const device float* a [[buffer(0)]], const constant float* small [[buffer(1)]],\n"
    "  device float* out [[buffer(2)]], uint3 thread_position_in_grid [[thread_position_in_grid]]) {\n"
    "  const int i = int(thread_position_in_grid.x);\n  %s\n}\n"
)


@pytest.fixture(scope="module", params=sorted(KERNELS))
def name(request):
    return request.param


@pytest.mark.parametrize("rows", [1024, 2])
def test_metal_reads_what_mlx_generates(name, rows):
    """Also for fewer than eight elements, for which MLX passes arrays as `constant`."""
    text = msl_text(name, rows)
    assert f"custom_kernel_atalanta_{name}" in text
    assert "uint3 thread_position_in_grid [[thread_position_in_grid]]" in text
    assert ("const constant float* right" if rows == 2 else "const device float* right") in text
    assert [] == msl_complaints(text)


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("double x = 1; out[i] = float(x);", "poisoned"),
        ("out[i] = a[i] * 0.5;", "double"),
        ("out[i] = metal::erf(a[i]);", "erf"),
        ("a[i] = 1.0f;", "read-only|not assignable|const"),
        ("float* p = a; out[i] = p[0];", "cannot initialize|address space"),
        ("const device float* p = small; out[i] = p[0];", "cannot initialize|address space"),
        ("const float half = a[i]; out[i] = half;", "expected|_Float16|declaration"),
        ("out[i] = a[i]", "expected"),
        ("out[i] = std::exp(a[i]);", "std"),
    ],
)
def test_the_check_of_metal_text_finds(statement, complaint):
    """What Metal refuses: double, functions it lacks, writing to an input, mixing address spaces, reserved words."""
    found = msl_complaints(FUNCTION % statement)
    assert found
    assert re.search(complaint, " ".join(found)), found


def test_the_check_of_metal_text_passes_what_is_right():
    assert [] == msl_complaints(
        "constant float kHalf = 0.5f;\n" + FUNCTION % "out[i] = metal::fma(kHalf, a[i], small[0]);"
    )


def test_the_check_of_metal_text_finds_a_table_outside_the_constant_space():
    found = msl_complaints(
        "namespace n { const float kTable[2] = {1.0f, 2.0f}; }\n" + FUNCTION % "out[i] = a[i];"
    )
    assert ["kTable"] == [re.search(r"global (\w+)", one).group(1) for one in found]


def test_cuda_compiles(name):
    """To float arithmetic alone."""
    status, log, ptx = compiled_by_nvrtc(cuda_text(name))
    assert (0, "") == (status, log.strip()), log
    assert "fma.rn.f32" in ptx
    assert not re.search(r"\.f64", ptx)


def test_cuda_keeps_error_free_transformations_under_relaxed_flags():
    """Their operations are rounded intrinsics: no flag fuses or reorders them."""
    text = _core.gpu_header() + (
        'extern "C" __global__ void f(const float* a, float* out) {\n'
        "const atalanta_gpu::DoubleSingle s = atalanta_gpu::exact_sum(a[0], a[1]);\nout[0] = s.lo;\n}\n"
    )
    exact, relaxed = (
        compiled_by_nvrtc(text, *flags)[2] for flags in ((), ("--fmad=true", "--use_fast_math"))
    )
    operations = [re.findall(r"\b(?:add|sub|mul|fma)\S*f32", ptx) for ptx in (exact, relaxed)]
    assert len(operations[0]) >= 6
    assert len(operations[0]) == len(operations[1])


@pytest.mark.parametrize("statement", ["uint x = 0u;", "out_of_nowhere(value[0]);", "std::vector<float> v;"])
def test_the_check_of_cuda_text_finds(statement):
    """What NVRTC lacks, `uint` among it."""
    status, log, _ = compiled_by_nvrtc(
        cuda_text("price_single").replace("const int i", f"{statement}\nconst int i")
    )
    assert status != 0
    assert "error" in log


def test_bodies_keep_to_what_all_three_accept(name):
    """The thread index where MLX looks for it, a bounds test first, and no unsigned short name."""
    body = KERNELS[name].body
    lines = [line for line in body.splitlines() if line and not line.startswith("//")]
    assert body.startswith("// thread_position_in_grid\n")
    assert re.fullmatch(r"const int (n = layout\[0\], )?i = ATALANTA_THREAD;", lines[0])
    assert lines[1] in ("if (i >= layout[0]) return;", "if (i >= n) return;")
    for text in (body, _core.gpu_header()):
        code = re.sub(r"//.*", "", text)
        assert not re.search(r"\b(uint|ushort|uchar|double|half)\b", code)
        assert "#include" not in code
        literals = re.findall(r"(?<![\w.])(?:\d+\.\d*|\d+(?=e))(?:e[-+]?\d+)?f?", code)
        assert [] == [literal for literal in literals if not literal.endswith("f")]  # it would be a double


def test_the_tables_are_what_their_script_makes():
    """The script makes them again, digit by digit."""
    pytest.importorskip("mpmath")
    if not (GPU / "make_tables.py").is_file():
        pytest.skip("needs the source tree")
    made = subprocess.run(
        [sys.executable, str(GPU / "make_tables.py")], capture_output=True, text=True, check=True
    ).stdout
    assert (GPU / "tables.h").read_text() == made
