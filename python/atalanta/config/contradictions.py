"""Options that are right each by itself and cannot both be meant. Main entry: `contradictions`."""

from __future__ import annotations

from collections.abc import Iterator

from atalanta.config.model import Config
from atalanta.config.units import duration_text

__all__ = ["contradictions"]

Contradiction = tuple[tuple[str, ...], str, object]


def contradictions(config: Config) -> Iterator[Contradiction]:
    """The key to change, what is wrong, and its value."""
    yield from _of_devices(config)
    yield from _of_breakers(config)


def _of_devices(config: Config) -> Iterator[Contradiction]:
    allowed = config.devices.allowed
    if "cpu" not in allowed:
        yield ("devices", "allowed"), "cpu must be one of them: it finishes what others cannot", list(allowed)
    for operation, target in config.router.pins.items():
        device = str(target).partition(":")[0]
        if device not in allowed:
            told = f"devices.allowed has no {device} (it has {', '.join(allowed)})"
            yield ("router", "pins", operation), told, target


def _of_breakers(config: Config) -> Iterator[Contradiction]:
    for name, breaker in config.reliability.breakers.items():
        if breaker.max_open is not None and breaker.max_open < breaker.open_for:
            told = f"it is shorter than open_for, {duration_text(breaker.open_for)}, which it cannot exceed"
            yield (
                ("reliability", "breakers", name, "max_open"),
                told,
                duration_text(breaker.max_open),
            )
