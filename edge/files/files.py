"""Files of records: taken in with their record, sent to the media store, kept until both are there.

A station's own code calls `put_record(station, draft, files)`. The files are on this disk and their
record in the outbox when it returns; from then on they are sent whatever is killed. Records and
files travel side by side and neither waits for the other: a record usually is in the ledger first
and says what is still to come.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from random import Random
from typing import Any

import structlog

from edge.arrivals import Stated
from edge.files.folder import FileFolder, Taken
from edge.files.sender import FileSender
from edge.files.table import FileFill, FileRow
from edge.intake import Intake, Run
from edge.outbox import Outbox
from stations.records import Draft, File, Record
from stations.upsets import FileLost
from wire.clock import Clock
from wire.media.client import MediaClient
from wire.media.protocol import type_of
from wire.site import MediaConfig
from wire.tls import client_context

NAME_MAX = 200
MEDIA_TYPE = re.compile(r"[!-~]+/[!-~]+(; *[ -~]+)?\Z")
DRAIN_S = 0.1

log = structlog.get_logger()


class FileRefused(Exception):
    """A file is not taken; its owner still has it. The message says why and what would help."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file to be taken in: where it is, and its name and type in the record."""

    path: Path
    name: str = ""
    type: str = ""


class Files:
    """The files of one agent. Must be made on the running event loop."""

    def __init__(
        self,
        config: MediaConfig,
        outbox: Outbox,
        intake: Intake,
        clock: Clock,
        random: Random,
        run_blocking: Run,
        told: Callable[[], None],
    ) -> None:
        self.config, self.refused = config, 0
        self.folder = FileFolder(outbox.path.with_suffix(".files"), outbox.id)
        self._outbox, self._intake, self._clock = outbox, intake, clock
        self._run_blocking, self._told = run_blocking, told
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="files")
        self._taking = self._wanted = 0
        self.sender = FileSender(
            outbox.files, self.folder, self._client, clock, random,
            chunk_bytes=config.chunk_bytes, rate_bytes_max=config.rate_bytes_max,
            run_blocking=run_blocking, run_files=self._run_files, lost=self._lost,
        )  # fmt: skip
        self._unswept = self._sweep()

    async def put_record(
        self,
        station: str,
        draft: Draft,
        files: Sequence[Path | Attachment] = (),
        *,
        keep: bool = False,
    ) -> Record:
        """Commit a record and its files; both are on disk and on their way when this returns.

        The files must be finished; they are moved in unless `keep`. A name stands once in a record;
        it may have folders.
        FileRefused when they cannot be taken (no media store, too large, the bound is reached, the
        disk is full): nothing was done then, and the files are where they were. LookupError for a
        station that is not this agent's.
        """
        lane = self._intake.lanes.get(station)
        if lane is None:
            known = ", ".join(self._intake.lanes)
            raise LookupError(f"no station {station!r} at this agent; known are {known}")
        given = [one if isinstance(one, Attachment) else Attachment(one) for one in files]
        names, types = [_name(one) for one in given], [_type(one) for one in given]
        if len(set(names)) < len(names):
            raise FileRefused(f"two files of one record have the same name: {', '.join(names)}")
        size = await self._run_files(self._room, given)
        self._taking += size
        taken: list[Taken] = []
        try:
            await self._run_files(self._take, given, taken, keep)
            listed = tuple(
                File(name=name, sha256=one.sha256, bytes=one.bytes, type=type)
                for name, type, one in zip(names, types, taken, strict=True)
            )
            record = lane.record(draft, listed)
        except Exception:
            await self._let_go(taken)
            raise
        else:
            await self._commit(record, station, listed)
        finally:
            self._taking -= size
        if given:
            number = await self._run_blocking(self._outbox.files.highest)
            await self._run_files(self._unlink, () if keep else given, taken, number)
        self.sender.wake()
        return record

    async def run(self) -> None:
        """Send what waits, for ever; without a media store nothing is done."""
        if self.config.enabled:
            await self.sender.run()

    async def drain(self, until: float) -> None:
        """Go on until nothing waits, or the monotonic time `until`."""
        while self.config.enabled and self._clock.monotonic() < until:
            if not (await self._run_blocking(self._outbox.files.fill)).waiting:
                return
            await asyncio.sleep(DRAIN_S)

    async def stop(self) -> None:
        """End the threads; a request that was under way is cut off by then."""
        self._threads.submit(self.sender.close)
        await asyncio.to_thread(self._threads.shutdown)

    def problems(self, fill: FileFill) -> list[str]:
        """What is wrong now."""
        most, found = self.config.waiting_bytes_max, []
        if self._wanted and fill.bytes + self._wanted > most:
            found.append(
                f"no more files are taken: {fill.bytes} bytes wait, and waiting_max is {most}"
            )
        if self.sender.problem:
            found.append(f"files wait: {self.sender.problem}")
        elif fill.waiting and not self.config.enabled:
            found.append("files wait, and the site has no media store")
        if self._unswept:
            found.append(self._unswept)
        if self.sender.tally.lost:
            found.append(f"{self.sender.tally.lost} files were lost, see the log and the ledger")
        return found

    def _sweep(self) -> str:
        """Clear the folder of what a kill has left; why it could not be cleared: samples go on."""
        try:
            self.folder.sweep(self._outbox.files.hashes(), self._outbox.files.highest())
        except OSError as error:
            why = f"the folder of files cannot be cleared: {error}; it must belong to the agent"
            log.error(why)
            return why
        return ""

    async def _let_go(self, taken: Sequence[Taken]) -> None:
        """Give up the copies of files that no record will name; their owner has them still."""
        for one in taken:
            self.folder.settled(one.sha256)
        for one in taken:
            await self.sender.remove(one.sha256)

    async def _commit(self, record: Record, station: str, files: tuple[File, ...]) -> None:
        rows = tuple(
            FileRow(record.id, station, one.name, one.sha256, one.bytes, one.type) for one in files
        )
        committed = asyncio.get_running_loop().create_future()

        def done() -> None:
            for one in files:
                self.folder.settled(one.sha256)
            if not committed.done():
                committed.set_result(None)

        await self._intake.put(Stated(record, rows, done))
        await committed

    def _room(self, given: Sequence[Attachment]) -> int:
        """The bytes of files for which there is room; FileRefused when there is none."""
        if given and not self.config.enabled:
            raise self._refusal('the site has no media store: write [media] with url = "embedded"')
        try:
            sizes = [one.path.stat().st_size for one in given]
        except OSError as error:
            raise self._refusal(f"{error.filename} cannot be read: {error.strerror}") from error
        most, all_of_it = self.config.file_bytes_max, sum(sizes)
        for one, size in zip(given, sizes, strict=True):
            if not one.path.is_file():
                raise self._refusal(f"{one.path} is no file")
            if size > most:
                raise self._refusal(f"{one.path.name} has {size} bytes, more than file_max {most}")
        if not given:
            return 0
        held, waiting_max = self.folder.held() + self._taking, self.config.waiting_bytes_max
        if held + all_of_it > waiting_max:
            self._wanted = all_of_it
            raise self._refusal(
                f"{held} bytes wait, and waiting_max is {waiting_max}: the files stay where they"
                " are until the plant has some"
            )
        self._wanted = 0
        return all_of_it

    def _take(self, given: Sequence[Attachment], taken: list[Taken], keep: bool) -> None:
        try:
            for one in given:
                # Whoever keeps a file may write into it later.
                taken.append(self.folder.take(one.path, copy=keep))
        except OSError as error:
            raise self._refusal(f"{one.path} cannot be taken in: {error}") from error

    def _refusal(self, why: str) -> FileRefused:
        self.refused += 1
        return FileRefused(why)

    def _unlink(self, given: Sequence[Attachment], taken: Sequence[Taken], number: int) -> None:
        try:
            self.folder.mark(number)
        except OSError as error:
            log.warning("files were taken in and stay", why=str(error))
            return
        for one, copy in zip(given, taken, strict=bool(given)):
            try:
                why = "" if self.folder.gone(one.path, copy) else "it is another file by now"
            except OSError as error:
                why = str(error)
            if why:
                log.warning("a file was taken in and stays", file=str(one.path), why=why)

    def _client(self) -> MediaClient:
        config = self.config
        context = client_context(config.ca_file) if config.tls else None
        return MediaClient(config.base_url, config.token, context)

    async def _lost(self, file: FileRow, why: str) -> None:
        """A file can never be sent: that is said in a record, and the others go on."""
        await self._run_blocking(self._give_up, file.sha256, why)
        await self.sender.remove(file.sha256)
        self._told()

    def _give_up(self, sha256: str, why: str) -> None:
        records = []
        for row in self._outbox.files.of(sha256):
            lane = self._intake.lane_of(row.station)
            if lane is not None:
                lost = FileLost(
                    record=row.record, name=row.name, sha256=sha256, bytes=row.bytes, reason=why
                )
                record = lane.record(lost.draft(self._clock.now_ms()))
                records.append((record.id, record.canonical()))
        self._outbox.confirmed([], None, records, [sha256])

    async def _run_files(self, work: Callable[..., Any], *args: Any) -> Any:
        """Run a call on a thread of the files: one may talk to the plant while one takes in."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(work, *args))


def _name(attachment: Attachment) -> str:
    name = attachment.name or attachment.path.name
    parts = PurePosixPath(name).parts
    if not parts or len(name) > NAME_MAX or not name.isprintable():
        raise FileRefused(f"{name!r} is no name of a file: 1 to {NAME_MAX} characters, printable")
    if ".." in parts or parts[0] == "/":
        raise FileRefused(f"{name!r} leads out of its record: write it like spin/spin_001.jpg")
    return name


def _type(attachment: Attachment) -> str:
    type = attachment.type or type_of(attachment.name or attachment.path.name)
    if not MEDIA_TYPE.match(type):
        raise FileRefused(f"{type!r} is no media type: write it like image/jpeg")
    return type
