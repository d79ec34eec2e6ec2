"""A server that speaks another protocol than the one that a client means."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class _Ssh(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with suppress(ConnectionError):
            self.request.sendall(b"SSH-2.0-some\r\n")
            while self.request.recv(1000):
                pass


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads, block_on_close = True, False


@contextmanager
def garbage() -> Iterator[int]:
    """The port at which somebody greets as an SSH server does."""
    with _Server(("127.0.0.1", 0), _Ssh) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
