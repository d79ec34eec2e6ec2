"""An HTTP camera that shoots when it is asked, for tests."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.edge.studio.pictures import jpeg


class Stills:
    """Answers with a picture of the path, or with what `answers` says first."""

    def __init__(self, port: int = 0) -> None:
        self.answers: list[tuple[int, str, bytes]] = []
        self.asked: list[str] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.asked.append(self.path)
                usual = (200, "image/jpeg", jpeg(f"{self.path} {len(owner.asked)}"))
                status, kind, body = owner.answers.pop(0) if owner.answers else usual
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        """Answer nobody any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
