"""Proves that the kernels were vectorised: counts packed and scalar arithmetic in each instruction set's object.

A loop that stops vectorising still gives correct results, two to four times slower; nothing else would notice.
Usage: check_vectorised.py BUILD_FOLDER [OBJDUMP]. Exits with 1 when an object falls below its floor.
"""

import re
import subprocess
import sys
from pathlib import Path

# Packed double arithmetic in the widest registers, and the least share of it among all double arithmetic.
# The scalar rest is the path for one option and the limits of flagged rows.
PACKED = {
    "avx512": re.compile(r"\bv(?:f?n?m(?:add|sub)\d*|add|sub|mul|div|sqrt)pd\b.*%zmm"),
    "avx2": re.compile(r"\bv(?:f?n?m(?:add|sub)\d*|add|sub|mul|div|sqrt)pd\b.*%ymm"),
    "baseline": re.compile(r"\b(?:add|sub|mul|div|sqrt)pd\b"),
    "neon": re.compile(r"\bf(?:mla|mls|add|sub|mul|div|sqrt)\s+v\d+\.2d"),
}
SCALAR = re.compile(
    r"\bv?(?:f?n?m(?:add|sub)\d*|add|sub|mul|div|sqrt)sd\b|\bf(?:n?madd|n?msub|add|sub|mul|div|sqrt)\s+d\d+"
)
LEAST_PACKED = 900
LEAST_SHARE = 0.40


def counts(objdump: str, path: Path, isa: str) -> tuple[int, int]:
    """(packed, scalar) instructions in an object file."""
    text = subprocess.run(
        [objdump, "-d", "--no-show-raw-insn", path], capture_output=True, text=True, check=True
    ).stdout
    return len(PACKED[isa].findall(text)), len(SCALAR.findall(text))


def main() -> int:
    """Check every instruction set found below the build folder."""
    build, objdump = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "objdump"
    objects = {isa: path for isa in PACKED for path in build.rglob(f"isa/{isa}.cpp.o")}
    failed = not objects
    for isa, path in objects.items():
        packed, scalar = counts(objdump, path, isa)
        good = packed >= LEAST_PACKED and packed >= LEAST_SHARE * (packed + scalar)
        failed |= not good
        print(f"{isa:9} {packed:6} packed {scalar:6} scalar  {'ok' if good else 'TOO FEW PACKED'}")
    if not objects:
        print(f"no kernel objects below {build}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
