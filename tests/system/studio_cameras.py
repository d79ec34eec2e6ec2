"""The simulated cameras' way of delivering, without their pictures: small files, at once."""

from __future__ import annotations

import io
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from PIL import Image

BITS, SIDE = 16, 16


def telling(vehicle: str, angle_deg: float) -> bytes:
    """A picture in whose black and white squares vehicle and angle can be read."""
    rows = (int(vehicle.rpartition("-")[2]), round(angle_deg * 100))
    squares = [[row >> bit & 1 for bit in range(BITS)] for row in rows]
    pixels = np.kron(np.array(squares, np.uint8) * 200 + 20, np.ones((SIDE, SIDE), np.uint8))
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


def told(file: Path) -> tuple[int, float]:
    """The number of the vehicle and the angle that a picture shows."""
    with Image.open(file) as picture:
        pixels = np.asarray(picture.convert("L"))[SIDE // 2 :: SIDE, SIDE // 2 :: SIDE] > 128
    vehicle, angle = (sum(int(bit) << at for at, bit in enumerate(row)) for row in pixels)
    return vehicle, angle / 100


class Cameras:
    """POST /trigger delivers a file into the folder, GET /still/NAME answers with a picture."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.counts = folder, Counter[str]()
        self.vehicles: list[str] = []
        self.stills = 0
        folder.mkdir()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                owner.trigger(orjson.loads(self.rfile.read(length)))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                owner.stills += 1
                body = telling(f"still-{owner.stills}", 0.0)
                self.send_response(200)
                self.send_header("Content-Type", "image/jpeg")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def trigger(self, pulse: dict[str, Any]) -> None:
        """One pulse: a frame that says of which vehicle and angle it is."""
        camera = pulse["camera"]
        self.counts[camera] += 1
        if not self.vehicles or self.vehicles[-1] != pulse["vehicle"]:
            self.vehicles.append(pulse["vehicle"])
        path = self.folder / f"{camera}_{self.counts[camera]:06d}.jpg"
        path.with_suffix(".json").write_text('{"plate": null, "simulated": true}')
        path.write_bytes(telling(pulse["vehicle"], pulse["angle_deg"]))

    def close(self) -> None:
        """Deliver nothing any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
