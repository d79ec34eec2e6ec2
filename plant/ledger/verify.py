"""Does the ledger still say what it said? Every entry is read, from the first to the last.

Found are: a changed body or hash, a column that differs from its record, a missing, inserted or
moved entry, and (by the second place of the head) a tail that was cut off or written anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError
from sqlalchemy import Connection, Select, func, select

from plant.ledger.chain import Head, beginning, link
from plant.ledger.facts import Entry
from plant.ledger.schema import ENTRY
from stations.records import AgentInfo, Record

ROWS_AT_ONCE = 1_000
FAULTS_MAX = 1_000
ROWS_READ_AT_ONCE = 5_000
COLUMNS = ("id", "kind", "site", "line", "station", "visit", "time")
KEYS = frozenset(Record.model_fields)
AGENT_KEYS = frozenset(AgentInfo.model_fields)
PATTERNS = tuple(
    (name, re.compile(one.pattern.replace(r"\d", "[0-9]").removesuffix("$") + r"\Z").match)
    for name, field in Record.model_fields.items()
    for one in field.metadata
    if getattr(one, "pattern", None)
)


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
    if connection.dialect.name == "sqlite":  # an index that lies hides entries from a search
        for (said,) in connection.exec_driver_sql("PRAGMA integrity_check(20)"):
            if said != "ok":
                found.add(0, f"its file is damaged: {said}")
    previous, number, done = beginning(ledger), 0, 0
    meets_kept = kept is not None and kept.number == 0
    for row in connection.execute(_all(ROWS_READ_AT_ONCE)):
        at, *columns, recorded_ms, body, hashed = row
        if at != number + 1:
            found.add(at, f"entries {number + 1} to {at - 1} are missing")
        if not _follows(previous, at, recorded_ms, body, hashed):
            found.add(at, "does not follow from the entry before it: changed or moved")
        for what in _differences(columns, body):
            found.add(at, what)
        previous, number, done = hashed, at, done + 1
        if kept is not None and at == kept.number:
            meets_kept = hashed == kept.hash
        if done % ROWS_AT_ONCE == 0:
            progress(done, total)
    progress(done, total)
    _compare(found, ledger, kept, meets_kept, number)
    return Verdict(done, Head(ledger, number, previous), tuple(found.listed), found.count)


def entries(connection: Connection) -> Iterator[Entry]:
    """All entries in the order of their numbers, a part at a time in memory."""
    for row in connection.execute(_all(ROWS_AT_ONCE)):
        yield Entry(**row._mapping)


class _Faults:
    def __init__(self) -> None:
        self.listed: list[Fault] = []
        self.count = 0

    def add(self, number: int, what: str) -> None:
        self.count += 1
        if len(self.listed) < FAULTS_MAX:
            self.listed.append(Fault(number, what))


def _all(at_once: int) -> Select[Any]:
    return select(ENTRY).order_by(ENTRY.c.number).execution_options(yield_per=at_once)


def _follows(previous: bytes, number: int, recorded_ms: int, body: bytes, hashed: bytes) -> bool:
    """Whether the entry's hash is that of the chain; a value of another type never is."""
    try:
        return link(previous, number, recorded_ms, body) == hashed
    except (TypeError, AttributeError, OverflowError):
        return False


def _differences(columns: list[Any], body: bytes) -> Iterator[str]:
    said = _said(body)
    if said is None:
        yield "its body is no record"
    elif said != columns:
        for name, there, here in zip(COLUMNS, said, columns, strict=True):
            if there != here:
                yield f"its column {name} differs from its record"


def _said(body: bytes) -> list[Any] | None:
    """What the record says in the columns of its entry; None when the bytes are no record.

    The usual record is known as one without building it; of all others `Record` is the judge.
    """
    try:
        said = orjson.loads(body)
        if not is_usual(said):
            said = Record.model_validate_json(body).model_dump()
    except (orjson.JSONDecodeError, ValidationError, TypeError):
        return None
    return [said[name] for name in COLUMNS]


def is_usual(said: Any) -> bool:
    """Whether JSON is, beyond doubt, a record without files: `Record` would take it, too."""
    if type(said) is not dict or said.keys() != KEYS:
        return False
    agent, version = said["agent"], said["version"]
    return (
        all(type(said[name]) is str and match(said[name]) for name, match in PATTERNS)
        and all(type(said[name]) is str for name in ("site", "line", "station"))
        and (said["visit"] is None or type(said["visit"]) is str)
        and type(version) is int
        and version >= 1
        and type(said["data"]) is dict
        and said["files"] == []
        and type(agent) is dict
        and agent.keys() == AGENT_KEYS
        and all(type(one) is str for one in agent.values())
    )


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
