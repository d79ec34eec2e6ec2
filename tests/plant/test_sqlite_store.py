"""The embedded store: the contract, and what is special to a file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from plant.stores.check import TOO_MANY_SERIES
from plant.stores.factory import dead_letters_path, open_store
from plant.stores.sqlite import SqliteStore
from plant.stores.store import Store, StoreUnavailable, StoreUnusable
from tests.plant.points import T0, angles, points
from tests.plant.store_contract import StoreContract
from wire.site import StoreConfig


class TestSqliteStore(StoreContract):
    @pytest.fixture
    def new_store(self, tmp_path: Path) -> Iterator[Callable[[], Store]]:
        numbers, opened = count(), []

        def new() -> Store:
            store = SqliteStore(tmp_path / f"{next(numbers)}.db")
            opened.append(store)
            return store

        yield new
        for store in opened:
            store.close()

    @pytest.fixture
    def store(self, new_store: Callable[[], Store]) -> Store:
        return new_store()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "samples.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(path)) as store:
        yield store


def test_the_factory_opens_what_the_site_file_names(path: Path) -> None:
    config = StoreConfig(url=f"sqlite:{path}")
    with closing(open_store(config)) as store:
        store.write([angles([1.0])])
    assert path.exists()
    assert dead_letters_path(config) == path.with_name("samples.dead.db")


def test_every_commit_is_on_disk(store: SqliteStore) -> None:
    with store._database.reading() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_what_was_stored_is_there_after_opening_again(store: SqliteStore, path: Path) -> None:
    store.write([angles([1.0, 2.0])])
    store.close()
    with closing(SqliteStore(path)) as again:
        assert again.range("studio-1", "angle", 0, 2 * T0).floats.tolist() == [1.0, 2.0]


def test_another_process_may_read_and_write_at_the_same_time(
    store: SqliteStore, path: Path
) -> None:
    store.write([angles([1.0])])
    with closing(SqliteStore(path)) as other:
        assert other.count() == 1
        other.write([points([("state", T0, 0, 5)])])
        store.write([points([("state", T0 + 1, 0, 6)])])
        assert store.count() == other.count() == 3


def test_a_locked_file_is_a_store_that_is_gone_for_now(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write([angles([1.0])])
    with store._database.reading() as connection:
        connection.execute("PRAGMA busy_timeout=1")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            store.write([angles([2.0]), points([("visit", T0, 0, "new series")])])
    store.write([angles([3.0], T0 + 1), points([("visit", T0, 0, "new series")])])
    assert store.count() == 3


@pytest.mark.parametrize("fail_at", range(1, 12))
def test_a_write_that_fails_midway_leaves_nothing(
    store: SqliteStore, path: Path, fail_at: int
) -> None:
    """The n-th statement of the write fails; the whole write is then repeated and complete."""
    write = [angles([1.0, 2.0]), points([("visit", T0, 0, "a"), ("state", T0, 0, 4)])]
    seen = count(1)

    def deny(*_: object) -> int:
        return sqlite3.SQLITE_DENY if next(seen) >= fail_at else sqlite3.SQLITE_OK

    with store._database.reading() as connection:
        connection.set_authorizer(deny)
    with pytest.raises(StoreUnavailable):
        store.write(write)
    with closing(SqliteStore(path)) as other:
        assert other.count() == 0 and other.series() == []
    store.write(write)
    assert store.count() == 4


def test_a_file_that_was_deleted_does_not_swallow_samples(store: SqliteStore, path: Path) -> None:
    store.write([angles([1.0])])
    for name in ("", "-wal", "-shm"):
        path.with_name(path.name + name).unlink(missing_ok=True)
    store.write([angles([2.0])])
    with closing(SqliteStore(path)) as other:
        assert other.range("studio-1", "angle", 0, 2 * T0).floats.tolist() == [2.0]


def test_a_newer_version_is_refused(store: SqliteStore, path: Path) -> None:
    with store._database.writing() as connection:
        connection.execute("PRAGMA user_version=2")
    with pytest.raises(StoreUnusable, match="has version 2, this program knows 1"):
        SqliteStore(path)


def test_a_database_of_something_else_is_refused(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE theirs (x)")
    with pytest.raises(StoreUnusable, match="something else"):
        SqliteStore(path)


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database at all, but long enough for a header" * 40)
    with pytest.raises(StoreUnusable, match="not a database"):
        SqliteStore(path)


def test_a_store_that_cannot_be_opened_yet_can_later(tmp_path: Path) -> None:
    blocked = tmp_path / "var"
    blocked.write_text("a file where the folder should be")
    with closing(SqliteStore(blocked / "samples.db")) as store:
        with pytest.raises(StoreUnavailable):
            store.write([angles([1.0])])
        blocked.unlink()
        store.write([angles([1.0])])
        assert store.count() == 1


def test_series_are_bounded(path: Path) -> None:
    with closing(SqliteStore(path, series_max=1)) as store:
        refused = store.write([points([("angle", T0, 0, 1.0), ("state", T0, 0, 1)])])
        assert sorted(one.reason for one in refused[0]) == [TOO_MANY_SERIES]
        assert store.count() == 1
