"""Settling: what readers see is the same before, during and after it, whatever fails midway."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from plant.stores.settle import Settling
from plant.stores.sqlite import SqliteStore
from plant.stores.store import Store
from tests.plant.points import T0, angles, points
from tests.plant.store_contract import StoreContract

EVER = (0, 1 << 52)


class TestStoreThatAlwaysSettles(StoreContract):
    """The whole contract with a step of settling after every write."""

    @pytest.fixture
    def new_store(self, tmp_path: Path) -> Iterator[Callable[[], Store]]:
        numbers, opened = count(), []

        def new() -> Store:
            opened.append(SqliteStore(tmp_path / f"{next(numbers)}.db", settling=Settling(1, 1)))
            return opened[-1]

        yield new
        for store in opened:
            store.close()

    @pytest.fixture
    def store(self, new_store: Callable[[], Store]) -> Store:
        return new_store()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "samples.db"


def rows_of(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_readers_see_every_sample_once_after_every_step(path: Path) -> None:
    """One long settling, to which nothing is added: both tables are seen to hold rows meanwhile."""
    with closing(SqliteStore(path, settling=Settling(10, 3))) as store:
        store.write([angles([float(i) for i in range(9)])])
        assert (rows_of(path, "recent"), rows_of(path, "settled")) == (9, 0)
        seen = set()
        for step in range(30):
            store.write([points([("state", T0, 0, 1)])])
            assert store.range("studio-1", "angle", *EVER).floats.tolist() == [
                *map(float, range(9))
            ]
            assert store.count() == 10, f"after step {step}"
            assert store.last("studio-1", "angle").latest.value == 8.0  # type: ignore[union-attr]
            assert store.mean("studio-1", "angle", *EVER, 1 << 52).mean.tolist() == [4.0]
            seen.add((rows_of(path, "recent"), rows_of(path, "settled")))
    assert any(recent and settled for recent, settled in seen)
    assert any(settled == 10 for _, settled in seen)


def test_a_sample_written_anew_while_it_lies_in_both_tables_keeps_its_new_value(path: Path) -> None:
    with closing(SqliteStore(path, settling=Settling(4, 2))) as store:
        for number in range(4):
            store.write([angles([number + 1.0], T0 + 100 * number)])
        assert (rows_of(path, "recent"), rows_of(path, "settled")) == (4, 4), "copied, not deleted"
        for _ in range(20):
            store.write([angles([1.0, 2.5])])
            assert store.range("studio-1", "angle", *EVER).floats.tolist() == [1.0, 2.5, 3.0, 4.0]
        assert store.count() == 4


def test_a_sample_written_anew_long_after_it_was_settled_counts_once(path: Path) -> None:
    with closing(SqliteStore(path, settling=Settling(1, 100))) as store:
        store.write([angles([1.0, 2.0])])
        while rows_of(path, "recent"):
            store.write([])
    with closing(SqliteStore(path)) as store:
        store.write([angles([1.5])])
        assert (rows_of(path, "recent"), rows_of(path, "settled")) == (1, 2)
        assert store.range("studio-1", "angle", *EVER).floats.tolist() == [1.5, 2.0]
        assert store.count() == 2


@pytest.mark.parametrize("fail_at", range(1, 16))
def test_a_step_that_fails_harms_no_sample(path: Path, fail_at: int) -> None:
    """The n-th touch of `settled` is denied, once; later steps finish the work."""
    seen = count(1)

    def deny(action: int, table: str | None, *_: object) -> int:
        is_hit = table == "settled" and action != sqlite3.SQLITE_READ and next(seen) == fail_at
        return sqlite3.SQLITE_DENY if is_hit else sqlite3.SQLITE_OK

    with closing(SqliteStore(path, settling=Settling(4, 1))) as store:
        with store._database.reading() as connection:
            connection.set_authorizer(deny)
        for number in range(40):
            store.write([angles([float(number)], T0 + number)])
            assert store.count() == number + 1
        want = [float(number) for number in range(40)]
        assert store.range("studio-1", "angle", *EVER).floats.tolist() == want
    assert rows_of(path, "settled") > 20


def test_few_samples_stay_where_they_are(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        for number in range(50):
            store.write([angles([1.0], T0 + number)])
    assert (rows_of(path, "recent"), rows_of(path, "settled")) == (50, 0)


def test_settling_keeps_up_with_writes_that_are_larger_than_its_steps(path: Path) -> None:
    with closing(SqliteStore(path, settling=Settling(100, 10))) as store:
        left = []
        for number in range(40):
            store.write([angles([1.0] * 50, T0 + 10_000 * number)])
            left.append(rows_of(path, "recent"))
        assert store.count() == 2000
    assert max(left) <= 200, left
