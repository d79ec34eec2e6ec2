"""SIGHUP of a process that serves a whole site in rounds."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from refit.reloading import rounds
from tests.simulators.helpers import eventually
from tests.wire.test_site import small
from wire.site import Site, load


class Unusable(Exception):
    """A site that cannot be served."""


class Server:
    """Serves every site but those of some names; `served` are the names in order."""

    def __init__(self, folder: Path, *refused: str) -> None:
        self.file, self.refused = small(folder), refused
        self.first = load(self.file)
        self.tried: list[str] = []
        self.serving = asyncio.Event()
        self.stop = asyncio.Event()

    async def serve(self, site: Site, over: asyncio.Event) -> None:
        self.tried.append(site.name)
        if site.name in self.refused:
            raise Unusable(site.name)
        self.serving.set()
        await over.wait()
        self.serving.clear()

    async def change(self, name: str, tried: int) -> None:
        """Another name in the site file, SIGHUP, and so many rounds have begun by then."""
        old = load(self.file).name
        self.file.write_text(self.file.read_text().replace(f'"{old}"', f'"{name}"', 1))
        os.kill(os.getpid(), signal.SIGHUP)
        await eventually(lambda: len(self.tried) == tried, f"{tried} rounds have begun")
        await eventually(self.serving.is_set, "it serves")

    def run(self) -> asyncio.Task[None]:
        return asyncio.create_task(
            rounds(self.file, self.first, self.stop, self.serve, Unusable)
        )  # fmt: skip


async def test_a_changed_site_is_served_and_one_that_cannot_be_changes_nothing(
    tmp_path: Path,
) -> None:
    server = Server(tmp_path, "other")
    running = server.run()
    await asyncio.wait_for(server.serving.wait(), 60)
    await server.change("mill", 2)
    await server.change("other", 4)
    server.stop.set()
    await asyncio.wait_for(running, 60)
    assert server.tried == ["works", "mill", "other", "mill"]


async def test_the_first_site_that_cannot_be_served_ends_it(tmp_path: Path) -> None:
    server = Server(tmp_path, "works")
    with pytest.raises(Unusable):
        await asyncio.wait_for(server.run(), 60)
