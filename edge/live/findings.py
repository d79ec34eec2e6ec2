"""What a look at the machines of a site finds: each thing that is not as it is declared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Problem(StrEnum):
    """What can differ. Those of `ERRORS` cost values or make them wrong; the others are to know."""

    MISSING = "missing"
    TYPE = "wrong type"
    LENGTH = "array length"
    UNREADABLE = "not readable"
    SILENT = "no answer"
    UNIT = "unit differs"
    RANGE = "range differs"
    SLOW = "slow"
    QUEUE = "short queue"
    BAD = "bad now"
    UNBELIEVABLE = "not believable"


ERRORS = frozenset(
    (
        Problem.MISSING,
        Problem.TYPE,
        Problem.LENGTH,
        Problem.UNREADABLE,
        Problem.SILENT,
        Problem.UNIT,
    )
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference; `tag` is empty when it is of the whole connection."""

    problem: Problem
    tag: str
    declared: str
    found: str

    @property
    def is_error(self) -> bool:
        """True when values are lost or wrong because of it."""
        return self.problem in ERRORS


@dataclass(slots=True)
class Checked:
    """One connection of a station: whether it was reached, how fast it answers, what differs.

    `fault` is why it could not be looked at (or not to the end); "" when it was.
    """

    station: str
    connection: str
    url: str
    tags: int
    fault: str = ""
    round_trip_ms: float | None = None
    findings: list[Finding] = field(default_factory=list)

    @property
    def has_errors(self) -> bool:
        """True when something has to be put right."""
        return bool(self.fault) or any(one.is_error for one in self.findings)

    def as_declared(self) -> int:
        """How many tags are as they are declared."""
        return 0 if self.fault else self.tags - len({one.tag for one in self.findings if one.tag})

    def document(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "station": self.station, "connection": self.connection, "url": self.url,
            "tags": self.tags, "as_declared": self.as_declared(), "fault": self.fault,
            "round_trip_ms": self.round_trip_ms,
            "findings": [
                {
                    "tag": one.tag, "problem": str(one.problem), "error": one.is_error,
                    "declared": one.declared, "found": one.found,
                }
                for one in self.findings
            ],
        }  # fmt: skip


def sorted_findings(findings: Sequence[Finding]) -> list[Finding]:
    """Errors first, then by problem; within one problem in the order of the declaration."""
    order = list(Problem)
    return sorted(findings, key=lambda one: (not one.is_error, order.index(one.problem)))
