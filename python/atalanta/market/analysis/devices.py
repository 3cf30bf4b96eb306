"""What an analysis says of devices that failed while it ran, or before. Main entry: `device_notes`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from atalanta.reliability.events import Event, FellBack

__all__ = ["device_notes"]


def device_notes(events: Iterable[Event], left_alone: Iterable[str]) -> Iterator[str]:
    """One note for each device.

    Args:
        events: of the analysis.
        left_alone: targets in quarantine at its end.
    """
    failed: dict[str, tuple[int, FellBack]] = {}
    for event in events:
        if isinstance(event, FellBack):
            failed[event.name] = failed.get(event.name, (0, event))[0] + 1, event
    for name, (times, event) in failed.items():
        again = "" if times == 1 else f" {times} times, at last"
        yield f"fallback:{event.fallback} computed what {name} could not, which failed{again}: {event.error}"
    for name in left_alone:
        if name not in failed:
            yield f"{name} is in quarantine since it failed: it took no part"
