"""The camera as a process of its own: it hears triggers, and delivers files or still images.

POST /trigger is one pulse of the wire; POST /fault lets something go wrong with the next pictures;
GET /still/NAME answers with a picture of what stands on the table. Pictures of a pulse are written
into a folder, slowly and in place, as real cameras do: a reader sees half of them first.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
import zlib
from collections import Counter
from dataclasses import asdict, dataclass, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

from simulators.studio import views
from simulators.studio.album import Order, Shot, jpeg, panorama_size, shots
from simulators.studio.faults import CROP_M, OFFSET_DEG, CameraFault, developed
from simulators.studio.garage import Garage, Taken
from simulators.studio.panorama import cube, equirectangular
from simulators.studio.picture import View, photograph
from simulators.studio.style import Look
from simulators.studio.truth import truth_of
from simulators.studio.vehicle import vehicle
from stations.studio.manifest import PictureSet

WAITING_MAX = 2000
BODY_MAX = 10_000
PARTS = 8
EXPOSURE_S = 0.001
COUNTS = "counts"
BEGINNING = b"\xff\xd8"
STOP_S = 0.5
LOOK_S = 0.05
log = logging.getLogger("refit.simulators")


@dataclass(frozen=True)
class Pulse:
    """One trigger, and the number that the camera gave it."""

    camera: str
    vehicle: str
    angle_deg: float
    count: int
    faults: frozenset[CameraFault]


@dataclass(frozen=True)
class Setting:
    """How the cameras work: where to, which size, how long writing a file takes.

    `vehicles` are the seeds of the only ones that come; none: each name is another.
    """

    folder: Path | None
    width: int = 960
    height: int = 540
    write_s: float = 0.2
    scale: float = 0.25
    vehicles: tuple[int, ...] = ()


class Cameras:
    """All cameras of one studio. Pictures of pulses are made by one thread, in their order."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self._pulses: queue.Queue[Pulse | None] = queue.Queue(WAITING_MAX)
        self._garage = Garage(setting.vehicles)
        self._stills, self._is_asked = 0, False
        self._counts: Counter[str] = Counter()
        self._ills: dict[CameraFault, int] = {}
        self._last: dict[str, tuple[np.ndarray, dict[str, Any]]] = {}
        self._stood: dict[str, float] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="camera", daemon=True)

    def start(self) -> None:
        if self.setting.folder is not None:
            self.setting.folder.mkdir(parents=True, exist_ok=True)
            self._counts.update(_counted(self.setting.folder))
        self._thread.start()

    def stop(self) -> None:
        """Begin no other picture; one that takes longer is left as it is, as by a lost mains."""
        self._stopping.set()
        self._pulses.put(None)
        self._thread.join(STOP_S)

    def trigger(self, about: dict[str, Any]) -> int | None:
        """One pulse: its count, or None when it is lost. ValueError when it says too little."""
        camera, name, angle = about.get("camera"), about.get("vehicle"), about.get("angle_deg")
        if not isinstance(camera, str) or not camera.replace("-", "").replace("_", "").isalnum():
            raise ValueError("a trigger names its camera: letters, digits, - and _")
        if not isinstance(name, str) or not isinstance(angle, int | float):
            raise ValueError('a trigger has "camera", "vehicle" (texts) and "angle_deg" (a number)')
        with self._lock:
            self._is_asked = True
            faults = self._happening()
            if CameraFault.LOST in faults:
                return None
            self._counts[camera] += 1
            self._remember()
            pulse = Pulse(camera, name, float(angle), self._counts[camera], faults)
        self._pulses.put_nowait(pulse)
        return pulse.count

    def ill(self, about: dict[str, Any]) -> None:
        """The next pulses suffer from a fault. ValueError when there is no such."""
        name, times = about.get("name"), about.get("times", 1)
        if name not in tuple(CameraFault) or not isinstance(times, int):
            raise ValueError(f'a fault has a "name" ({", ".join(CameraFault)}) and "times"')
        with self._lock:
            self._ills[CameraFault(name)] = times

    def _happening(self) -> frozenset[CameraFault]:
        now = frozenset(self._ills)
        self._ills = {one: left - 1 for one, left in self._ills.items() if left > 1}
        return now

    def _remember(self) -> None:
        """The counts on disk: a camera's own count is never set back, whatever happens to it."""
        if self.setting.folder is not None:
            half = self.setting.folder / f"{COUNTS}.part"
            half.write_text(json.dumps(self._counts))
            half.replace(self.setting.folder / COUNTS)

    def _work(self) -> None:
        while not self._stopping.is_set() and (pulse := self._next()) is not None:
            try:
                path = self._begun(pulse)
                self._deliver(path, *self._taken(pulse))
            except OSError as error:
                log.warning("camera %s cannot deliver: %s", pulse.camera, error)

    def _begun(self, pulse: Pulse) -> Path | None:
        """The file of a picture, of which only the beginning is there while it is computed."""
        if self.setting.folder is None:
            return None
        path = self.setting.folder / f"{pulse.camera}_{pulse.count:06d}.jpg"
        path.write_bytes(BEGINNING)
        return path

    def _next(self) -> Pulse | None:
        """The next pulse; what is to come is computed while nothing else is to be done.

        Not before the first is asked for: until then a plant may just be starting.
        """
        while True:
            try:
                waits = self._stills or not self._is_asked
                return self._pulses.get(timeout=LOOK_S if waits else 0.0)
            except queue.Empty:
                if self._stills or not self._is_asked:
                    continue
                if (ahead := self._garage.ahead()) is None:
                    return self._pulses.get()
                look, what, place = ahead
                if what == PictureSet.SPIN:
                    self._of_ring(self._order(look), place)
                else:
                    self._of_set(look, what, int(place))

    def _taken(self, pulse: Pulse) -> Taken:
        """The picture of a pulse and what the camera says of it."""
        if CameraFault.REPEAT in pulse.faults and pulse.camera in self._last:
            return self._last[pulse.camera]
        order = self._order(self._garage.look(pulse.vehicle))
        angle = pulse.angle_deg + (OFFSET_DEG if CameraFault.OFFSET in pulse.faults else 0.0)
        if CameraFault.STILL in pulse.faults:
            angle = self._stood.setdefault(pulse.camera, angle)
        else:
            self._stood[pulse.camera] = angle
        if CameraFault.CROPPED in pulse.faults:
            view = views.ring(order.look, angle, order.width, order.height, CROP_M)
            picture, said = _shown(order, view)
        else:
            picture, said = self._of_ring(order, angle)
        taken = developed(picture, pulse.faults, pulse.count), said
        self._last[pulse.camera] = taken
        return taken

    def _of_ring(self, order: Order, angle: float) -> Taken:
        """A picture of the turn; of a vehicle that comes again it is that of the whole degree."""
        angle = round(angle) % 360 if self.setting.vehicles else angle
        view = views.ring(order.look, angle, order.width, order.height)
        return self._garage.taken(order.look, "spin", angle, lambda: _shown(order, view))

    def _order(self, look: Look) -> Order:
        return Order(
            look,
            width=self.setting.width,
            height=self.setting.height,
            everything=True,
            scale=self.setting.scale,
        )

    def _deliver(self, path: Path | None, picture: np.ndarray, said: dict[str, Any]) -> None:
        """First what is known of it, then the picture, in parts."""
        if path is None:
            return
        path.with_suffix(".json").write_text(json.dumps(said))
        data = jpeg(picture)
        step = -(-len(data) // PARTS)
        with path.open("wb", buffering=0) as file:
            for start in range(0, len(data), step):
                file.write(data[start : start + step])
                self._stopping.wait(self.setting.write_s / PARTS)

    def still(self, name: str, kind: str, index: int) -> tuple[bytes, dict[str, Any]]:
        """A picture of a set that does not turn. LookupError when the plan has no such shot."""
        with self._lock:
            self._stills += 1
            self._is_asked = True
        try:
            picture, said = self._of_set(self._garage.look(name), kind, index)
        finally:
            with self._lock:
                self._stills -= 1
        noise = zlib.crc32(f"{name} {kind} {index}".encode())
        return jpeg(developed(picture, (), noise)), said

    def _of_set(self, look: Look, kind: str, index: int) -> Taken:
        order = self._order(look)
        for shot in shots(order):
            if shot.set == kind and shot.index == index:
                take = partial(_of_shot, order, shot)
                return self._garage.taken(look, kind, index, take)
        raise LookupError(f"there is no picture {index} of {kind!r}")


def _counted(folder: Path) -> dict[str, int]:
    """What the cameras of this folder have counted before."""
    try:
        return dict(json.loads((folder / COUNTS).read_text()))
    except (OSError, ValueError):
        return {}


def _of_shot(order: Order, shot: Shot) -> Taken:
    if shot.view is None:
        size = panorama_size(order)
        return equirectangular(cube(vehicle(order.look), size // 4), size), _said(None, None)
    opened = replace(order, look=replace(order.look, opened=shot.opened))
    return _shown(opened, shot.view)


def _shown(order: Order, view: View) -> Taken:
    car = vehicle(order.look, order.injuries)
    picture = photograph(car, view, order.samples)
    if view.lens.flat:
        return picture, _said(None, None)
    truth = asdict(truth_of(car, view))
    return picture, _said(truth["plates"], truth["box"])


def _said(plates: Any, box: Any) -> dict[str, Any]:
    """`plate` is the one that is seen, or null; `plates` are all."""
    return {
        "plate": plates[0] if plates else None, "plates": plates or [], "box": box,
        "exposure_s": EXPOSURE_S, "simulated": True,
    }  # fmt: skip


class _Handler(BaseHTTPRequestHandler):
    server: CameraServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        try:
            size = int(self.headers.get("Content-Length", "0"))
            if not 0 < size <= BODY_MAX:
                raise ValueError(f"a body has 1 to {BODY_MAX} bytes")
            about = json.loads(self.rfile.read(size))
            if not isinstance(about, dict):
                raise ValueError("a body is one JSON object")
            if self.path == "/trigger":
                self._answer(202, {"count": self.server.cameras.trigger(about)})
            elif self.path == "/fault":
                self.server.cameras.ill(about)
                self._answer(200, {"ok": True})
            else:
                self._answer(404, {"error": "write to /trigger or /fault"})
        except ValueError as error:
            self._answer(400, {"error": str(error)})
        except queue.Full:
            self._answer(503, {"error": f"{WAITING_MAX} pictures wait already"})

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        said = {name: values[0] for name, values in parse_qs(asked.query).items()}
        if not asked.path.startswith("/still/"):
            self._answer(404, {"error": "a picture is at /still/CAMERA?set=detail&index=0"})
            return
        name = said.get("vehicle") or said.get("visit") or "nobody"
        index = said.get("index", "0")
        try:
            data, about = self.server.cameras.still(name, said.get("set", "detail"), int(index))
        except (LookupError, ValueError) as error:
            self._answer(404, {"error": str(error)})
            return
        self._send(200, "image/jpeg", data, {"X-Picture": json.dumps(about)})

    def _answer(self, code: int, what: dict[str, Any]) -> None:
        head = {"Connection": "close"} if code >= 400 else {}
        self._send(code, "application/json", json.dumps(what).encode(), head)

    def _send(self, code: int, kind: str, data: bytes, head: dict[str, str]) -> None:
        about = {"Content-Type": kind, "Content-Length": str(len(data)), **head}
        try:
            self.send_response(code)
            for name, text in about.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(data)
        except ConnectionError:  # who asked did not wait
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Normal work makes no noise."""


class CameraServer(ThreadingHTTPServer):
    """Serves the cameras on this machine alone."""

    daemon_threads = True

    def __init__(self, cameras: Cameras, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.cameras = cameras

    @property
    def port(self) -> int:
        return int(self.server_address[1])
