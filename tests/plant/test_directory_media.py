"""The media store of a folder: the contract, and what a disk does to it."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from plant.media.directory import DirectoryMedia
from plant.media.store import StoreFull, StoreUnusable
from tests.plant.media_contract import Clock, MediaContract, name_of, put, whole


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> DirectoryMedia:
    return DirectoryMedia(tmp_path / "media", clock)


class TestDirectoryMedia(MediaContract):
    """The contract over a folder."""


def test_a_file_lies_where_a_person_finds_it(store: DirectoryMedia) -> None:
    name = put(store, b"picture")
    path = store.folder / name[:2] / name[2:4] / f"{name}.jpg"
    assert path.read_bytes() == b"picture"
    assert list((store.folder / "incoming").iterdir()) == []


def test_an_upload_goes_on_after_a_restart(store: DirectoryMedia, clock: Clock) -> None:
    name = name_of(b"picture")
    store.append(name, 7, 0, b"pict")
    again = DirectoryMedia(store.folder, clock)
    assert again.received(name, 7) == 4
    again.append(name, 7, 4, b"ure")
    assert again.complete(name, 7, "image/jpeg").bytes == 7


def test_what_does_not_belong_there_is_let_alone(store: DirectoryMedia) -> None:
    name = put(store, b"picture")
    (store.folder / "index.html").write_text("a person's")
    (store.folder / "incoming" / "notes").write_text("a person's")
    (store.folder / name[:2] / name[2:4] / "thumbnail.jpg").write_text("a person's")
    assert [one.sha256 for one in store.stored()] == [name]
    assert list(store.partials()) == []


def test_room_is_kept_free(tmp_path: Path, clock: Clock) -> None:
    store = DirectoryMedia(tmp_path, clock, free_min=1 << 60)
    assert store.free_bytes() == 0
    with pytest.raises(StoreFull):
        store.append(name_of(b"x"), 1, 0, b"x")
    assert store.received(name_of(b"x"), 1) == 0


def test_a_chunk_that_does_not_fit_leaves_what_was_there(store: DirectoryMedia) -> None:
    """The kernel itself says no, in the middle of a chunk: a limit on the size of files."""
    content = bytes(100_000)
    name = name_of(content)
    store.append(name, len(content), 0, content[:1000])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(StoreFull):
            store.append(name, len(content), 1000, content[1000:])
        assert store.received(name, len(content)) == 1000
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert store.append(name, len(content), 1000, content[1000:]) == len(content)
    assert store.complete(name, len(content), "image/png").bytes == len(content)


def test_a_disk_that_is_full_says_so_and_goes_on_when_it_is_not(
    tmp_path: Path, clock: Clock
) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small disk; the limit on file size is tested above")
    try:
        store = DirectoryMedia(folder, clock)
        content = os.urandom(200_000)
        first = put(store, content)
        other = os.urandom(200_000)
        with pytest.raises(StoreFull):
            store.append(name_of(other), len(other), 0, other)
        assert whole(store, first) == content
        assert store.delete(first, 1 << 60)
        assert whole(store, put(store, other)) == other
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        with pytest.raises(StoreUnusable):
            store.append(name_of(b"x"), 1, 0, b"x")
        assert whole(store, name_of(other)) == other, "what is there can be read"
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OSError):
        DirectoryMedia(tmp_path / "file" / "media", clock)


KILLED = """
import os, sys
from pathlib import Path
from plant.media.directory import DirectoryMedia
from wire.clock import SystemClock
store, name = DirectoryMedia(Path(sys.argv[1]), SystemClock()), sys.argv[2]
print(store.append(name, 7, 0, b"pict"), flush=True)
Path.rename = lambda *paths: os.kill(os.getpid(), 9)
store.append(name, 7, 4, b"ure")
store.complete(name, 7, "image/jpeg")
"""


@pytest.mark.system
def test_a_kill_before_the_rename_leaves_an_upload_that_can_be_completed(
    store: DirectoryMedia,
) -> None:
    name = name_of(b"picture")
    ran = subprocess.run(
        [sys.executable, "-c", KILLED, str(store.folder), name], capture_output=True, text=True
    )
    assert (ran.returncode, ran.stdout) == (-9, "4\n"), ran.stderr
    assert store.head(name) is None and store.received(name, 7) == 7
    assert store.complete(name, 7, "image/jpeg").bytes == 7
