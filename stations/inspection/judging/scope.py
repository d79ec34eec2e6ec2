"""What a test has to look at: everything that is required, or what an earlier test found."""

from __future__ import annotations

from dataclasses import dataclass

from stations.inspection.judging.case import Case, EarlierFinding
from stations.inspection.judging.codes import Code, Severity, parse
from stations.inspection.judging.limits import Facts, Limits
from stations.inspection.judging.quantities import QUANTITIES, Quantity
from stations.inspection.judging.readings import Readings
from stations.inspection.judging.rule_set import Required, Retest, RuleSet


@dataclass(frozen=True, slots=True)
class Scope:
    """Quantities that must be judged, those that may be, and earlier findings that stand.

    An earlier finding stands when nothing of what it needs was measured again: so a vehicle may be
    presented in two steps, R lifted to S first.
    """

    required: frozenset[str]
    allowed: frozenset[str]
    standing: tuple[EarlierFinding, ...] = ()


def scope_of(case: Case, rules: RuleSet, limits: Limits, facts: Facts, readings: Readings) -> Scope:
    """The scope of a full test, or of a re-inspection."""
    if case.test.kind == "full":
        required = {
            name for row in rules.required if _asks(row, facts) for name in row.items
        } & QUANTITIES.keys()
        return Scope(frozenset(required), frozenset(QUANTITIES))
    asked: set[str] = set()
    allowed = {"vehicle.odometer"}
    standing = []
    for earlier in case.test.earlier:
        code = parse(earlier.code)
        if code.severity is Severity.MINOR:
            continue
        retest = _retest(code, rules)
        related = _related(code, earlier.location, retest, limits, facts)
        if related and not any(_measured(one, readings) for one in related):
            standing.append(earlier)
            continue
        asked |= {one.name for one in related}
        allowed |= {one.name for one in related} | _allowed(code, retest, limits, facts)
    return Scope(frozenset(asked), frozenset(allowed), tuple(standing))


def _asks(row: Required, facts: Facts) -> bool:
    """Whether a row holds for this vehicle; what is not known of it does not excuse it."""
    if row.categories and facts.category not in row.categories:
        return False
    if row.fuels and facts.family not in row.fuels:
        return False
    day = facts.first_registration
    if day is not None and day not in row.first_registered:
        return False
    return row.catalyst is None or facts.catalyst in (None, row.catalyst)


def _retest(code: Code, rules: RuleSet) -> Retest | None:
    return next((row for row in rules.retests if f"{code}.".startswith(f"{row.listed}.")), None)


def _related(
    code: Code, location: str | None, retest: Retest | None, limits: Limits, facts: Facts
) -> list[Quantity]:
    """What must be measured again for a code: all that could give it, there where it was."""
    found = [
        one for one in QUANTITIES.values()
        if _gives(one, code.subject, limits, facts) or (retest and _begins(one, retest.required))
    ]  # fmt: skip
    found = [one for one in found if limits.rows(one, facts)]
    there = [one for one in found if location and _is_at(one, location)]
    everywhere = retest is not None and bool(retest.required)
    return found if everywhere or not there else there


def _allowed(code: Code, retest: Retest | None, limits: Limits, facts: Facts) -> set[str]:
    prefixes = retest.allowed if retest is not None else ()
    return {
        one.name for one in QUANTITIES.values()
        if _begins(one, prefixes) or _gives(one, code.number, limits, facts)
    }  # fmt: skip


def _gives(quantity: Quantity, subject: str, limits: Limits, facts: Facts) -> bool:
    return any(
        f"{code}.".startswith(f"{subject}.")
        for rows in limits.rows(quantity, facts).values()
        for row in rows
        for code in (row.code, row.override_code)
    )


def _begins(quantity: Quantity, prefixes: tuple[str, ...]) -> bool:
    return any(quantity.name.startswith(prefix) for prefix in prefixes)


def _is_at(quantity: Quantity, location: str) -> bool:
    place = quantity.place
    return bool(place) and (f"{place}.".startswith(f"{location}.") or location.startswith(place))


def _measured(quantity: Quantity, readings: Readings) -> bool:
    return any(map(readings.has, (*quantity.inputs, *quantity.also, quantity.name)))
