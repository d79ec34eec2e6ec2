"""What a judgement says: findings, the result, the legal letter, and everything it rests on.

Numbers are texts: as delivered, or rounded so far that a value which fails is never written as its
limit. A judgement that is kept in a record holds for good, whatever becomes of the rule set.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict

ResultWord = Literal["undefined", "ok", "not_ok", "not_decidable"]
Letter = Literal["A", "S", "R"]
By = Literal["measured", "visual", "earlier", "inspector", "recall"]


class Fact(BaseModel):
    """A frozen part of a judgement."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Finding(Fact):
    """One deficiency. `by` says who found it; `near_limit`: within the bench's uncertainty."""

    code: str
    severity: int
    value: str | None = None
    limit: str | None = None
    unit: str | None = None
    rule: str
    source: str
    mark: str
    location: str | None = None
    photo: str | None = None
    item: str | None = None
    near_limit: bool = False
    by: By = "measured"


class Open(Fact):
    """An item that could not be judged, why, and how grave it could still be."""

    item: str
    reason: str
    severity_max: int


class Judged(Fact):
    """A quantity beside the limit that it was held against."""

    item: str
    location: str | None
    value: str
    unit: str | None
    limit: str
    rule: str
    source: str
    passes: bool
    near_limit: bool


class Recorded(Fact):
    """A value that is kept and not judged; `note` says why, or its class."""

    item: str
    value: str
    unit: str | None
    note: str


class Decided(Fact):
    """An item that the inspector decided by hand."""

    item: str
    outcome: str
    reason: str
    inspector: str


class Used(Fact):
    """A piece of equipment on the day of the test; `state` is `ok` or why its results count not."""

    id: str
    kind: str | None
    calibration_due: str | None
    state: str


class Judgement(Fact):
    """The judgement of one case by one rule set."""

    result: ResultWord
    letter: Letter | None
    valid_until: str | None
    reinspection_until: str | None
    findings: tuple[Finding, ...]
    not_decidable: tuple[Open, ...]
    judged: tuple[Judged, ...]
    recorded: tuple[Recorded, ...]
    decided: tuple[Decided, ...]
    equipment: tuple[Used, ...]
    rule_set: str
    rule_set_sha256: str
    test_date: str
    test_kind: str


def verdict(
    severities: Iterable[int], open_severities: Iterable[int], aborted: bool = False
) -> tuple[ResultWord, Letter | None]:
    """The result and the letter that findings and open items lead to.

    A critical finding decides at once. A major one decides the letter only when nothing open could
    still be critical. Without either, one open item leaves everything open; a test that was given
    up has no result then.
    """
    worst = max(severities, default=0)
    still = max(open_severities, default=0)
    if worst == 3:
        return "not_ok", "R"
    if worst == 2:
        return "not_ok", None if still == 3 or aborted else "S"
    if aborted:
        return "undefined", None
    return ("not_decidable", None) if still else ("ok", "A")
