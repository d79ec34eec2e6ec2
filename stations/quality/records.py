"""Data of the records of repair and quality control. `RECORDS` says which belongs to which kind.

People are pseudonyms: who is meant is known to who keeps the list of them.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SeverityClass = Literal["A", "B", "C"]
Outcome = Literal["ok", "defect", "not_applicable"]


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RepairOperation(_Fact):
    """Data of `repair.operation`: a piece of work on a car, and the pseudonym of who did it."""

    visit: str
    operation: str
    operator: str = Field(min_length=1)
    ended: str | None = None


class Assignment(_Fact):
    """Data of `quality.assignment`: who is to check a car, and against which repairs that was held.

    `operations` are the ids of the records `repair.operation` that were known then.
    """

    visit: str
    inspector: str = Field(min_length=1)
    plan: str
    plan_version: int
    operations: tuple[str, ...]


class Answer(_Fact):
    """What was found at one point; `photos` are SHA-256 of pictures."""

    point: str
    outcome: Outcome
    severity: SeverityClass | None = None
    photos: tuple[str, ...] = ()
    note: str = ""


class Check(_Fact):
    """Data of `quality.check`: the whole check of one car. `demerits` sum the weights of defects.

    `first` is false for a check of a car that has been checked before in the same visit.
    """

    visit: str
    inspector: str
    assignment: str
    plan: str
    plan_version: int
    first: bool
    answers: tuple[Answer, ...]
    defects: dict[SeverityClass, int]
    demerits: int
    released: bool


RECORDS: dict[str, type[BaseModel]] = {
    "repair.operation": RepairOperation,
    "quality.assignment": Assignment,
    "quality.check": Check,
}
