"""Functions behind policies that fall back on each other by name. Main entries: `Plan`, `chain`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from atalanta import _core
from atalanta.errors import InputError
from atalanta.reliability.breaker import Alternatives, Breaker
from atalanta.reliability.fallbacks import Fallback
from atalanta.reliability.policy import Policy
from atalanta.reliability.settings import BreakerSettings

__all__ = ["Plan", "chain"]

_ORIGIN = "reliability.chain"


@dataclass(frozen=True, slots=True)
class Plan:
    """A function, and how it is guarded.

    Args:
        function: what is called; not a coroutine function.
        fallback: names of other plans, which take its place in order.
        breaker: settings of its own breaker, or the name of a preset.
        options: further arguments of `Policy`.
    """

    function: Callable[..., Any]
    fallback: tuple[str, ...] = ()
    breaker: BreakerSettings | str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def chain(plans: Mapping[str, Plan]) -> dict[str, Callable[..., _core.Answer[Any]]]:
    """The plans' functions behind policies.

    Those that fall back on each other are alternatives: the breaker of the last one that is available never opens.

    Args:
        plans: by name.

    Raises:
        InputError: a fallback that is no plan, or fallbacks that go round in a circle.

    Example:
        >>> from atalanta.reliability import Plan, chain
        >>> def fail():
        ...     raise OSError("gone")
        >>> made = chain({"disk": Plan(fail, ("memory",)), "memory": Plan(lambda: 7)})
        >>> made["disk"]()
        Answer(7, source='fallback:memory', age=0.0)
    """
    for name, plan in plans.items():
        _require_plan(name, plan)
    ordered = _in_order(plans)
    groups = _groups(plans)
    made: dict[str, Callable[..., _core.Answer[Any]]] = {}
    for name in ordered:
        plan = plans[name]
        breaker = None
        if plan.breaker is None:
            groups[name].always()
        else:
            breaker = Breaker(name, plan.breaker, clock=plan.options.get("clock"), alternatives=groups[name])
        steps = tuple(Fallback(other, made[other]) for other in plan.fallback)
        made[name] = Policy(name, breaker=breaker, fallback=steps, **plan.options)(plan.function)
    return made


def _require_plan(name: str, plan: Plan) -> None:
    named: Any = plan.fallback
    if isinstance(named, str):
        raise InputError(
            f"[{_ORIGIN}] the fallback of {name} is {named!r}; it must be a tuple of names: ({named!r},)"
        )
    for word in ("name", "breaker", "fallback"):
        if word in plan.options:
            raise InputError(f"[{_ORIGIN}] the options of {name} hold {word}; it is said by the plan itself")


def _in_order(plans: Mapping[str, Plan]) -> list[str]:
    """Each after those on which it falls back."""
    ordered: list[str] = []

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            circle = " -> ".join((*path[path.index(name) :], name))
            raise InputError(f"[{_ORIGIN}] fallbacks go round in a circle: {circle}; leave one of them out")
        if name not in plans:
            raise InputError(
                f"[{_ORIGIN}] {path[-1]} falls back on {name!r}, which is no plan (known: {', '.join(plans)})"
            )
        if name not in ordered:
            for other in plans[name].fallback:
                visit(other, (*path, name))
            ordered.append(name)

    for name in plans:
        visit(name, ())
    return ordered


def _groups(plans: Mapping[str, Plan]) -> dict[str, Alternatives]:
    """One for all that are connected by fallbacks."""
    groups = {name: Alternatives() for name in plans}
    for name, plan in plans.items():
        for other in plan.fallback:
            merged, gone = groups[name], groups[other]
            groups = {each: merged if group is gone else group for each, group in groups.items()}
    return groups
