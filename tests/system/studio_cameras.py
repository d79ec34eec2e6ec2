"""The simulated cameras' way of delivering, without their pictures: small files, at once."""

from __future__ import annotations

import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson

from tests.edge.studio.pictures import deliver, jpeg


class Cameras:
    """POST /trigger delivers a file into the folder, GET /still/NAME answers with a picture."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.counts = folder, Counter[str]()
        self.vehicles: list[str] = []
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
                body = jpeg(self.path)
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
        content = f"{pulse['vehicle']} {pulse['angle_deg']}"
        deliver(self.folder, camera, self.counts[camera], content)

    def close(self) -> None:
        """Deliver nothing any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
