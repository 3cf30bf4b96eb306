"""What the router answers. Main entries: `Decision`, `Explanation`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

__all__ = ["Crossover", "Decision", "Explanation", "Prediction"]


class Decision(NamedTuple):
    """Where an operation is to run, and why."""

    target: str
    #: predicted; NaN where nothing was measured
    seconds: float
    #: fastest (or nothing clearly quicker), only, prior, threshold, pinned, accuracy, health, device, deadline or probe
    reason: str

    @property
    def device(self) -> str:
        """The device of the target."""
        return self.target.partition(":")[0]


class Prediction(NamedTuple):
    """What is known of one target for one operation and size."""

    target: str
    #: predicted; NaN where nothing was measured
    seconds: float
    #: that one call in a hundred exceeds; NaN likewise
    seconds_p99: float
    #: as calibration said it, whatever was learnt since
    calibrated_seconds: float
    #: guaranteed, in the operation's measure
    error: float
    #: whether the error is within the tolerance
    admitted: bool
    #: False in quarantine
    usable: bool
    #: timed calls since calibration, of all sizes
    samples: int


class Crossover(NamedTuple):
    """From `work` elements on `after` is chosen instead of `before`."""

    work: int
    before: str
    after: str


class Explanation(NamedTuple):
    """A decision with everything it was taken from."""

    operation: str
    kind: str
    work: int
    tolerance: float
    measure: str
    decision: Decision
    #: quickest first; targets that were never measured last
    predictions: tuple[Prediction, ...]
    crossovers: tuple[Crossover, ...]
    #: the target that the user wants; None where there is no pin
    pinned: str | None = None
    #: why the pin is not followed; empty where it is, or where there is none
    not_followed: str = ""

    @property
    def quicker(self) -> tuple[str, ...]:
        """Targets that would do and are predicted to take less than the choice: by too little to change it."""
        times = {one.target: one.seconds for one in self.predictions if one.admitted and one.usable}
        limit = times.get(self.decision.target, self.decision.seconds)
        return tuple(target for target, seconds in times.items() if seconds < limit)

    def as_dict(self) -> dict[str, Any]:
        """In plain types, for JSON."""
        return {
            "operation": self.operation,
            "class": self.kind,
            "work": self.work,
            "tolerance": self.tolerance,
            "measure": self.measure,
            "decision": self.decision._asdict(),
            "predictions": [
                {name: getattr(one, name) for name in Prediction._fields} for one in self.predictions
            ],
            "crossovers": [one._asdict() for one in self.crossovers],
            "quicker": list(self.quicker),
            "pinned": self.pinned,
            "not_followed": self.not_followed,
        }

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterable[str]:
        target, seconds, reason = self.decision
        if reason == "fastest" and self.quicker:
            reason = "nothing clearly quicker"
        if self.not_followed:
            reason += f"; pinned to {self.pinned}, not followed: {self.not_followed}"
        yield f"{self.operation}, {self.work:,} elements: {target} ({reason}), {seconds * 1e6:.3g} us"
        for one in self.predictions:
            state = "" if one.usable else ", in quarantine"
            state += "" if one.admitted else ", not accurate enough"
            yield f"  {one.target}: {one.seconds * 1e6:.3g} us, error {one.error:.2g}{state}"
        for work, before, after in self.crossovers:
            yield f"  from {work:,} elements: {after} instead of {before}"
