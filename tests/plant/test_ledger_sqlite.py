"""What is so of a ledger in a file only."""

from __future__ import annotations

from pathlib import Path

import pytest

from plant.ledger import Ledger, LedgerUnavailable, LedgerUnusable
from plant.ledger.engine import Database
from tests.plant.ledgers import FilePlace
from tests.plant.records import HandClock, record


def test_each_commit_is_on_disk(tmp_path: Path) -> None:
    place = FilePlace(tmp_path)
    place.open().close()
    database = Database(place.url, create=False)
    with database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    database.close()


def test_a_vin_that_was_erased_is_not_in_the_file_any_more(tmp_path: Path) -> None:
    place = FilePlace(tmp_path)
    with place.open() as ledger:
        ledger.name_vehicle("v-1", "VF1AAAAA123456789")
    assert b"VF1AAAAA123456789" in place.file.read_bytes()
    with place.open() as ledger:
        ledger.forget_vehicle("VF1AAAAA123456789")
    files = list(place.file.parent.iterdir())
    assert {file.name for file in files} == {"ledger.db", "ledger.db.head"}
    assert not any(b"VF1AAAAA" in file.read_bytes() for file in files)


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("this is no database at all, and long enough" * 20)
    with pytest.raises(LedgerUnavailable, match="not a database"):
        Ledger(f"sqlite:{tmp_path / 'text.db'}", HandClock())


def test_a_file_has_no_accounts(tmp_path: Path) -> None:
    with FilePlace(tmp_path).open() as ledger, pytest.raises(LedgerUnusable, match="no accounts"):
        ledger.grant("grafana")


def test_a_ledger_whose_head_was_never_written_gets_one_before_its_first_entry(
    tmp_path: Path,
) -> None:
    url, head = f"sqlite:{tmp_path / 'ledger.db'}", tmp_path / "ledger.db.head"
    Ledger(url, HandClock()).close()
    head.unlink()  # as after a power cut between the tables and their head
    with Ledger(url, HandClock()) as ledger:
        assert head.exists()
        ledger.append([record(1)])
