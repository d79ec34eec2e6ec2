"""A camera that is asked for a still image over HTTP (as by the snapshot URI of ONVIF).

It shoots when it hears the request, so it is for a table that stands: step and shoot. What it knows
of the picture (where the number plate is, say) it may write into the head `X-Picture`, as JSON.
"""

from __future__ import annotations

import asyncio
import socket
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote, urlsplit

from edge.studio.camera import CameraError, Sink, is_whole
from edge.studio.shelf import SIDECAR
from stations.studio.jobs import Shoot
from wire.site.cameras import CameraConfig

TIMEOUT_S = 10.0
PROBE_S, LOST_PROBE_S = 10.0, 1.0
AGAIN_S = (0.5, 1.0, 2.0)
BYTES_MAX = 256 << 20
PART_BYTES = 1 << 20
SAID = "X-Picture"
SAID_MAX = 60_000
WAITING_MAX = 1000


class StillCamera:
    """Asks one address for pictures, one after the other."""

    is_asked = True

    def __init__(self, name: str, config: CameraConfig, folder: Path) -> None:
        self.name, self._config, self._folder = name, config, folder
        self._asked: asyncio.Queue[Shoot] = asyncio.Queue(WAITING_MAX)
        self._is_there: bool | None = None

    def shoot(self, asked: Shoot) -> None:
        """Ask for a picture; CameraError when too many are asked for already."""
        try:
            self._asked.put_nowait(asked)
        except asyncio.QueueFull:
            raise CameraError(f"{self.name} is asked for {WAITING_MAX} pictures already") from None

    async def run(self, sink: Sink) -> None:
        """Take the pictures that are asked for; between them see whether the camera is there."""
        self._folder.mkdir(parents=True, exist_ok=True)
        await self._told(sink, await asyncio.to_thread(self._probe))
        while True:
            try:
                async with asyncio.timeout(PROBE_S if self._is_there else LOST_PROBE_S):
                    asked = await self._asked.get()
            except TimeoutError:
                await self._told(sink, await asyncio.to_thread(self._probe))
                continue
            await self._take(sink, asked)

    async def _take(self, sink: Sink, asked: Shoot) -> None:
        """Try until the picture is there: a job that has ended meanwhile calls it a stray."""
        for wait_s in AGAIN_S:
            await sink.coming(self.name)
            file = None
            try:
                file = await asyncio.to_thread(self._fetch, asked)
                await sink.deliver(self.name, file, None, asked)
            except (CameraError, OSError) as error:
                if file is not None:
                    await asyncio.to_thread(_remove, file)
                await self._told(sink, str(error))
                await asyncio.sleep(wait_s)
            else:
                await self._told(sink, "")
                return

    async def _told(self, sink: Sink, why: str) -> None:
        is_there = not why
        if is_there != self._is_there:
            self._is_there = is_there
            await (sink.back(self.name) if is_there else sink.lost(self.name, why))

    def _fetch(self, asked: Shoot) -> Path:
        """The picture in a file of its own; CameraError."""
        url, shot = self._config.url or "", asked.shot
        for name, text in (("set", shot.set), ("index", str(shot.index)), ("visit", asked.visit)):
            url = url.replace(f"{{{name}}}", quote(text, safe=""))
        try:
            with self._opener(url).open(url, timeout=TIMEOUT_S) as answer:
                kind = answer.headers.get_content_type()
                if kind.partition("/")[0] != "image":
                    raise CameraError(f"{self.name} answers with {kind} and not with a picture")
                with tempfile.NamedTemporaryFile(
                    dir=self._folder, suffix=".jpg", delete=False
                ) as file:
                    left, said = BYTES_MAX, answer.headers.get(SAID, "")
                    while left > 0 and (part := answer.read(min(PART_BYTES, left))):
                        left -= len(part)
                        file.write(part)
        except urllib.error.HTTPError as error:
            with error:
                raise CameraError(f"{self.name} says HTTP {error.code}") from error
        except (OSError, ValueError) as error:
            raise CameraError(f"{self.name} does not answer: {error}") from error
        path = Path(file.name)
        if left <= 0 or not is_whole(path):
            path.unlink()
            raise CameraError(f"{self.name} sent a picture without an end, or one too large")
        if 0 < len(said) <= SAID_MAX:
            path.with_suffix(SIDECAR).write_text(said, encoding="utf-8")
        return path

    def _opener(self, url: str) -> urllib.request.OpenerDirector:
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if self._config.user is not None:
            accounts = urllib.request.HTTPPasswordMgrWithDefaultRealm()
            accounts.add_password(None, url, self._config.user, self._config.password() or "")
            handlers.append(urllib.request.HTTPBasicAuthHandler(accounts))
            handlers.append(urllib.request.HTTPDigestAuthHandler(accounts))
        return urllib.request.build_opener(*handlers)

    def _probe(self) -> str:
        """Why nothing listens there; empty when something does."""
        parts = urlsplit(self._config.url or "")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            with socket.create_connection((parts.hostname or "", port), timeout=TIMEOUT_S):
                return ""
        except OSError as error:
            return f"{self.name} does not answer: {error}"


def _remove(file: Path) -> None:
    for one in (file, file.with_suffix(SIDECAR)):
        one.unlink(missing_ok=True)
