"""SIGHUP: read the site file again; a wrong one is told in the log and changes nothing."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog

from wire.site import Site, SiteError, load
from wire.site.problems import Wrong
from wire.sparkplug.births import TooLarge

log = structlog.get_logger()


def reloads(file: Path, take: Callable[[Site], Awaitable[Any]]) -> Callable[[], Awaitable[None]]:
    """What hands every new version of a site file to `take`, for ever. Listens from now on."""
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, asked.set)

    async def run() -> None:
        while True:
            await asked.wait()
            asked.clear()
            try:
                await take(await asyncio.to_thread(load, file))
            except SiteError as error:
                for one in error.problems:
                    place = f"{one.file}:{one.line}" if one.line else str(one.file)
                    log.error("the site file is wrong and not taken up", place=place, key=one.key,
                              what=one.what, hint=one.hint)  # fmt: skip
            except (LookupError, TooLarge, Wrong, OSError, sqlite3.Error) as error:
                log.error("the site file cannot be taken up", why=str(error))

    return run


async def rounds(
    file: Path,
    site: Site,
    stop: asyncio.Event,
    serve: Callable[[Site, asyncio.Event], Awaitable[None]],
    unusable: type[Exception],
) -> None:
    """Serve a site until `stop`; on SIGHUP end that round, and begin one with the file as it is.

    What cannot be served (`serve` raises `unusable`) is told, and the site before goes on.
    """
    over = asyncio.Event()
    served: Site | None = None

    async def take(new: Site) -> None:
        nonlocal site
        site = new
        over.set()

    async def ended() -> None:
        await stop.wait()
        over.set()

    others = [asyncio.create_task(one()) for one in (reloads(file, take), ended)]
    try:
        while not stop.is_set():
            over.clear()
            tried = site
            try:
                await serve(tried, over)
            except unusable as error:
                if site is not tried:
                    continue  # there is another one by now
                if served is None or served is tried:
                    raise
                log.error("the changed site cannot be served: the one before is", why=str(error))
                site = served
            else:
                served = tried
    finally:
        for task in others:
            task.cancel()
