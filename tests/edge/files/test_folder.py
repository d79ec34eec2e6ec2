"""The folder of an agent's files: what is taken in is on disk, what a kill leaves is cleared up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.files.folder import FileFolder, FileGone
from tests.plant.media_contract import name_of


@pytest.fixture
def folder(tmp_path: Path) -> FileFolder:
    return FileFolder(tmp_path / "pc-1.files", "outbox-1")


def file(path: Path, content: bytes = b"picture") -> Path:
    path.write_bytes(content)
    return path


def there(folder: FileFolder) -> set[str]:
    found = {one.name for one in folder.folder.rglob("*") if one.is_file()}
    return found - {"outbox"}


def test_a_file_is_taken_in_under_its_hash(folder: FileFolder, tmp_path: Path) -> None:
    source = file(tmp_path / "a.jpg")
    taken = folder.take(source)
    assert (taken.sha256, taken.bytes) == (name_of(b"picture"), 7)
    assert there(folder) == {taken.sha256} and source.exists()
    assert folder.read(taken.sha256, 7, 2, 100) == b"cture"
    assert folder.held() == 7
    folder.check(taken.sha256)


def test_the_same_content_is_taken_in_once(folder: FileFolder, tmp_path: Path) -> None:
    source = file(tmp_path / "a.jpg")
    for path in (source, source, file(tmp_path / "b.jpg")):
        folder.take(path)
    assert there(folder) == {name_of(b"picture")}


def test_only_what_was_taken_in_is_removed(folder: FileFolder, tmp_path: Path) -> None:
    source = file(tmp_path / "latest.jpg", b"first")
    taken = folder.take(source)
    file(tmp_path / "next.jpg", b"later").rename(source)
    assert not folder.gone(source, taken) and source.read_bytes() == b"later"
    taken = folder.take(source)
    assert folder.gone(source, taken) and not source.exists()
    assert folder.gone(source, taken), "nothing is left to be removed"


def test_a_file_of_another_disk_is_copied(
    folder: FileFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    taken = folder.take(file(tmp_path / "a.jpg"))
    assert folder.path(taken.sha256).read_bytes() == b"picture"


@pytest.mark.parametrize("name", ["absent.jpg", "folder"])
def test_what_is_no_file_is_not_taken(folder: FileFolder, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        folder.take(tmp_path / name)
    assert there(folder) == set()


def test_a_copy_that_is_gone_or_changed_is_noticed(folder: FileFolder, tmp_path: Path) -> None:
    taken = folder.take(file(tmp_path / "a.jpg"))
    path = folder.path(taken.sha256)
    path.write_bytes(b"PICTURE")
    assert folder.read(taken.sha256, 7, 0, 7) == b"PICTURE", "only its hash can tell"
    with pytest.raises(FileGone, match="changed"):
        folder.check(taken.sha256)
    path.write_bytes(b"short")
    with pytest.raises(FileGone, match="changed"):
        folder.read(taken.sha256, 7, 0, 7)
    path.unlink()
    for ask in (lambda: folder.read(taken.sha256, 7, 0, 7), lambda: folder.check(taken.sha256)):
        with pytest.raises(FileGone, match="gone"):
            ask()


def test_what_is_being_taken_in_is_not_taken_out(folder: FileFolder, tmp_path: Path) -> None:
    taken = folder.take(file(tmp_path / "a.jpg"))
    folder.take(file(tmp_path / "b.jpg"))
    folder.settled(taken.sha256)
    assert folder.retire(taken.sha256) is None
    folder.settled(taken.sha256)
    path = folder.retire(taken.sha256)
    assert path is not None and path.read_bytes() == b"picture"
    assert folder.retire(taken.sha256) is None
    path.unlink()
    assert there(folder) == set() and folder.held() == 0


def test_what_a_kill_has_left_is_cleared_up(folder: FileFolder, tmp_path: Path) -> None:
    kept = folder.take(file(tmp_path / "a.jpg", b"1")).sha256
    folder.take(file(tmp_path / "b.jpg", b"2"))
    file(folder.folder / ".passing-x")
    file(folder.folder / "a note")
    FileFolder(folder.folder, "outbox-1").sweep({kept})
    assert there(folder) == {kept, "a note"}


def test_files_of_another_outbox_are_set_aside(folder: FileFolder, tmp_path: Path) -> None:
    known = folder.take(file(tmp_path / "a.jpg", b"1")).sha256
    other = folder.take(file(tmp_path / "b.jpg", b"2")).sha256
    for _ in range(2):
        FileFolder(folder.folder, "outbox-2").sweep({known})
    assert (folder.folder / "set-aside" / other).read_bytes() == b"2"
    assert folder.path(known).exists() and not folder.path(other).exists()


def test_a_folder_that_nobody_needed_is_not_made(folder: FileFolder) -> None:
    folder.sweep(set())
    assert not folder.folder.exists() and folder.held() == 0
