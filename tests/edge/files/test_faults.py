"""Each operation of taking files in fails: they are with the station or delivered, not nowhere."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from edge.files.files import FileRefused
from tests.edge.files.yard import Yard, yard
from tests.plant.media_contract import name_of
from tests.servers.faulty_disk import FaultyDisk
from tests.simulators.helpers import eventually

pytestmark = pytest.mark.system
MOST = 60


def where(made: Yard, path: Path, content: bytes) -> set[str]:
    """Where a file is: with the station, or committed with its copy in the agent's folder."""
    places = {"station"} if path.exists() else set()
    if made.outbox.files.of(name_of(content)):
        assert made.files.folder.path(name_of(content)).read_bytes() == content
        assert made.records(), "a file is committed with its record"
        places.add("agent")
    return places


@pytest.mark.parametrize("linked", [True, False])
async def test_a_file_is_never_nowhere(
    tmp_path: Path, linked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    if not linked:
        monkeypatch.setattr(os, "link", refuse)
    for fails_at in range(1, MOST):
        folder = tmp_path / str(fails_at)
        await asyncio.to_thread(folder.mkdir)
        async with yard(folder, sending=False) as made:
            content = b"picture %d" % fails_at
            path = made.picture("a.jpg", content)
            with pytest.MonkeyPatch.context() as patch:
                disk = FaultyDisk(patch, folder, fails_at, for_good=False)
                try:
                    await made.put(path)
                except FileRefused:
                    assert where(made, path, content), "it is nowhere"
            assert where(made, path, content)
            if path.exists():
                await made.put(path)  # as the station does it that was told
        async with yard(folder) as made:
            made.serve()
            await eventually(lambda m=made: not m.fill().waiting, "it is sent")
            assert made.stored() == {name_of(content)} and len(made.records()) == 1
        if not disk.failed:
            assert fails_at > 5, "every operation had its turn"
            return
    raise AssertionError(f"taking a file in takes more than {MOST} operations")
