"""How records become entries, and how what cannot become one is kept among the refusals."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import structlog
from sqlalchemy import Connection, func, insert, select, update

from plant.ledger import projection
from plant.ledger.chain import Head, link
from plant.ledger.derive import Place
from plant.ledger.facts import Appended
from plant.ledger.schema import ENTRY, REFUSAL
from stations.records import Record

IDS_AT_ONCE = 500
BYTES_MAX = 1_000  # of a column: an index of PostgreSQL takes 2,704
COLUMNS = ("id", "kind", "site", "line", "station", "visit", "time")
REFUSALS_MAX = 10_000
REFUSED_BYTES_MAX = 64 * 1024

log = structlog.get_logger("ledger")


def append(
    connection: Connection, head: Head, records: Sequence[Record], now_ms: int
) -> tuple[Appended, Head]:
    """Add records after `head`; what became of each, and the new head."""
    known = _known(connection, [record.id for record in records])
    taken: list[str] = []
    repeated: list[str] = []
    refused: dict[str, str] = {}
    rows: list[dict[str, object]] = []
    for record in records:
        body = record.canonical()
        if record.id not in known and not (why := _unfit(record)):
            number = head.number + 1
            head = Head(head.ledger, number, link(head.hash, number, now_ms, body))
            rows.append(_row(record, body, head, now_ms))
            known[record.id] = body
            taken.append(record.id)
        elif known.get(record.id) == body:
            repeated.append(record.id)
        else:
            why = "the ledger has this id with other bytes" if record.id in known else why
            refused[record.id] = why
            refuse(connection, record.agent.name, body, why, record.id, now_ms)
    if rows:
        _derive(connection, rows)
    return Appended(tuple(taken), tuple(repeated), refused), head


def refuse(connection: Connection, agent: str, body: bytes, why: str, id: str, now_ms: int) -> None:
    """Keep bytes that are no record and why; the same bytes are kept once, and counted."""
    digest = hashlib.sha256(body).digest()
    agent, why, id = _storable(agent), _storable(why), _storable(id)
    again = (
        update(REFUSAL)
        .where(REFUSAL.c.digest == digest)
        .values(count=REFUSAL.c.count + 1, last_ms=now_ms, why=why, agent=agent)
    )
    if connection.execute(again).rowcount:
        return
    kept = connection.scalar(select(func.count()).select_from(REFUSAL)) or 0
    if kept >= REFUSALS_MAX:
        log.error("a refusal is not kept, there are too many", agent=agent, id=id, why=why)
        return
    connection.execute(
        insert(REFUSAL).values(
            digest=digest, id=id, why=why, agent=agent, first_ms=now_ms, last_ms=now_ms,
            count=1, size=len(body), body=body[:REFUSED_BYTES_MAX],
        )
    )  # fmt: skip


def _derive(connection: Connection, rows: Sequence[dict[str, object]]) -> None:
    """Insert entries, and what is derived from them and from any that were left out before."""
    projection.catch_up(connection)
    connection.execute(insert(ENTRY), rows)
    projection.add(connection, [(_place(row), row["body"]) for row in rows])


def _known(connection: Connection, ids: Sequence[str]) -> dict[str, bytes]:
    known: dict[str, bytes] = {}
    for start in range(0, len(ids), IDS_AT_ONCE):
        some = ids[start : start + IDS_AT_ONCE]
        statement = select(ENTRY.c.id, ENTRY.c.body).where(ENTRY.c.id.in_(some))
        known.update({row.id: row.body for row in connection.execute(statement)})
    return known


def _unfit(record: Record) -> str:
    """Why no database could keep this record's columns; "" when they can be kept."""
    for name in COLUMNS:
        words = getattr(record, name) or ""
        if "\0" in words or len(words.encode()) > BYTES_MAX:
            return f"{name}: longer than {BYTES_MAX} bytes, or with a NUL"
    return ""


def _storable(words: str) -> str:
    """A text that every database takes: no NUL, no half of a character."""
    return words.replace("\0", "\\0").encode(errors="backslashreplace").decode()


def _place(row: dict[str, object]) -> Place:
    return Place(**{name: row[name] for name in Place.__slots__})  # type: ignore[arg-type]


def _row(record: Record, body: bytes, head: Head, now_ms: int) -> dict[str, object]:
    return {
        **{name: getattr(record, name) for name in COLUMNS},
        "number": head.number,
        "recorded_ms": now_ms,
        "body": body,
        "hash": head.hash,
    }
