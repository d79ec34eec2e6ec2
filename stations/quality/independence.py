"""Who has repaired a car does not check it: decided before, from the records of repairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stations.quality.records import RepairOperation


@dataclass(frozen=True, slots=True)
class Objection:
    """An operation that speaks against an inspector: its record and what was done."""

    record: str
    operation: str
    operator: str


def objections(
    inspector: str, visit: str, operations: Mapping[str, RepairOperation]
) -> list[Objection]:
    """What speaks against an inspector for the car of a visit; `operations` by the record's id.

    Names are compared without regard to case and outer spaces. ValueError for an empty name.
    """
    name = _plain(inspector)
    if not name:
        raise ValueError("an inspector needs a pseudonym")
    return [
        Objection(record, one.operation, one.operator)
        for record, one in operations.items()
        if one.visit == visit and _plain(one.operator) == name
    ]


def free(
    inspectors: Iterable[str], visit: str, operations: Mapping[str, RepairOperation]
) -> list[str]:
    """Those of some inspectors who may check the car of a visit."""
    return [one for one in inspectors if not objections(one, visit, operations)]


def _plain(name: str) -> str:
    return name.strip().casefold()
