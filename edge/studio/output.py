"""From a capture that is over to its record and its files, whatever has to be waited for."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from edge.files.files import Attachment, FileRefused
from edge.studio.processing import FILM, MANIFEST, Film, Prepare, Result, files_of, process
from edge.studio.shelf import Shelf
from stations.cycle import utc_text
from stations.records import Draft
from stations.studio.jobs import Acquired, Job
from stations.studio.manifest import Manifest, Verdict
from stations.studio.records import Capture
from wire.media.protocol import RESTRICTED

AGAIN_S = 5.0
PutRecord = Callable[[str, Draft, Sequence[Attachment]], Awaitable[Any]]

log = structlog.get_logger()


class Output:
    """Processes captures of one station, and hands them to the agent's files."""

    def __init__(
        self,
        station: str,
        software: str,
        put_record: PutRecord,
        originals_ms: int | None = None,
        prepare: Prepare | None = None,
        again_s: float = AGAIN_S,
        film: Film | None = None,
    ) -> None:
        self._station, self._software, self._put_record = station, software, put_record
        self._prepare, self._film, self._again_s = prepare, film, again_s
        self.originals_s = None if originals_ms is None else originals_ms / 1000
        self.problem = ""

    @property
    def keeps_originals(self) -> bool:
        """Whether the frames as delivered outlive the result."""
        return self.originals_s is not None

    async def put(
        self, shelf: Shelf, job: Job, acquired: Acquired, threads: ThreadPoolExecutor
    ) -> None:
        """Process and record one capture; returns when the record is safe on this disk.

        The same again makes the same record. What cannot be done now is tried until it can.
        """
        while True:
            try:
                loop = asyncio.get_running_loop()
                work = partial(self._process, shelf, job, acquired)
                result = await loop.run_in_executor(threads, work)
                files = attachments(result)
                await self._put_record(self._station, draft(acquired, result.manifest), files)
            except (FileRefused, LookupError, OSError) as error:
                if not self.problem:
                    log.error("a capture waits", capture=acquired.capture, why=str(error))
                self.problem = f"capture {acquired.capture} waits: {error}"
                await asyncio.sleep(self._again_s)
            else:
                self.problem = ""
                return

    def _process(self, shelf: Shelf, job: Job, acquired: Acquired) -> Result:
        """The result, or the one that is there already: a signed picture is not signed twice."""
        folder = shelf.captures / acquired.capture
        try:
            manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
            return Result(folder, manifest, files_of(manifest))
        except FileNotFoundError:
            pass
        except ValueError as error:
            log.error(
                "a manifest is damaged and made anew", capture=acquired.capture, why=str(error)
            )
        about = (self._station, self._software)
        return process(shelf.frames, folder, job, acquired, *about, self._prepare, self._film)


def attachments(result: Result) -> list[Attachment]:
    """The files of a record, by their names in the capture; restricted ones are marked."""
    types = {
        one.file: RESTRICTED if one.restricted else one.type for one in result.manifest.pictures
    } | {FILM: "video/webm"}
    return [
        Attachment(Path(result.folder / file), name=file, type=types.get(file, "application/json"))
        for file in result.files
    ]


def draft(acquired: Acquired, manifest: Manifest) -> Draft:
    """The record of a capture, in words and numbers."""
    pictures = manifest.pictures
    data = Capture(
        capture=manifest.capture,
        visit=acquired.visit,
        job=acquired.job,
        recipe=acquired.recipe,
        simulated=manifest.simulated,
        started=utc_text(acquired.started_ms),
        ended=utc_text(acquired.ended_ms),
        complete=manifest.complete,
        reasons=manifest.reasons,
        missing=manifest.missing,
        turns=acquired.turns,
        stops=acquired.stops,
        pictures=dict(sorted(Counter(str(one.set) for one in pictures).items())),
        bad=sum(one.verdict is not Verdict.GOOD for one in pictures),
        restricted=sum(one.restricted for one in pictures),
        bytes=sum(one.bytes for one in pictures),
    )
    return Draft(
        kind="studio.capture",
        time_ms=acquired.ended_ms,
        visit=acquired.visit or None,
        data=data.model_dump(mode="json"),
    )
