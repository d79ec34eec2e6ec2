"""Does the ledger still say what it said? Every entry is read, from the first to the last.

Found are: a changed body or hash, a column that differs from its record, a missing, inserted or
moved entry, and (by the second place of the head) a tail that was cut off or written anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pydantic import ValidationError
from sqlalchemy import Connection, func, select

from plant.ledger.chain import Head, beginning, link
from plant.ledger.facts import Entry
from plant.ledger.schema import ENTRY
from stations.records import Record

ROWS_AT_ONCE = 1_000
FAULTS_MAX = 1_000
COLUMNS = ("id", "kind", "site", "line", "station", "visit", "time")


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it was written; `number` is the entry's, 0 for the whole ledger."""

    number: int
    what: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`head` is the last entry as it is read now. Only the first FAULTS_MAX faults are listed."""

    entries: int
    head: Head
    faults: tuple[Fault, ...]
    faults_found: int

    @property
    def sound(self) -> bool:
        """True when nothing was found."""
        return self.faults_found == 0


def verify(
    connection: Connection,
    ledger: str,
    kept: Head | None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Verdict:
    """Read every entry; `kept` is the head from its second place, None when that is gone.

    `progress` is told how many entries of how many are done.
    """
    total = connection.scalar(select(func.count()).select_from(ENTRY)) or 0
    found = _Faults()
    previous, number, done = beginning(ledger), 0, 0
    meets_kept = kept is not None and kept.number == 0
    for entry in entries(connection):
        if entry.number != number + 1:
            found.add(entry.number, f"entries {number + 1} to {entry.number - 1} are missing")
        if not _follows(previous, entry):
            found.add(entry.number, "does not follow from the entry before it: changed or moved")
        for what in _differences(entry):
            found.add(entry.number, what)
        previous, number, done = entry.hash, entry.number, done + 1
        if kept is not None and entry.number == kept.number:
            meets_kept = entry.hash == kept.hash
        if done % ROWS_AT_ONCE == 0:
            progress(done, total)
    progress(done, total)
    _compare(found, ledger, kept, meets_kept, number)
    return Verdict(done, Head(ledger, number, previous), tuple(found.listed), found.count)


def entries(connection: Connection) -> Iterator[Entry]:
    """All entries in the order of their numbers, a part at a time in memory."""
    statement = select(ENTRY).order_by(ENTRY.c.number).execution_options(yield_per=ROWS_AT_ONCE)
    for row in connection.execute(statement):
        yield Entry(**row._mapping)


class _Faults:
    def __init__(self) -> None:
        self.listed: list[Fault] = []
        self.count = 0

    def add(self, number: int, what: str) -> None:
        self.count += 1
        if len(self.listed) < FAULTS_MAX:
            self.listed.append(Fault(number, what))


def _follows(previous: bytes, entry: Entry) -> bool:
    """Whether the entry's hash is that of the chain; a value of another type never is."""
    try:
        return link(previous, entry.number, entry.recorded_ms, entry.body) == entry.hash
    except (TypeError, AttributeError, OverflowError):
        return False


def _differences(entry: Entry) -> Iterator[str]:
    try:
        record = Record.model_validate_json(entry.body)
    except ValidationError:
        yield "its body is no record"
        return
    for column in COLUMNS:
        if getattr(record, column) != getattr(entry, column):
            yield f"its column {column} differs from its record"


def _compare(found: _Faults, ledger: str, kept: Head | None, meets: bool, last: int) -> None:
    if kept is None:
        if last:
            found.add(0, "the second place of the head is gone: a cut tail could not be noticed")
    elif kept.ledger != ledger:
        found.add(0, f"the second place of the head is that of another ledger, {kept.ledger}")
    elif kept.number > last:
        found.add(0, f"entries {last + 1} to {kept.number} are missing at the end")
    elif not meets:
        found.add(kept.number, "is not the entry whose hash was kept in the second place")
