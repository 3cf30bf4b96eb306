"""Which layout a source is in, told by its headers.

Main entry: `match_layout`. Headers are compared in plain form, then without separators; what is missing or ambiguous
is one clear error.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from atalanta.errors import InputError
from atalanta.market.cell_text import shown
from atalanta.market.reading.layouts import LAYOUTS, Headers, Layout

__all__ = ["Match", "header_key", "match_layout"]

_ORIGIN = "[market.read_chain]"
_SEPARATORS = str.maketrans(dict.fromkeys("[]-/.", " "))

Finder = Callable[[str], int | None]


@dataclass(frozen=True, slots=True)
class Match:
    """A layout found in the headers of a source.

    Attributes:
        layout: the row of the table.
        columns: canonical name to the place of its column in the source.
        calls: as `columns`, for the call of a wide row.
        puts: as `columns`, for the put.
        unused: places of the columns that nothing was looked for in.
    """

    layout: Layout
    columns: dict[str, int]
    calls: dict[str, int]
    puts: dict[str, int]
    unused: tuple[int, ...]


def header_key(name: str) -> str:
    """A header as it is compared: lower case, without brackets and outer blanks; blanks and `-/.` inside as `_`."""
    return "_".join(name.translate(_SEPARATORS).lower().split())


def match_layout(names: Iterable[str], label: str, layout: str | None = None) -> Match:
    """Recognise a layout by the headers of a source.

    Args:
        names: the headers.
        label: what messages call the source.
        layout: name of the only layout to try; all are tried where it is None.

    Raises:
        InputError: unknown layout name, no layout's needs are met, or two headers compare equal.
    """
    names = tuple(names)
    exact, joined = _places(names, header_key), _places(names, _joined)

    def near(key: str) -> int | None:
        return exact.get(key, joined.get(_joined(key)))

    candidates = LAYOUTS if layout is None else (_named(layout),)
    for find in (exact.get, near):  # a layout that is met exactly goes before one that is nearly met
        for candidate in candidates:
            if not _missing(candidate, find):
                match = _matched(candidate, near, len(names))
                _refuse_twins(match, names, label)
                return match
    raise _unmatched(candidates, near, names, label)


def _joined(name: str) -> str:
    """A header without separators: `Expiration Date`, `expiration_date` and `expirationDate` are one."""
    return header_key(name).replace("_", "")


def _places(names: tuple[str, ...], key: Callable[[str], str]) -> dict[str, int]:
    """The first place of every header, by its key."""
    return {key(name): place for place, name in reversed(list(enumerate(names)))}


def _named(name: object) -> Layout:
    known = {layout.name: layout for layout in LAYOUTS}
    if not isinstance(name, str) or name not in known:
        text = name.lower() if isinstance(name, str) else ""
        near = [other for other in known if text and text in other]
        near = near or difflib.get_close_matches(text, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise InputError(f"{_ORIGIN} there is no layout {shown(name)} (known: {', '.join(known)}){hint}")
    return known[name]


def _missing(layout: Layout, find: Finder) -> list[str]:
    return [need for need in layout.needs if _best(layout.looked_for(need), find) is None]


def _best(headers: tuple[str, ...], find: Finder) -> int | None:
    return next((place for place in map(find, headers) if place is not None), None)


def _matched(layout: Layout, find: Finder, width: int) -> Match:
    def found(columns: Headers) -> dict[str, int]:
        hits = {name: _best(headers, find) for name, headers in columns.items()}
        return {name: place for name, place in hits.items() if place is not None}

    columns, calls, puts = found(layout.columns), found(layout.calls), found(layout.puts)
    used = {*columns.values(), *calls.values(), *puts.values()}
    unused = tuple(place for place in range(width) if place not in used)
    return Match(layout, columns, calls, puts, unused)


def _refuse_twins(match: Match, names: tuple[str, ...], label: str) -> None:
    """Two headers that compare equal are an error where the layout uses them."""
    keys = [header_key(name) for name in names]
    used = range(len(names)) if match.layout.keeps_rest else set(range(len(names))) - set(match.unused)
    counts = Counter(keys)
    for place in sorted(used):
        if counts[keys[place]] > 1:
            twins = ", ".join(repr(name) for name, key in zip(names, keys, strict=True) if key == keys[place])
            raise InputError(
                f"{_ORIGIN} {label} has {counts[keys[place]]} columns that read as {keys[place]!r} ({twins}): "
                "drop or rename all but one"
            )


def _unmatched(
    candidates: tuple[Layout, ...], find: Finder, names: tuple[str, ...], label: str
) -> InputError:
    # Of equally near layouts the plainest is named: the table ends with it.
    nearest = min(reversed(candidates), key=lambda layout: len(_missing(layout, find)) / len(layout.needs))
    missing = _missing(nearest, find)
    wanted = "; ".join(
        f"the {need.replace('_', ' ')} (looked for: {', '.join(nearest.looked_for(need))})"
        for need in missing
    )
    found = f"found: {', '.join(names)}"
    if len(candidates) == 1 or len(missing) < len(nearest.needs) / 2:
        return InputError(
            f"{_ORIGIN} {label} has no column for {wanted}, read as layout {nearest.name}; {found}"
        )
    known = ", ".join(layout.name for layout in candidates)
    return InputError(
        f"{_ORIGIN} {label} is in no known layout ({known}); the nearest is {nearest.name}, which also needs "
        f"{wanted}; {found}"
    )
