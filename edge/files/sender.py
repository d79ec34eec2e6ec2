"""The way of files to the media store: one after the other, in chunks, from where each stopped.

A task on the event loop; what blocks runs on threads of its own. A file that cannot be sent is put
off, so that it holds up no other; what the plant refuses altogether is asked for again later.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import structlog

from edge.files.folder import FileFolder, FileGone
from edge.files.table import FileRow, OutboxFiles
from edge.intake import Run
from wire.backoff import BackOff
from wire.clock import Clock
from wire.media.client import MediaClient, MediaError, Progress, Refused, Unreachable, WrongHash

AT_ONCE = 32
IDLE_S = 1.0
LATER_S = 60.0
FIRST_S, MOST_S = 0.2, 30.0
STANDSTILLS_MAX = 3
# What the plant says of itself, not of one file: nothing else would fare better now.
ALL_OF_THEM = (401, 403, 404, 429, 501, 503, 507)

log = structlog.get_logger()


@dataclass(slots=True)
class Tally:
    """What has passed since the start."""

    sent: int = 0
    sent_bytes: int = 0
    lost: int = 0
    refused: int = 0


class FileSender:
    """Sends what waits in the outbox, and removes what media store and ledger have.

    `lost` gets a file whose copy is gone or changed, and why; `client` makes the connection (on the
    files' thread, since it may read certificates).
    """

    def __init__(
        self,
        files: OutboxFiles,
        folder: FileFolder,
        client: Callable[[], MediaClient],
        clock: Clock,
        random: Random,
        *,
        chunk_bytes: int,
        rate_bytes_max: int | None,
        run_blocking: Run,
        run_files: Run,
        lost: Callable[[FileRow, str], Awaitable[None]],
    ) -> None:
        self.tally = Tally()
        self.problem: str | None = None
        self._files, self._folder, self._clock = files, folder, clock
        self._chunk_bytes, self._rate = chunk_bytes, rate_bytes_max
        self._run_blocking, self._run_files, self._lost = run_blocking, run_files, lost
        self._make = client
        self._client: MediaClient | None = None
        self._backoff = BackOff(FIRST_S, MOST_S, random)
        self._later: dict[str, float] = {}
        self._turn = asyncio.Event()

    def wake(self) -> None:
        """Something has been committed that may be sent."""
        self._turn.set()

    async def run(self) -> None:
        """Send and remove for ever."""
        try:
            while True:
                if not await self._turn_once():
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(IDLE_S):
                            await self._turn.wait()
                self._turn.clear()
        finally:
            if self._client is not None:
                self._client.abort()

    async def _turn_once(self) -> bool:
        """Whether something was sent, or waits for a pause that was made."""
        try:
            await self._release()
            now = self._clock.monotonic()
            self._later = {one: end for one, end in self._later.items() if end > now}
            waiting = await self._run_blocking(self._files.waiting, AT_ONCE, set(self._later))
            for file in waiting:
                await self._one(file)
        except sqlite3.Error as error:
            await self._pause(f"the outbox cannot be used: {error}")
        except (MediaError, ValueError, OSError) as error:
            await self._pause(str(error))
        else:
            if waiting:
                return True
            if not self._later:
                self.problem = None
            return False
        return True

    async def _one(self, file: FileRow) -> None:
        """Send one file; raises what holds up all of them."""
        try:
            await self._send(file)
        except FileGone as gone:
            await self._give_up(file, str(gone))
        except WrongHash as error:
            try:
                await self._run_files(self._folder.check, file.sha256)
            except FileGone as gone:
                await self._give_up(file, str(gone))
            else:
                self._put_off(file, str(error))
        except Refused as error:
            if error.status in ALL_OF_THEM:
                raise
            self._put_off(file, str(error))
        except Unreachable:
            raise
        except OSError as error:
            self._put_off(file, f"the copy cannot be read: {error}")

    async def _send(self, file: FileRow) -> None:
        progress: Progress = await self._run_files(self._claim, file)
        standstills = 0
        while not progress.there:
            began, before = self._clock.monotonic(), progress.offset
            if before < file.bytes:
                progress = await self._run_files(self._append, file, before)
            else:  # Somebody else has sent the rest of it: whoever asks now ends the upload.
                progress = await self._run_files(self._claim, file)
            self.tally.sent_bytes += max(progress.offset - before, 0)
            standstills = 0 if progress.offset > before else standstills + 1
            if standstills == STANDSTILLS_MAX:
                raise Refused(409, f"the upload of {file.name} stands still at {before}")
            self._backoff.reset()
            if self._rate is not None and not progress.there:
                took = self._clock.monotonic() - began
                await asyncio.sleep(max((progress.offset - before) / self._rate - took, 0))
        await self._run_blocking(self._files.there, file.sha256, self._clock.now_ms())
        self.tally.sent += 1
        self._backoff.reset()
        if self.problem is not None and not self._later:
            log.warning("files are sent again")
            self.problem = None

    def _claim(self, file: FileRow) -> Progress:
        return self._connected().claim(file.sha256, file.bytes, file.type)

    def _append(self, file: FileRow, offset: int) -> Progress:
        chunk = self._folder.read(file.sha256, file.bytes, offset, self._chunk_bytes)
        return self._connected().append(file.sha256, file.bytes, offset, chunk, file.type)

    def _connected(self) -> MediaClient:
        if self._client is None:
            self._client = self._make()
        return self._client

    async def _release(self) -> None:
        for sha256 in await self._run_blocking(self._files.release, self._clock.now_ms()):
            await self.remove(sha256)

    async def remove(self, sha256: str) -> None:
        """Delete a copy that no record needs any more; on the outbox's thread no other comes."""
        path = await self._run_blocking(self._retire, sha256)
        if path is not None:
            await self._run_files(path.unlink)

    def _retire(self, sha256: str) -> Path | None:
        return None if self._files.of(sha256) else self._folder.retire(sha256)

    def close(self) -> None:
        """Let go of the connection."""
        if self._client is not None:
            self._client.close()

    async def _give_up(self, file: FileRow, why: str) -> None:
        log.error("a file is lost", name=file.name, record=file.record, sha256=file.sha256, why=why)
        self.tally.lost += 1
        await self._lost(file, why)

    def _put_off(self, file: FileRow, why: str) -> None:
        """Others first: this one is tried again after LATER_S."""
        log.warning("a file is put off", name=file.name, sha256=file.sha256, why=why)
        self.tally.refused += 1
        self.problem = f"{file.name} cannot be sent: {why}"
        self._later[file.sha256] = self._clock.monotonic() + LATER_S

    async def _pause(self, why: str) -> None:
        if self.problem is None:
            log.warning("no files can be sent", why=why)
        self.problem = why
        self._turn.clear()
        await asyncio.sleep(self._backoff.next_s())
