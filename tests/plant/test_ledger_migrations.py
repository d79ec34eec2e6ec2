"""A ledger of an older version becomes one of the present, wholly or not at all."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import inspect, text

from plant.ledger import Ledger, LedgerUnusable, chain, migrations
from plant.ledger.schema import VERSION
from tests.plant.ledgers import FilePlace, Place
from tests.plant.records import START_MS, HandClock, cycle, record

IDENTITY = "5f0c3c0a-0000-4000-8000-000000000001"
VIN = "VF1AAAAA123456789"
ENTRIES = 1_200
CHILD_S = 50.0
# As version 1 made them.
VERSION_1 = """
CREATE TABLE about ( "key" TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY ("key") );
CREATE TABLE entry ( number BIGINT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL,
  site TEXT NOT NULL, line TEXT NOT NULL, station TEXT NOT NULL, visit TEXT, time TEXT NOT NULL,
  recorded_ms BIGINT NOT NULL, body BLOB NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (number),
  UNIQUE (id) );
CREATE INDEX entry_kind ON entry (kind, number);
CREATE INDEX entry_station ON entry (station, number);
CREATE INDEX entry_visit ON entry (visit, number);
CREATE TABLE refusal ( digest BLOB NOT NULL, id TEXT NOT NULL, why TEXT NOT NULL,
  agent TEXT NOT NULL, first_ms BIGINT NOT NULL, last_ms BIGINT NOT NULL, count BIGINT NOT NULL,
  size BIGINT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (digest) );
CREATE TABLE vehicle ( visit TEXT NOT NULL, vin TEXT NOT NULL, PRIMARY KEY (visit) );
CREATE INDEX vehicle_vin ON vehicle (vin);
"""


def old(place: Place, entries: int = 3) -> None:
    """A ledger as version 1 left it: entries, a refusal, two visits of one vehicle."""
    blob = "BLOB" if isinstance(place, FilePlace) else "BYTEA"
    statements = [VERSION_1.replace("BLOB", blob)]

    def insert(table: str, *values: Any) -> None:
        statements.append(f"INSERT INTO {table} VALUES ({', '.join(map(literal, values))});")

    def literal(value: Any) -> str:
        if isinstance(value, bytes):
            return f"x'{value.hex()}'" if blob == "BLOB" else f"decode('{value.hex()}', 'hex')"
        return f"'{value}'" if isinstance(value, str) else str(value)

    insert("about", "version", "1")
    insert("about", "ledger", IDENTITY)
    hashed = chain.beginning(IDENTITY)
    for number in range(1, entries + 1):
        one = cycle(number, f"v-{number}", "studio-1", "08:00:00", "08:01:00")
        body, at = one.canonical(), START_MS + number
        hashed = chain.link(hashed, number, at, body)
        insert(
            "entry", number, one.id, one.kind, one.site, one.line, one.station, one.visit, one.time,
            at, body, hashed,
        )  # fmt: skip
    insert("refusal", b"digest", "", "why", "pc-1", 1, 2, 3, 4, b"body")
    insert("vehicle", "v-1", VIN)
    insert("vehicle", "v-3", VIN)
    place.script("BEGIN;" + "".join(statements) + "COMMIT;")
    chain.HeadFile(place.head).write(chain.Head(IDENTITY, entries, hashed))


def version(place: Place) -> str:
    with place.open(create=False) as ledger, ledger.reading() as connection:
        found = connection.execute(text("SELECT value FROM about WHERE key = 'version'"))
        return str(found.scalar_one())


def tables(ledger: Ledger) -> dict[str, Any]:
    """Every table with its columns and indexes, for comparison."""
    with ledger.reading() as connection:
        looked = inspect(connection)
        return {
            name: (
                [
                    (one["name"], str(one["type"]), one["nullable"])
                    for one in looked.get_columns(name)
                ],
                looked.get_pk_constraint(name)["constrained_columns"],
                sorted((one["name"], *one["column_names"]) for one in looked.get_indexes(name)),
            )
            for name in (*looked.get_table_names(), *looked.get_view_names())
        }


def test_everything_is_there_afterwards_and_the_chain_is_whole(place: Place) -> None:
    old(place)
    with place.open() as ledger:
        assert ledger.identity == IDENTITY
        assert ledger.verify().sound
        assert len(ledger) == 3
        assert ledger.refusals()[0].body == b"body"
        assert ledger.vin("v-1") == VIN
        assert ledger.visits(VIN) == ["v-1", "v-3"]
        assert ledger.pseudonym("v-1") == ledger.pseudonym("v-3") != ledger.pseudonym("v-2")
        with ledger.reading() as connection:
            for view, count in (("record", 3), ("station_visit", 3), ("visit", 3), ("vehicle", 1)):
                assert connection.scalar(text(f"SELECT count(*) FROM {view}")) == count
        assert ledger.append([record(4)]).taken
        assert ledger.verify().sound
    assert version(place) == str(VERSION)


def test_the_tables_are_then_those_of_a_new_ledger(place: Place, tmp_path: Path) -> None:
    with place.open() as fresh:
        wanted = tables(fresh)
        with fresh.reading() as connection:
            about = connection.execute(text("SELECT count(*) FROM about")).scalar_one()
    place.script(
        "".join(f"DROP VIEW {name};" for name in ("vehicle", "visit", "station_visit", "record"))
        + "".join(f"DROP TABLE {name};" for name in wanted if name in BASE)
    )
    place.head.unlink(missing_ok=True)
    old(place)
    with place.open() as ledger:
        assert tables(ledger) == wanted
        with ledger.reading() as connection:
            assert connection.execute(text("SELECT count(*) FROM about")).scalar_one() == about


BASE = ("about", "entry", "refusal", "identity", "fact", "cycle", "tour")


def test_an_old_ledger_can_be_read_as_it_is(place: Place) -> None:
    old(place)
    with place.open(create=False) as ledger:
        assert ledger.verify().sound
        assert [entry.number for entry in ledger.find()] == [3, 2, 1]
        assert len(list(ledger.export())) == 4
        assert orjson.loads(next(iter(ledger.export()))) == {"ledger": IDENTITY, "version": 1}
        with pytest.raises(LedgerUnusable, match=r"has version 1.*refit ledger migrate"):
            ledger.append([record(4)])
    assert version(place) == "1"


def test_a_step_that_fails_leaves_the_old_version(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    old(place)

    def broken(*_: object) -> None:
        raise RuntimeError("no more")

    monkeypatch.setattr(migrations.views, "create_views", broken)
    with pytest.raises(RuntimeError, match="no more"):
        place.open()
    monkeypatch.undo()
    assert version(place) == "1"
    with place.open() as ledger:
        assert ledger.vin("v-1") == VIN


def migrate_until_told(url: str, head: Path, password: str, told: Connection) -> None:
    """The body of a process: migrate, and stop in the middle for ever."""

    def stay(done: int, of: int) -> None:
        told.send((done, of))
        told.recv()

    Ledger(url, HandClock(), head=head, password=lambda: password, progress=stay)


def test_a_kill_in_the_middle_leaves_the_old_version(place: Place) -> None:
    old(place, ENTRIES)
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    password = "" if isinstance(place, FilePlace) else place.server.password
    child = spawn.Process(target=migrate_until_told, args=(place.url, place.head, password, there))
    child.start()
    try:
        assert here.poll(CHILD_S)
        assert here.recv() == (1_000, ENTRIES)
    finally:
        child.kill()
        child.join()
    assert version(place) == "1"
    told: list[tuple[int, int]] = []
    progress: Callable[[int, int], None] = lambda done, of: told.append((done, of))  # noqa: E731
    with place.open(create=False, migrate=True, progress=progress) as ledger:
        assert told == [(1_000, ENTRIES), (ENTRIES, ENTRIES)]
        assert ledger.verify().sound
        assert len(ledger) == ENTRIES
    assert version(place) == str(VERSION)
