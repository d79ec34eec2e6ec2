"""What looking at a machine brings: rows of a tags CSV, and what was left out and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from wire.site.device_csv import Row


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that the machine has and the CSV has not; `reason` is the same for all alike."""

    path: str
    address: str
    reason: str


@dataclass(slots=True)
class Found:
    """The rows in the order of the machine, what was skipped, and notes for whoever asked."""

    rows: list[Row] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def reasons(self) -> Counter[str]:
        """How many were skipped, by reason."""
        return Counter(one.reason for one in self.skipped)


class Progress(Protocol):
    """Told again and again how far it is; `total` None: nobody knows."""

    def __call__(self, what: str, done: int, total: int | None = None) -> None:
        """So much of what is being done is done."""


def unheard(what: str, done: int, total: int | None = None) -> None:
    """A Progress that nobody looks at."""
