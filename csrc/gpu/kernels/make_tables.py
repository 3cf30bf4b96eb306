"""Writes tables.h: the normal tail and the powers of two that the kernels read. Needs mpmath.

Usage: python csrc/gpu/kernels/make_tables.py > csrc/gpu/kernels/tables.h
"""

import math
import struct

from mpmath import mp, mpf

mp.dps = 40
NODES, STEP, FIRST = 1025, mpf(1) / 64, mpf(-2)

HEADER = """// Made by make_tables.py with 40 digits; a test makes it again. Do not edit.
// clang-format off
namespace atalanta_gpu {
"""


def rounded(x: mpf) -> float:
    """The nearest float32."""
    down = struct.unpack("f", struct.pack("f", float(x)))[0]
    ulp = mpf(2) ** (math.frexp(down)[1] - 24) if down else mpf(0)
    return float(min((mpf(down) + k * ulp for k in (-1, 0, 1)), key=lambda near: abs(near - x)))


def parts(x: mpf, count: int) -> list[float]:
    """`count` floats whose sum is x."""
    found = []
    for _ in range(count):
        found.append(rounded(x))
        x -= mpf(found[-1])
    return found


def literal(x: float) -> str:
    """A float literal that reads back as x."""
    text = f"{x:.9g}"
    return (text if any(c in text for c in ".en") else text + ".0") + "f"


def tail(x: mpf) -> list[float]:
    """Q and -Q', a high and a low half each."""
    q = mp.erfc(x / mp.sqrt(2)) / 2 * mp.exp(x * x / 2)
    return parts(q, 2) + parts(1 / mp.sqrt(2 * mp.pi) - x * q, 2)


def table(name: str, values: list[float], per_line: int) -> str:
    """One array."""
    lines = [", ".join(map(literal, values[i : i + per_line])) for i in range(0, len(values), per_line)]
    return f"ATALANTA_TABLE {name}[{len(values)}] = {{\n    " + ",\n    ".join(lines) + "};\n"


def text() -> str:
    """The whole header."""
    tails = [value for i in range(NODES) for value in tail(FIRST + i * STEP)]
    powers = [value for j in range(32) for value in parts(mpf(2) ** (mpf(j) / 32), 2)]
    part = mp.log(2) / 32
    first = float(mp.floor(part * 2**17) / 2**17)  # 12 bits
    ln2 = [first, *parts(part - mpf(first), 2)]
    return (
        HEADER
        + "\n// Q and -Q' at -2, -2 + 1/64, ..., 14: a high and a low half each.\n"
        + table("kTail", tails, 4)
        + "\n// 2^(j/32): a high and a low half each.\n"
        + table("kPower", powers, 4)
        + "\n// ln(2) / 32 in three parts, the first of 12 bits.\n"
        + table("kLn2Part", ln2, 3)
        + "\n}  // namespace atalanta_gpu\n"
    )


if __name__ == "__main__":
    print(text(), end="")
