"""Each operation of an upload on the disk fails, once or until somebody repairs it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plant.media.directory import DirectoryMedia
from plant.media.store import MediaStoreError
from tests.plant.media_contract import Clock, name_of, whole
from tests.servers.faulty_disk import FaultyDisk

CHUNK = 400
MOST = 60  # operations of one upload are fewer


def upload(store: DirectoryMedia, content: bytes) -> None:
    """Send a file from where it stands; MediaStoreError when the disk refuses."""
    name, total = name_of(content), len(content)
    if store.claim(name) is not None:
        return
    offset = store.received(name, total)
    while offset < total:
        offset = store.append(name, total, offset, content[offset : offset + CHUNK])
    store.complete(name, total, "image/jpeg")


def is_whole_or_not_there(store: DirectoryMedia, content: bytes) -> bool:
    """Whether the file is there; AssertionError when anything else has its name."""
    if store.head(name_of(content)) is None:
        return False
    assert whole(store, name_of(content)) == content
    return True


@pytest.mark.parametrize("for_good", [False, True])
def test_an_upload_survives_each_fault_of_its_disk(tmp_path: Path, for_good: bool) -> None:
    content = os.urandom(3 * CHUNK + 7)
    for fails_at in range(1, MOST):
        store = DirectoryMedia(tmp_path / str(fails_at), Clock())
        with pytest.MonkeyPatch.context() as patch:
            disk = FaultyDisk(patch, store.folder, fails_at, for_good=for_good)
            refused = 0
            for attempt in range(4):
                try:
                    upload(store, content)
                    break
                except MediaStoreError:
                    refused += 1
                    is_whole_or_not_there(store, content)
                    if attempt == 2:
                        disk.repair()
            else:
                raise AssertionError(f"it did not recover from a fault at operation {fails_at}")
        assert is_whole_or_not_there(store, content)
        assert list(store.partials()) == []
        if not disk.failed:
            assert not refused and fails_at > 15, "every operation had its turn"
            return
    raise AssertionError(f"an upload takes more than {MOST} operations")
