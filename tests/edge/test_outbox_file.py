"""The file of the outbox: a commit is on disk when it returns."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from edge.outbox_file import open_file

FULL = 2


def test_every_commit_is_on_disk(tmp_path: Path) -> None:
    for _ in range(2):  # made, and opened again
        with closing(open_file(tmp_path / "outbox.db")) as db:
            assert db.execute("PRAGMA synchronous").fetchone() == (FULL,)
            assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
