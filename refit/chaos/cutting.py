"""A TCP relay that counts what passes and cuts connections at exact bytes."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterable
from types import TracebackType

PART = 65_536


class Way:
    """One direction: how many bytes have passed, and at which of them a connection ends."""

    def __init__(self, cuts: Iterable[int]) -> None:
        self.passed = 0
        self._cuts = sorted(cuts)
        self._lock = threading.Lock()

    def take(self, data: bytes) -> tuple[bytes, bool]:
        """What of this may pass, and whether the connection is cut after it."""
        with self._lock:
            left = self._cuts[0] - self.passed if self._cuts else len(data) + 1
            data = data[: max(left, 0)]
            self.passed += len(data)
            is_cut = bool(self._cuts) and self.passed >= self._cuts[0]
            if is_cut:
                self._cuts.pop(0)
            return data, is_cut


class CuttingRelay:
    """Relays to a port of the loopback; `to` counts and cuts towards it, `back` from it."""

    def __init__(self, port: int, to: Iterable[int] = (), back: Iterable[int] = ()) -> None:
        self.behind = port
        self.to, self.back = Way(to), Way(back)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        """End it and every connection."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._sockets:
            _end(one)
        for thread in self._threads:
            thread.join(10)
        for one in self._sockets:
            one.close()

    def __enter__(self) -> CuttingRelay:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.append(client)
            try:
                server = socket.create_connection(("127.0.0.1", self.behind), 5)
            except OSError:
                _end(client)
                continue
            server.settimeout(None)
            self._sockets.append(server)
            for way, source, target in (
                (self.to, client, server),
                (self.back, server, client),
            ):
                thread = threading.Thread(
                    target=self._pass, args=(way, source, target), daemon=True
                )
                self._threads.append(thread)
                thread.start()

    def _pass(self, way: Way, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(PART):
                data, is_cut = way.take(data)
                target.sendall(data)
                if is_cut:
                    break
        _end(source)
        _end(target)


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
