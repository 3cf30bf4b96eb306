"""Proves that the kernels were vectorised, because a loop that stops vectorising stays correct and only gets slow.

Two looks: the compiler's own report must name every marked loop at the width of every instruction set of the
build, and each kernel object must hold packed arithmetic in its widest registers.

Usage: check_vectorised.py BUILD_FOLDER BUILD_LOG OBJDUMP, with a log of a build made with
-DATALANTA_VECTOR_REPORT=ON. Exits with 1 when something is missing.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MARK = re.compile(r"\s*ATALANTA_(?:VECTOR|LANE)_LOOP(?:  // (?P<isa>\w+) alone)?$")

# Doubles in the widest register, and what packed arithmetic looks like in a disassembly.
ARITHMETIC = r"(?:f?n?m(?:add|sub)\d*|add|sub|mul|div|sqrt)pd\b"
WIDTH = {"avx512": 8, "avx2": 4, "baseline": 2, "neon": 2}
PACKED = {
    "avx512": re.compile(rf"\bv{ARITHMETIC}.*%zmm"),
    "avx2": re.compile(rf"\bv{ARITHMETIC}.*%ymm"),
    "baseline": re.compile(rf"\b{ARITHMETIC}"),
    "neon": re.compile(r"\bf(?:mla|mls|add|sub|mul|div|sqrt)\s+v\d+\.2d"),
}
LEAST_PACKED = 400  # the object of implied vols is the smallest

GCC_REMARK = re.compile(r"(csrc/\S+?):(\d+):\d+: optimized: loop vectorized using (\d+) byte vectors")
CLANG_REMARK = re.compile(r"(csrc/\S+?):(\d+):\d+: remark: vectorized loop \(vectorization width: (\d+)")


def marked_loops() -> dict[tuple[str, int], str | None]:
    """By (file, line) of every loop that must vectorise: the one instruction set that has it, None where all do."""
    loops = {}
    for path in sorted((ROOT / "csrc").rglob("*.hpp")):
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            if mark := MARK.match(line):
                loops[str(path.relative_to(ROOT)), number + 1] = mark["isa"]
    return loops


def reported_loops(log: str) -> set[tuple[str, int, int]]:
    """(file, line, doubles per vector) of every loop that the compiler says it vectorised."""
    gcc = {(file, int(line), int(size) // 8) for file, line, size in GCC_REMARK.findall(log)}
    return gcc | {(file, int(line), int(width)) for file, line, width in CLANG_REMARK.findall(log)}


def packed_instructions(objdump: str, path: Path, isa: str) -> int:
    """Packed arithmetic instructions in an object file."""
    command = [objdump, "-d", "--no-show-raw-insn", path]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return len(PACKED[isa].findall(text))


def main() -> int:
    """Check every instruction set found below the build folder."""
    build, log, objdump = Path(sys.argv[1]), Path(sys.argv[2]).read_text(), sys.argv[3]
    objects = {isa: sorted(build.rglob(f"kernels_{isa}.dir/**/*.o")) for isa in PACKED}
    marked, reported = marked_loops(), reported_loops(log)
    failed = not any(objects.values()) or not marked
    for isa, paths in objects.items():
        if not paths:
            continue
        packed = min(packed_instructions(objdump, path, isa) for path in paths)
        wanted = [loop for loop, only in marked.items() if only in (None, isa)]
        missing = sorted(loop for loop in wanted if (*loop, WIDTH[isa]) not in reported)
        failed |= bool(missing) or packed < LEAST_PACKED
        print(
            f"{isa:9} {len(wanted) - len(missing)} of {len(wanted)} loops vectorised, at least {packed} packed instructions an object"
        )
        for file, line in missing:
            print(f"          not vectorised: {file}:{line}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
