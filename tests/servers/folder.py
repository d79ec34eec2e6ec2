"""A folder on a web server, as fast as the line that is asked for."""

from __future__ import annotations

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

PIECE = 16 << 10


class Line:
    """What all connections share: so many bits a second, one piece after the other.

    An answer begins `delay_s` after its request.
    """

    def __init__(self, bits_per_s: float | None, delay_s: float) -> None:
        self._delay_s = delay_s
        self._seconds_per_byte = 8 / bits_per_s if bits_per_s else 0.0
        self._lock = threading.Lock()
        self._wait = threading.Event().wait

    def send(self, source: BinaryIO, target: BinaryIO) -> None:
        """Copy all of a file."""
        if self._delay_s:
            self._wait(self._delay_s)
        while piece := source.read(PIECE):
            if self._seconds_per_byte:
                with self._lock:
                    self._wait(len(piece) * self._seconds_per_byte)
            target.write(piece)


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, line: Line, folder: str, *arguments: object) -> None:
        self._line = line
        super().__init__(*arguments, directory=folder)  # type: ignore[arg-type]

    def copyfile(self, source: BinaryIO, outputfile: BinaryIO) -> None:  # type: ignore[override]
        self._line.send(source, outputfile)

    def log_message(self, format: str, *arguments: object) -> None:
        """Silent."""


class FolderServer:
    """Serves a folder on a free port of the loopback while it is entered."""

    def __init__(self, folder: Path, bits_per_s: float | None = None, delay_s: float = 0.0) -> None:
        handler = partial(_Handler, Line(bits_per_s, delay_s), str(folder))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> FolderServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
