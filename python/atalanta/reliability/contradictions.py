"""Settings of a policy of which one makes another pointless. Main entry: `refuse_contradictions`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atalanta.errors import InputError
from atalanta.reliability.settings import Hedge, Retry

if TYPE_CHECKING:
    from atalanta.reliability.breaker import Breaker

__all__ = ["refuse_contradictions"]


def refuse_contradictions(
    name: str,
    deadline: float | None,
    bulkhead: int | None,
    hedge: Hedge | None,
    retry: Retry | None,
    breaker: Breaker | None,
) -> None:
    """Find them when the policy is made, and not when it is needed.

    Raises:
        InputError: the first that was found.
    """

    def refuse(what: str, mend: str) -> None:
        raise InputError(f"[reliability.Policy] {name}: {what}; {mend}")

    if deadline is not None:
        if retry is not None and retry.base >= deadline:
            refuse(
                f"the deadline is {deadline:g} s and the smallest retry waits up to {retry.base:g} s",
                "raise the deadline or lower Retry's base",
            )
        if hedge is not None and hedge.quantile is None and float(hedge.after) >= deadline:
            refuse(
                f"the deadline is {deadline:g} s and a hedge starts after {hedge.after:g} s",
                "raise the deadline or lower Hedge's after",
            )
    if breaker is None:
        return
    settings = breaker.settings
    if deadline is not None and settings.slow is not None and settings.slow >= deadline:
        refuse(
            f"the deadline is {deadline:g} s and the breaker calls slow what takes {settings.slow:g} s",
            "lower slow: no call in time would ever be slow",
        )
    if deadline is not None and settings.lost_after < deadline:
        refuse(
            f"the deadline is {deadline:g} s and the breaker gives a probe up after {settings.lost_after:g} s",
            "raise probe_timeout to the deadline at least",
        )
    if bulkhead is not None and settings.probes > bulkhead:
        refuse(
            f"the bulkhead lets in {bulkhead} and the breaker wants {settings.probes} probes at a time",
            "raise bulkhead or lower probes",
        )
