"""Triggers on their way from a simulated machine to its simulated cameras, over HTTP.

In a real studio this is a wire: the controller compares counts and pulses camera and strobe.
"""

from __future__ import annotations

import asyncio
import logging
import urllib.request
from collections.abc import Iterable

import orjson

from stations.model import Pulse
from wire.site import StationConfig

TIMEOUT_S = 10.0
WAITING_MAX = 1000

log = logging.getLogger("refit.simulators")


class Triggers:
    """Tells each simulated camera of each trigger, in their order. Made on the event loop."""

    def __init__(self, stations: Iterable[StationConfig]) -> None:
        self._cameras = {
            (station.name, name): camera.simulator
            for station in stations
            for name, camera in station.cameras.items()
            if camera.folder is not None and camera.simulator is not None
        }
        self._queues: dict[tuple[str, str], asyncio.Queue[Pulse]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def give(self, station: str, pulse: Pulse) -> None:
        """One pulse for every camera of a station that hears triggers; one too many is lost."""
        for key, url in self._cameras.items():
            if key[0] != station:
                continue
            if key not in self._queues:
                self._queues[key] = asyncio.Queue(WAITING_MAX)
                self._tasks.append(asyncio.create_task(self._tell(key[1], url, self._queues[key])))
            try:
                self._queues[key].put_nowait(pulse)
            except asyncio.QueueFull:
                log.warning("%s: a trigger is lost: too many wait for camera %s", *key)

    async def stop(self) -> None:
        """Tell nobody any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _tell(self, camera: str, url: str, pulses: asyncio.Queue[Pulse]) -> None:
        while True:
            pulse = await pulses.get()
            about = {
                "camera": camera,
                "vehicle": pulse.vehicle,
                "set": "spin",
                "angle_deg": pulse.angle_deg,
            }
            try:
                await asyncio.to_thread(_post, url, orjson.dumps(about))
            except OSError as error:
                log.warning("camera %s has not heard a trigger: %s", camera, error)


def _post(url: str, body: bytes) -> None:
    head = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url.rstrip('/')}/trigger", body, head)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=TIMEOUT_S):
        pass
