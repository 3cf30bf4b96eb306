"""C++ rooms include only rooms below them, and pybind11 appears in csrc/bind alone. Exits with 1 on a breach."""

import re
import sys
from pathlib import Path

MAY_INCLUDE = {
    "base": set(),
    "numerics": {"base"},
    "pricing": {"base", "numerics"},
    "risk": {"base", "numerics", "pricing"},
    "reliability": {"base"},
    "routing": {"base", "reliability"},
    "gpu": {"base"},
    "memory": {"base"},
    "streaming": {"base", "pricing", "risk"},
    "bind": {"base", "numerics", "pricing", "risk", "reliability", "routing", "gpu", "memory", "streaming"},
}
INCLUDE = re.compile(r'#include\s+(?:"([^"/]+)/|[<"](pybind11))', re.MULTILINE)


def breaches(source: Path, room: str) -> list[str]:
    """What `source` includes and its room may not."""
    found = []
    for included, pybind11 in INCLUDE.findall(source.read_text()):
        if included and included != room and included not in MAY_INCLUDE[room]:
            found.append(f"{source}: {room}/ may not include {included}/")
        if pybind11 and room != "bind":
            found.append(f"{source}: pybind11 belongs in csrc/bind/")
    return found


def main() -> int:
    """Check every file below csrc/."""
    root = Path(__file__).resolve().parents[1] / "csrc"
    found = []
    for source in sorted([*root.rglob("*.[ch]pp"), *root.rglob("*.h")]):
        room = source.relative_to(root).parts[0]
        found += breaches(source, room) if room in MAY_INCLUDE else [f"{source}: {room}/ is no room"]
    print("\n".join(found) or "C++ layers: kept")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
