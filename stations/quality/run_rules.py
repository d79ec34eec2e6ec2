"""Patterns on a control chart that are unlikely while nothing has changed.

Which rules there are is data (`run_rules/*.toml`). A point is given in standard deviations off the
centre; a point on the centre is on neither side of it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

Pattern = Literal["beyond", "within", "outside", "trend", "alternating"]
KINDS = ("i", "mr", "c", "u", "p")


class RulesUnusable(ValueError):
    """Rules that cannot be applied; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`points` of `of` points in a row make the pattern; the last of them makes it complete.

    beyond: all on one side, further than `sigmas`. within: nearer than `sigmas`. outside: further
    than `sigmas` on whichever side. trend: each higher, or each lower, than the one before.
    alternating: up and down in turn.
    """

    id: str
    pattern: Pattern
    of: int
    points: int
    charts: tuple[str, ...]
    sigmas: float = 0.0


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of one author."""

    name: str
    source: str
    mark: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Signal:
    """A rule that is met: `at` is the point that makes it complete, `first` where it begins."""

    rule: str
    at: int
    first: int


def parse_rules(text: str) -> RuleSet:
    """The rules of a TOML text. RulesUnusable when one is not whole."""
    try:
        said = tomllib.loads(text)
        rules = tuple(
            Rule(
                str(one["id"]), one["pattern"], int(one["of"]), int(one["points"]),
                tuple(one["charts"]), float(one.get("sigmas", 0.0)),
            )
            for one in said["rule"]
        )  # fmt: skip
        found = RuleSet(str(said["name"]), str(said["source"]), str(said["mark"]), rules)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise RulesUnusable(f"run rules: {error!r}") from error
    for rule in rules:
        _check(rule)
    if len({rule.id for rule in rules}) != len(rules):
        raise RulesUnusable("run rules: an id is there twice")
    return found


def signals(points: Sequence[float], rules: Sequence[Rule], chart: str) -> list[Signal]:
    """Every rule that is met, in the order of the points; `points` in standard deviations."""
    found = [
        Signal(rule.id, end - 1, end - rule.of)
        for rule in rules
        if chart in rule.charts
        for end in range(rule.of, len(points) + 1)
        if _is_met(rule, points[end - rule.of : end])
    ]
    return sorted(found, key=lambda one: (one.at, one.rule))


def _check(rule: Rule) -> None:
    if rule.pattern not in get_args(Pattern):
        raise RulesUnusable(f"{rule.id}: no pattern is named {rule.pattern!r}")
    if not 1 <= rule.points <= rule.of:
        raise RulesUnusable(f"{rule.id}: {rule.points} of {rule.of} points cannot be")
    if unknown := set(rule.charts) - set(KINDS):
        raise RulesUnusable(f"{rule.id}: no chart is named {', '.join(sorted(unknown))}")
    if rule.pattern != "beyond" and rule.points != rule.of:
        raise RulesUnusable(f"{rule.id}: {rule.pattern} is of all its points")
    if rule.sigmas < 0:
        raise RulesUnusable(f"{rule.id}: {rule.sigmas} standard deviations")


def _is_met(rule: Rule, run: Sequence[float]) -> bool:
    match rule.pattern:
        case "within":
            return all(abs(one) < rule.sigmas for one in run)
        case "outside":
            return all(abs(one) > rule.sigmas for one in run)
        case "trend":
            steps = list(_steps(run))
            return all(step > 0 for step in steps) or all(step < 0 for step in steps)
        case "alternating":
            turns = pairwise(_steps(run))
            return all(before * after < 0 for before, after in turns)
    # The last point must be one of them: else the same pattern is told once more.
    side = 1 if run[-1] > 0 else -1
    beyond = [one * side > rule.sigmas for one in run]
    return beyond[-1] and sum(beyond) >= rule.points


def _steps(run: Sequence[float]) -> Iterator[int]:
    """The signs of the differences: their product could be too small to have one."""
    for before, after in pairwise(run):
        yield (after > before) - (after < before)
