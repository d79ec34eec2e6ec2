"""Looks after the outbox while the agent runs: is its file still ours, and is it sound?"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog

from edge.intake import Run
from edge.outbox import Outbox
from edge.outbox_file import OutboxError
from edge.outbox_owned import Mended
from edge.outbox_place import set_aside
from wire.clock import Clock

WATCH_S = 2.0
SAID_S = 3600.0  # how long health speaks of a file that was deleted and is there again

log = structlog.get_logger()


class Keeper:
    """Has the file made anew when it must be. `changed` is called then: there may be a new id.

    `mended` is what opening the outbox has already found.
    """

    def __init__(
        self,
        outbox: Outbox,
        clock: Clock,
        run_blocking: Run,
        changed: Callable[[], None],
        mended: Mended | None = None,
    ) -> None:
        self.outbox, self.clock, self.mends = outbox, clock, 0
        self._run_blocking, self._changed = run_blocking, changed
        self._aside: list[Path] = set_aside(outbox.path)
        self._trouble = self._said = ""
        self._said_until = 0.0
        if mended is not None:
            self._tell(mended)

    async def run(self) -> None:
        """Look every WATCH_S, for ever."""
        while True:
            await asyncio.sleep(WATCH_S)
            await self.look()

    async def look(self) -> None:
        """Look once."""
        try:
            mended = await self._run_blocking(self.outbox.look_after, self.clock.now_ms())
            if mended is not None:
                self._tell(mended)
                await self._run_blocking(self.outbox.say_lost)
                self._changed()
        except (OSError, sqlite3.Error, OutboxError) as error:
            if not self._trouble:
                log.error("the outbox cannot be made anew", why=str(error))
            self._trouble = f"the outbox cannot be made anew, and may be lost: {error}"
        else:
            self._trouble = ""
        self._aside = await self._run_blocking(set_aside, self.outbox.path)

    def problems(self) -> Iterator[str]:
        """What is wrong now, or was within the hour."""
        if self._trouble:
            yield self._trouble
        if self._said and self.clock.monotonic() < self._said_until:
            yield self._said
        for file in self._aside:
            yield f"{file} was set aside: look at it, then move it away"

    def _tell(self, mended: Mended) -> None:
        self.mends += 1
        self._said_until = self.clock.monotonic() + SAID_S
        aside = None if mended.aside is None else str(mended.aside)
        found = mended.salvaged
        if found is None:
            log.error("the outbox was put back: nothing is lost", why=mended.why, aside=aside)
            self._said = f"{mended.why} while in use; all of it was put back"
            return
        log.error(
            "the outbox is damaged; what can be read goes on, gap records name the rest",
            why=mended.why, aside=aside, batches=found.batches, records=found.records,
            lost=len(found.lost),
        )  # fmt: skip
        self._said = f"{mended.why}; {found.batches} batches go on, gap records name what is lost"
