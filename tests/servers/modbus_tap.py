"""A relay before a Modbus device that counts the function codes of all requests."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections import Counter

HEAD = struct.Struct(">HHHBB")  # transaction, protocol, length, unit, function code


class ModbusTap:
    """Listens on a free port of the loopback, and passes everything on to another."""

    def __init__(self, behind: int) -> None:
        self.functions: Counter[int] = Counter()
        self._behind = behind
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> ModbusTap:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                outer, _ = self._listener.accept()
                try:
                    inner = socket.create_connection(("127.0.0.1", self._behind))
                except OSError:
                    outer.close()
                    continue
                self._sockets += [outer, inner]
                for ways in ((outer, inner, True), (inner, outer, False)):
                    threading.Thread(target=self._pass, args=ways, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, is_request: bool) -> None:
        seen = b""
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                target.sendall(data)
                if is_request:
                    seen = self._count(seen + data)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _count(self, seen: bytes) -> bytes:
        """Count whole requests; what is left of the last one."""
        while len(seen) >= HEAD.size:
            _, _, length, _, function = HEAD.unpack_from(seen)
            if len(seen) < 6 + length:
                break
            self.functions[function] += 1
            seen = seen[6 + length :]
        return seen
