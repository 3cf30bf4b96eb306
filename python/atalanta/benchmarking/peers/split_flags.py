"""For libraries that take one flag per call: calls and puts go in two calls and are put back in row order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from atalanta.benchmarking.clock import Work
from atalanta.benchmarking.workloads import Floats, Rows

__all__ = ["by_flag"]


def by_flag(
    functions: Mapping[bool, Callable[..., Any]], rows: Rows, columns: Callable[[Rows], Sequence[Floats]]
) -> Work:
    """Work that gives one column.

    Args:
        functions: by `is_call`; each takes the columns of its rows.
        rows: N options.
        columns: what the functions take; made beforehand.
    """
    parts = []
    for is_call, function in functions.items():
        index = np.flatnonzero(rows.is_call == is_call)
        if len(index):
            parts.append((index, function, columns(rows.take(index))))

    def call() -> Floats:
        out = np.empty(len(rows))
        for index, function, arguments in parts:
            out[index] = function(*arguments)
        return out

    return Work.calling(call)
