"""The media store as a process of its own, for a site whose store is not the historian's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import ExitStack

from plant.media.server import MediaServer, MediaUnusable, open_media
from wire.clock import Clock
from wire.listening import Door
from wire.metrics import Metrics, StatusServer
from wire.site import Site


class Unusable(Exception):
    """The media store cannot begin as it is configured; the message says why.

    `may_pass`: the operating system refuses a port or a disk, which it may not always do.
    """

    def __init__(self, why: str, *, may_pass: bool = False) -> None:
        self.may_pass = may_pass
        super().__init__(why)


async def run(
    site: Site,
    clock: Clock,
    stop: asyncio.Event,
    started: Callable[[MediaServer], None] = lambda media: None,
) -> None:
    """Serve the files of a site until `stop`; Unusable when it cannot be."""
    with ExitStack() as stack:
        media = stack.enter_context(opened(site, clock))
        metrics = Metrics()
        media.describe(metrics)

        def health() -> Mapping[str, object]:
            problems = media.problems()
            return {"ok": not problems, "problems": problems} | counts(media)

        try:
            door = Door.of(site.http)
            stack.enter_context(StatusServer(metrics, health, port=site.media.http, door=door))
        except ValueError as error:
            raise Unusable(f"[http]: {error}") from error
        except OSError as error:
            told = f"port {site.media.http} for /metrics: {error}"
            raise Unusable(told, may_pass=True) from error
        started(media)
        await stop.wait()


def opened(site: Site, clock: Clock) -> MediaServer:
    """The media store of a site, serving; Unusable says why it cannot."""
    if not site.media.enabled:
        raise Unusable('the site has no media store: write [media] with url = "embedded"')
    try:
        return open_media(site.media, [agent.name for agent in site.agents], clock)
    except (MediaUnusable, OSError, ValueError) as error:
        raise Unusable(
            f"the media store at port {site.media.port}, folder {site.media.folder}: {error}",
            may_pass=isinstance(error, OSError),
        ) from error


def counts(media: MediaServer) -> dict[str, object]:
    """What is there, for /healthz."""
    return {"files": media.files, "bytes": media.bytes}
