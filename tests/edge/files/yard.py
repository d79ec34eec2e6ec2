"""The files of one agent for tests: outbox, intake, sender, and a media store to be switched on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import orjson

from edge.files.files import Attachment, Files
from edge.files.table import FileFill
from edge.intake import Intake
from edge.lane import Lane
from edge.outbox import Outbox
from edge.pipeline import Pipeline
from plant.media.server import MediaServer, open_media
from stations.records import AgentInfo, Draft, Record
from tests.edge.reports import TAGS
from tests.servers import free_port
from wire.clock import SystemClock
from wire.site import MediaConfig

CHUNK = 1024


class Yard:
    """The outbox, the intake and the files of an agent, and a media store to be switched on."""

    def __init__(self, folder: Path, **keys: Any) -> None:
        self.folder, self.port = folder, free_port()
        url = f"{'https' if 'cert_file' in keys else 'http'}://127.0.0.1:{self.port}"
        values = {"url": url, "folder": folder / "media", "free_min": 1, "chunk": CHUNK} | keys
        self.config = MediaConfig.model_validate(values)
        self.outbox = Outbox(folder / "pc-1.db")
        agent = AgentInfo(name="pc-1", version="0")
        lane = Lane("site", "line-1", "press-1", agent, TAGS, {"": tuple(TAGS)})
        clock = SystemClock()
        self.intake = Intake(
            self.outbox, Pipeline(), [lane], clock, self.blocking, lambda batches, records: None
        )
        self.told = 0
        self.files = Files(
            self.config, self.outbox, self.intake, clock, Random(1), self.blocking, self.tell
        )
        self.media: MediaServer | None = None

    async def blocking(self, work: Callable[..., Any], *args: Any) -> Any:
        return work(*args)

    def tell(self) -> None:
        self.told += 1

    def serve(self) -> MediaServer:
        self.media = open_media(self.config, ["pc-1"], SystemClock())
        return self.media

    def picture(self, name: str = "a.jpg", content: bytes = b"picture") -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    def pictures(self) -> set[str]:
        """The files that the station still has."""
        return {one.name for one in self.folder.glob("*.jpg")}

    async def put(self, *files: Path | Attachment, at: int = 0, **how: Any) -> Record:
        draft = Draft(kind="press.pictures", time_ms=1_790_000_000_000 + at, data={"at": at})
        return await self.files.put_record("press-1", draft, files, **how)

    def records(self, kind: str = "press.pictures") -> list[dict[str, Any]]:
        bodies = [orjson.loads(body) for _, body in self.outbox.records(100)]
        return [body for body in bodies if body["kind"] == kind]

    def fill(self) -> FileFill:
        return self.outbox.files.fill()

    def copies(self) -> set[str]:
        """The contents that lie in the folder of files."""
        folder = self.files.folder.folder
        return (
            {one.name for one in folder.iterdir() if len(one.name) == 64}
            if folder.is_dir()
            else set()
        )

    def stored(self) -> set[str]:
        """The contents that the media store has."""
        assert self.media is not None
        return {one.sha256 for one in self.media.store.stored()}


@asynccontextmanager
async def yard(folder: Path, *, sending: bool = True, **keys: Any) -> AsyncIterator[Yard]:
    """A yard whose intake and sender run."""
    made = Yard(folder, **keys)
    tasks = [asyncio.create_task(made.intake.run())]
    if sending:
        tasks.append(asyncio.create_task(made.files.run()))
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        await made.files.stop()
        await made.intake.finish()
        made.outbox.close()
        if made.media is not None:
            made.media.close()
        assert all(one is None or isinstance(one, asyncio.CancelledError) for one in ended), ended
