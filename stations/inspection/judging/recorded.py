"""Values that are kept without being judged, each with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from stations.inspection.judging.case import Case
from stations.inspection.judging.exact import text
from stations.inspection.judging.items import ITEMS
from stations.inspection.judging.judgement import Recorded
from stations.inspection.judging.quantities import USED_IN
from stations.inspection.judging.readings import Readings
from stations.inspection.judging.rule_set import RuleSet
from stations.inspection.judging.scope import Scope

NEVER_REPEATED = {"obd.vin_readback"}  # personal data
TEXT_MAX = 200


def recorded(case: Case, rules: RuleSet, readings: Readings, scope: Scope) -> Iterator[Recorded]:
    """Every delivered value with a note: its class, no limit, not listed, or why it counts not."""
    for name, one in case.measurements.items():
        if one.value is None or name in NEVER_REPEATED:
            continue
        item = ITEMS[name]
        note = readings.why(name) if item.kind in ("number", "flag") else None
        yield Recorded(
            item=name,
            value=_text(one.value, readings, name),
            unit=item.unit or None,
            note=note or _class(name, rules, readings) or _part(name, scope),
        )


def _part(name: str, scope: Scope) -> str:
    """The part that an item has in the judgement."""
    quantities = USED_IN.get(name)
    if not quantities:
        return "no_limit"
    listed = quantities & scope.required or quantities & scope.allowed
    return "judged" if listed else "not_listed"


def _class(name: str, rules: RuleSet, readings: Readings) -> str | None:
    for row in rules.classes:
        if fnmatchcase(name, row.item):
            value = readings.number(name)
            return next(
                (word for word, low in zip(row.names, row.above, strict=True) if value >= low), None
            )
    return None


def _text(value: object, readings: Readings, name: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))[:TEXT_MAX]
    if readings.why(name) is None:
        return text(readings.number(name), 6)
    return str(value)[:TEXT_MAX]
