"""Waiting for a disk that refuses: what must not be forgotten is tried until it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

log = structlog.get_logger()


class PatientDisk:
    """Does work on the disk of one station, again and again; `problem` says what it waits for."""

    def __init__(self, station: str, again_s: float) -> None:
        self._station, self._again_s = station, again_s
        self.problem = ""

    async def keep(self, work: Callable[..., None], *args: Any) -> None:
        """Do it until the disk takes it: nothing is done about what would be forgotten."""
        while True:
            try:
                await asyncio.to_thread(work, *args)
            except OSError as error:
                if not self.problem:
                    log.error("the disk refuses", station=self._station, why=str(error))
                self.problem = f"the disk refuses: {error}"
                await asyncio.sleep(self._again_s)
            else:
                self.problem = ""
                return
