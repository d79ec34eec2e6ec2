"""What is known of every assertion of Sparkplug 3.0: what it means, and which test proves it.

assertions.csv and requirements.csv are written by hand and read here; tests hold them against the
tests that they name.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
PROVEN, NOT_APPLICABLE, NOT_MET = "proven", "not applicable", "not met"
VERDICTS = (PROVEN, NOT_APPLICABLE, NOT_MET)
ACTORS = {"E": "edge node", "H": "host", "EH": "both"}


@dataclass(frozen=True, slots=True)
class Assertion:
    """One testable assertion that concerns an edge node or a host.

    `decision` is the letter of a contradiction within the specification, where there is one;
    `because` says why it is not met or does not apply, or how far it is proven.
    """

    id: str
    level: str
    actor: str
    category: str
    meaning: str
    decision: str
    verdict: str
    because: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that other implementations have taught us, and the tests that show it."""

    number: int
    meaning: str
    tests: tuple[str, ...]


@cache
def assertions() -> tuple[Assertion, ...]:
    """All of them, in the order of the specification's subjects."""
    return tuple(
        Assertion(**{**row, "tests": tuple(row["tests"].split())})
        for row in _rows("assertions.csv")
    )


@cache
def requirements() -> tuple[Requirement, ...]:
    """All of them, by number."""
    return tuple(
        Requirement(int(row["number"]), row["meaning"], tuple(row["tests"].split()))
        for row in _rows("requirements.csv")
    )


def counted(listed: Iterable[Assertion]) -> str:
    """How many there are of each verdict, in words."""
    found = Counter(one.verdict for one in listed)
    return ", ".join(f"{found[verdict]} {verdict}" for verdict in VERDICTS)


def _rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
