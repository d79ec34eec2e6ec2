"""Weighs every quantity of a test against its limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from stations.inspection.judging.exact import text
from stations.inspection.judging.items import ITEMS
from stations.inspection.judging.judgement import Finding, Judged, Open
from stations.inspection.judging.limits import Bound, Facts, Limits
from stations.inspection.judging.quantities import (
    QUANTITIES,
    NotJudged,
    Quantity,
    Undecided,
)  # fmt: skip
from stations.inspection.judging.readings import Readings
from stations.inspection.judging.rule_set import RuleSet
from stations.inspection.judging.scope import Scope

LIMIT_DECIMALS = 12


@dataclass(slots=True)
class Outcome:
    """What weighing gave: findings, what is open, and each quantity beside its limit."""

    findings: list[Finding] = field(default_factory=list)
    open: list[Open] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)


class Weighing:
    """The quantities of one case and the limits that hold for its vehicle."""

    def __init__(self, rules: RuleSet, limits: Limits, facts: Facts, readings: Readings) -> None:
        self._rules, self._limits = rules, limits
        self._facts, self._readings = facts, readings

    def of(self, scope: Scope) -> Outcome:
        """Judge what is required, and what was measured without being required."""
        outcome = Outcome()
        for quantity in QUANTITIES.values():
            required = quantity.name in scope.required
            if not required and quantity.name not in scope.allowed:
                continue
            if required or not quantity.inputs or self._touched(quantity):
                self._weigh(quantity, outcome)
        outcome.open = _merged(outcome.open)
        return outcome

    def _touched(self, quantity: Quantity) -> bool:
        return any(map(self._readings.has, (*quantity.inputs, *quantity.also, quantity.name)))

    def _weigh(self, quantity: Quantity, outcome: Outcome) -> None:
        rows = self._limits.rows(quantity, self._facts)
        if not rows:
            return
        try:
            values = self._values(quantity)
            bounds = self._limits.bounds(quantity, self._facts, self._readings)
        except NotJudged:
            return
        except Undecided as why:
            worst = int(max(rows))
            outcome.open += [
                Open(item=item, reason=reason, severity_max=worst) for item, reason in why.open
            ]
            return
        if not bounds:
            return
        weighed = [_weighed(value, bounds) for value in values]
        value, broken, limit = max(weighed, key=lambda one: one[1].severity if one[1] else 0)
        near = any(self._is_near(quantity, one, bounds) for one in values)
        outcome.judged.append(_judged(quantity, value, bounds, broken, limit, near))
        if broken is not None and limit is not None:
            outcome.findings.append(_finding(quantity, value, broken, limit, near))

    def _values(self, quantity: Quantity) -> list[Fraction]:
        """As it was computed, and as the bench itself reports it; both count."""
        reported = []
        if quantity.name in ITEMS and quantity.name not in quantity.inputs:
            reported = [] if self._readings.why(quantity.name) else [
                self._readings.number(quantity.name)
            ]  # fmt: skip
        try:
            return [quantity.formula(self._readings), *reported]
        except Undecided:
            if not reported:
                raise
            return reported

    def _is_near(self, quantity: Quantity, value: Fraction, bounds: Iterable[Bound]) -> bool:
        uncertainty = self._readings.uncertainty(quantity.name)
        return any(bound.distance(value) <= uncertainty for bound in bounds)


def _weighed(
    value: Fraction, bounds: list[Bound]
) -> tuple[Fraction, Bound | None, Fraction | None]:
    """The gravest limit that a value breaks."""
    for bound in reversed(bounds):
        limit = bound.broken(value)
        if limit is not None:
            return value, bound, limit
    return value, None, None


def _finding(
    quantity: Quantity, value: Fraction, bound: Bound, limit: Fraction, near: bool
) -> Finding:
    flag = bound.row.compare == "is false"
    return Finding(
        code=bound.code,
        severity=int(bound.severity),
        value="true" if flag else _shown(value, limit, bound),
        limit="false" if flag else text(limit, LIMIT_DECIMALS),
        unit=quantity.unit or None,
        rule=bound.row.id,
        source=bound.row.source,
        mark=bound.row.mark,
        location=quantity.place or None,
        item=quantity.name,
        near_limit=near,
    )


def _judged(
    quantity: Quantity, value: Fraction, bounds: list[Bound], broken: Bound | None,
    limit: Fraction | None, near: bool,
) -> Judged:  # fmt: skip
    bound = broken or bounds[0]
    flag = bound.row.compare == "is false"
    shown = ("false", "true")[int(value)] if flag else _shown(value, limit, bound)
    return Judged(
        item=quantity.name,
        location=quantity.place or None,
        value=shown,
        unit=quantity.unit or None,
        limit="false" if flag else _limit_text(bound),
        rule=bound.row.id,
        source=bound.row.source,
        passes=broken is None,
        near_limit=near,
    )


def _shown(value: Fraction, limit: Fraction | None, bound: Bound) -> str:
    """A value that fails is never written as the limit, one with a sign keeps it."""
    if limit is not None and bound.magnitude and value < 0:
        return text(value, 2, -limit)
    return text(value, 2, limit)


def _limit_text(bound: Bound) -> str:
    low = None if bound.low is None else text(bound.low, LIMIT_DECIMALS)
    high = None if bound.high is None else text(bound.high, LIMIT_DECIMALS)
    if low is not None and high is not None:
        return f"{low} .. {high}"
    sign = {(True, False): ">=", (True, True): ">", (False, False): "<=", (False, True): "<"}
    chosen = sign[low is not None, bound.excluded]
    return f"{chosen} {'+-' if bound.magnitude else ''}{low if low is not None else high}"


def _merged(found: Iterable[Open]) -> list[Open]:
    """Each item and reason once, with the gravest that it could still be."""
    by_item: dict[tuple[str, str], Open] = {}
    for one in found:
        known = by_item.get((one.item, one.reason))
        if known is None or known.severity_max < one.severity_max:
            by_item[one.item, one.reason] = one
    return list(by_item.values())
