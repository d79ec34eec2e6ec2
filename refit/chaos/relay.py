"""A TCP relay that can fall silent with every connection open, hold bytes back, or cut."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from dataclasses import dataclass

from refit.chaos.cutting import PART

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST


@dataclass(slots=True, eq=False)
class Link:
    """One connection through the relay. A dead one passes nothing any more, not even its end."""

    client: socket.socket
    server: socket.socket | None
    is_dead: bool = False

    def close(self) -> None:
        """Reset both sides."""
        for one in (self.client, self.server):
            if one is not None:
                with contextlib.suppress(OSError):
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    one.shutdown(socket.SHUT_RD)  # wakes who reads, says nothing to the other side
                one.close()


class Relay:
    """Relays to a port of the loopback until closed."""

    def __init__(self, behind: int, host: str = "127.0.0.1") -> None:
        self.behind, self.host = behind, host
        self._listener = self.listen(host)
        self.port = int(self._listener.getsockname()[1])
        self._links: list[Link] = []
        self._is_mute = False
        self._flows = threading.Event()
        self._flows.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def listen(self, host: str) -> socket.socket:
        """Where clients come in; a subclass has it elsewhere."""
        return socket.create_server((host, 0), backlog=64)

    def mute(self) -> None:
        """Half-open: what is connected hears nothing any more for good, what connects, as well."""
        self._is_mute = True
        for link in list(self._links):
            link.is_dead = True

    def unmute(self) -> None:
        """Let new connections through again."""
        self._is_mute = False

    def hold(self) -> None:
        """Keep back what is sent, as a network does that will send it again."""
        self._flows.clear()

    def release(self) -> None:
        """Send what was kept back, and go on."""
        self._flows.set()

    def cut(self) -> int:
        """Reset every connection; how many."""
        links = [link for link in list(self._links) if not link.is_dead]
        for link in links:
            self.drop(link)
        return len(links)

    def close(self) -> None:
        """End it and every connection."""
        self._flows.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for link in list(self._links):
            self.drop(link)

    def change(self, link: Link, to_server: bool, data: bytes) -> bytes:
        """What is sent on of what came; a subclass says otherwise."""
        return data

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = Link(client, None, self._is_mute)
            self._links.append(link)
            if link.is_dead:
                threading.Thread(target=self._ignore, args=(link,), daemon=True).start()
            else:
                threading.Thread(target=self._join, args=(link,), daemon=True).start()

    def _join(self, link: Link) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self.behind), 5)
        except OSError:
            self.drop(link)
            return
        server.settimeout(None)
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.server = server
        back = threading.Thread(target=self._pass, args=(link, False), daemon=True)
        back.start()
        self._pass(link, True)
        back.join()
        self.drop(link)

    def _ignore(self, link: Link) -> None:
        with contextlib.suppress(OSError):
            while link.client.recv(PART):
                continue
        self.drop(link)

    def _pass(self, link: Link, to_server: bool) -> None:
        assert link.server is not None
        source, target = link.client, link.server
        if not to_server:
            source, target = target, source
        with contextlib.suppress(OSError):
            while data := source.recv(PART):
                self._flows.wait()
                if not link.is_dead:
                    target.sendall(self.change(link, to_server, data))
        if not link.is_dead:
            with contextlib.suppress(OSError):
                target.shutdown(socket.SHUT_RDWR)

    def drop(self, link: Link) -> None:
        """Reset one connection."""
        with contextlib.suppress(ValueError):
            self._links.remove(link)
        link.close()
