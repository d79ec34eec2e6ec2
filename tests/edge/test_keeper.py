"""The file of the outbox is deleted or replaced under a running agent: all of it is put back."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edge import keeper as rooms
from edge import outbox_owned as owned
from edge.keeper import Keeper
from edge.outbox import Outbox
from edge.outbox_file import OutboxError
from edge.outbox_place import NEW, PART, set_aside
from stations.declare import Type
from tests.edge.test_outbox import NOW, batch, waiting
from wire.clock import SystemClock


class Kept:
    """A keeper of an outbox that has three batches and a record."""

    def __init__(self, path: Path) -> None:
        self.outbox = Outbox(path)
        self.outbox.numbers("press-1", [("force", Type.FLOAT)])
        self.outbox.commit([batch(i, float(i)) for i in range(3)], NOW, [("r-1", b"{}")])
        self.changes = 0
        self.keeper = Keeper(self.outbox, SystemClock(), self.blocking, self.changed)

    async def blocking(self, work: Callable[..., Any], *args: Any) -> Any:
        return work(*args)

    def changed(self) -> None:
        self.changes += 1


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "var" / "pc-1.db")


def killed(kept: Kept) -> Outbox:
    """What another process finds there, as after a kill."""
    again = Outbox(kept.outbox.path)
    assert again.id == kept.outbox.id
    return again


async def test_as_long_as_nothing_happens_nothing_is_done(kept: Kept) -> None:
    await kept.keeper.look()
    kept.outbox.commit([batch(7, 7.0)], NOW)
    await kept.keeper.look()
    assert (kept.changes, kept.keeper.mends, list(kept.keeper.problems())) == (0, 0, [])


def remove(path: Path) -> None:
    path.unlink()


def remove_all(path: Path) -> None:
    for one in path.parent.glob(f"{path.name}*"):
        one.unlink()


def remove_log(path: Path) -> None:
    Path(f"{path}-wal").unlink()


def remove_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def replace_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))
    path.parent.mkdir()


def overwrite(path: Path) -> None:
    """As by somebody who copies another file over ours."""
    for ending in ("", "-wal", "-shm"):
        other = Path(f"{path}{ending}")
        other.write_bytes(bytes(other.stat().st_size))


@pytest.mark.parametrize("harm", [remove, remove_all, remove_log, remove_folder, replace_folder])
async def test_a_file_that_is_gone_is_put_back_with_all_that_was_committed(
    kept: Kept, harm: Callable[[Path], None]
) -> None:
    harm(kept.outbox.path)
    kept.outbox.commit([batch(3, 3.0)], NOW)  # into the open handle
    await kept.keeper.look()
    assert (kept.changes, kept.keeper.mends) == (1, 1)
    (said,) = (one for one in kept.keeper.problems() if "put back" in one)
    assert "was deleted" in said or "replaced" in said
    kept.outbox.commit([batch(4, 4.0)], NOW, [("r-2", b"{}")])
    again = killed(kept)
    assert waiting(again) == [1, 2, 3, 4, 5]
    assert dict(again.records(9)) == {"r-1": b"{}", "r-2": b"{}"}
    assert again.numbers("press-1", [("force", Type.FLOAT)]) == {"force": 1}
    assert kept.outbox.files.fill().waiting == 0
    await kept.keeper.look()
    assert kept.changes == 1
    again.close()


@pytest.mark.parametrize("suspect", ["", "a page makes no sense"])
async def test_a_new_file_that_cannot_be_opened_takes_nothing_until_it_can(
    kept: Kept, suspect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> sqlite3.Connection:
        raise OutboxError("no room")

    remove(kept.outbox.path)
    if suspect:
        Outbox(kept.outbox.path).close()
        kept.outbox.suspect = suspect
    with monkeypatch.context() as patch:
        patch.setattr(owned, "open_file", fail)
        await kept.keeper.look()
    assert any("no room" in one for one in kept.keeper.problems())
    with pytest.raises(sqlite3.Error):
        kept.outbox.commit([batch(3, 3.0)], NOW)
    await kept.keeper.look()
    kept.outbox.commit([batch(4, 4.0)], NOW)
    again = killed(kept)
    assert waiting(again) == ([4] if suspect else [1, 2, 3, 4])
    again.close()


async def test_an_older_copy_that_takes_its_place_is_set_aside(kept: Kept, tmp_path: Path) -> None:
    path = kept.outbox.path
    older = tmp_path / "backup.db"
    with closing(sqlite3.connect(older)) as copy, closing(sqlite3.connect(path)) as db:
        db.backup(copy)
    kept.outbox.commit([batch(3, 3.0)], NOW)
    older.replace(path)
    remove_log(path)
    await kept.keeper.look()
    again = killed(kept)
    assert waiting(again) == [1, 2, 3, 4]
    again.close()
    (aside,) = set_aside(path)
    assert any(str(aside) in one for one in kept.keeper.problems())
    with closing(Outbox(aside)) as stranger:
        assert waiting(stranger) == [1, 2, 3]
    aside.unlink()
    await kept.keeper.look()
    assert not any("aside" in one for one in kept.keeper.problems())


async def test_without_room_for_a_new_file_the_old_handle_goes_on(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    remove_all(kept.outbox.path)
    with monkeypatch.context() as patch:
        patch.setattr("edge.outbox_owned.copied", full)
        await kept.keeper.look()
        assert any("disk is full" in one for one in kept.keeper.problems())
    assert PART not in " ".join(os.listdir(kept.outbox.path.parent))
    kept.outbox.commit([batch(3, 3.0)], NOW)
    await kept.keeper.look()
    assert waiting(killed(kept)) == [1, 2, 3, 4]
    assert not any("full" in one for one in kept.keeper.problems())


async def test_a_file_overwritten_in_place_is_salvaged_and_the_loss_is_told(kept: Kept) -> None:
    path, id = kept.outbox.path, kept.outbox.id
    overwrite(path)
    with pytest.raises(sqlite3.DatabaseError) as caught:
        kept.outbox.commit([batch(3, 3.0)], NOW)
    kept.outbox.suspect = str(caught.value)
    told: list[Any] = []
    kept.outbox.tell = lambda lost: told.extend(lost) or []  # type: ignore[func-returns-value]
    await kept.keeper.look()
    assert kept.outbox.id != id and told
    placed = kept.outbox.commit([batch(4, 4.0)], NOW)
    assert waiting(kept.outbox) == [placed[0].position]
    assert placed[0].position > 3


def test_a_kill_between_the_new_file_and_its_place_is_finished_at_the_next_start(
    kept: Kept,
) -> None:
    path = kept.outbox.path
    kept.outbox.commit([batch(3, 3.0)], NOW)
    with closing(sqlite3.connect(path)) as db, closing(sqlite3.connect(f"{path}{NEW}")) as copy:
        db.backup(copy)
    again = killed(kept)  # the log of the old file lies beside the new one
    assert waiting(again) == [1, 2, 3, 4]
    assert not Path(f"{path}{NEW}").exists()
    again.close()


def test_the_file_is_looked_at_often_enough() -> None:
    assert rooms.WATCH_S <= 5.0
