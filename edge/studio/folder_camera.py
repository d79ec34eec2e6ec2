"""A camera that delivers into a folder, a file for each trigger: how most real studios do it.

A file is taken when it has its end and does not grow any more. Its name has the camera's own count;
no time of a file is ever looked at.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

import structlog

from edge.studio.camera import CameraError, Sink, is_whole
from stations.studio.jobs import Shoot

LOOK_S = 0.2
ABANDONED_LOOKS = 50
"""A file without an end that has stood for so many looks is delivered as it is, to be judged."""

log = structlog.get_logger()


@dataclass(slots=True)
class _Growing:
    size: int
    looks: int = 0


class FolderCamera:
    """Watches one folder for the files of one camera."""

    is_asked = False

    def __init__(self, name: str, folder: Path, pattern: str, look_s: float = LOOK_S) -> None:
        self.name, self.folder = name, folder
        self._pattern, self._look_s = re.compile(pattern), look_s
        self._growing: dict[str, _Growing] = {}
        self._is_there: bool | None = None

    def shoot(self, asked: Shoot) -> None:
        """Not this one: it hears triggers alone."""
        raise CameraError(f"{self.name} delivers into a folder and cannot be asked")

    async def run(self, sink: Sink) -> None:
        """Look for files for ever."""
        while True:
            try:
                found = await asyncio.to_thread(self._look)
                await self._told(sink, "")
                for count, file in found:
                    await sink.deliver(self.name, file, count, None)
                    self._growing.pop(file.name, None)
                if self._growing:
                    await sink.coming(self.name)
            except OSError as error:
                await self._told(sink, str(error))
            await asyncio.sleep(self._look_s)

    async def _told(self, sink: Sink, why: str) -> None:
        is_there = not why
        if is_there == self._is_there:
            return
        self._is_there = is_there
        if is_there:
            await sink.back(self.name)
        else:
            await sink.lost(self.name, why)

    def _look(self) -> list[tuple[int, Path]]:
        """The files that are whole, by their count; the others are remembered."""
        found: list[tuple[int, Path]] = []
        names = set()
        for file in self.folder.iterdir():
            match = self._pattern.fullmatch(file.name)
            if match is None or not file.is_file():
                continue
            names.add(file.name)
            if self._is_finished(file):
                found.append((int(match["count"]), file))
        for name in set(self._growing) - names:
            del self._growing[name]
        return sorted(found)

    def _is_finished(self, file: Path) -> bool:
        try:
            size = file.stat().st_size
        except FileNotFoundError:
            return False
        known = self._growing.get(file.name)
        if known is None or known.size != size:
            self._growing[file.name] = _Growing(size)
            return False
        known.looks += 1
        if size and is_whole(file):
            return True
        if known.looks < ABANDONED_LOOKS:
            return False
        log.warning("a picture has no end and does not grow", file=str(file), bytes=size)
        return True
