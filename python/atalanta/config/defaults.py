"""What holds where nobody sets anything, as a file would say it. Main entry: `DEFAULTS`.

Python, not YAML or JSON: a process's first load need read and parse nothing of it.
"""

from __future__ import annotations

from typing import Any, Final

__all__ = ["DEFAULTS"]

DEFAULTS: Final[dict[str, Any]] = {
    "machine": {"threads": None, "isa": None},
    "buffers": {"limit": None, "guard": "off"},
    "devices": {"allowed": ["cpu", "gpu", "neural_engine"]},
    "router": {
        "calibration": None,
        "deterministic": False,
        "pins": {},
        "thresholds": {},
        "tolerances": {},
    },
    "market": {"rate": None, "borrow": None, "tolerance": "standard"},
    "bench": {"sizes": [1, 100, 10_000, 1_000_000], "against": []},
    "reliability": {
        "breakers": {
            "gpu_compute": {"failures": 5, "window": "30s", "open_for": "30s"},
            "database": {"failures": 3, "window": "60s", "open_for": "60s"},
            "market_data": {"failures": 10, "window": "5s", "open_for": "5s"},
        }
    },
}
