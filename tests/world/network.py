"""TCP in memory for programs on a `VirtualLoop`: connections with delays, cuts, stalls and resets.

One of the two files that know asyncio from inside. Bytes arrive in order, in pieces, later, or
never; where a byte is lost in the real world TCP repeats it, so here it is held. Addresses are
port numbers: one world is one host.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.world.clock import PROCESS, Process, VirtualLoop

Factory = Callable[[], asyncio.BaseProtocol]

HELD_BYTES_MAX = 8 << 20  # of one direction; beyond it the connection is given up
SYN_S = 120.0
PIECES = 0.02  # how many writes arrive in two pieces
FIRST_PORT = 50_000
FIN, RST = "FIN", "RST"


class Way:
    """One direction of a connection: what is on its way to `end`, in order."""

    def __init__(self, net: Network, port: int, end: End) -> None:
        self.net, self.port, self.end = net, port, end
        self.bytes = 0
        self._queue: deque[tuple[float, bytes | str]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def put(self, what: bytes | str) -> None:
        """Send bytes, or one of FIN and RST, behind everything that is on its way already."""
        now, before = self.net.time(), self._queue[-1][0] if self._queue else 0.0
        self._queue.append((max(before, now + self.net.delay()), what))
        if isinstance(what, bytes):
            self.bytes += len(what)
            if self.bytes > HELD_BYTES_MAX:
                self._queue.clear()
                self.bytes = 0
                self.put(RST)
        self.go_on()

    def go_on(self) -> None:
        """Set the timer for the next delivery, unless the way is blocked."""
        if self._timer is None and self._queue and not self.net.is_blocked(self):
            self._timer = self.net.call_at(
                self._queue[0][0], self._deliver, context=self.end.context
            )

    def _deliver(self) -> None:
        self._timer = None
        if self.net.is_blocked(self):
            return
        while self._queue and self._queue[0][0] <= self.net.time() and self.end.is_reading():
            _, what = self._queue.popleft()
            if isinstance(what, bytes):
                self.bytes -= len(what)
            self.end.arrive(what)
        if self.end.is_reading():
            self.go_on()


class End(asyncio.Transport):
    """One end of a connection: what asyncio calls a transport."""

    def __init__(
        self, net: Network, port: int, names: tuple[Any, Any], context: contextvars.Context
    ) -> None:
        super().__init__({"sockname": names[0], "peername": names[1]})
        self.net, self.context = net, context
        self.process: Process | None = context.get(PROCESS)
        self.incoming = Way(net, port, self)
        self.peer: End | None = None
        self.protocol: Any = None
        self._is_open = True
        self._is_reading = True

    def begin(self, protocol: asyncio.BaseProtocol) -> None:
        """The connection stands; in the name of whoever this end belongs to."""
        self.protocol = protocol
        if self.process is not None:
            self.process.at_death.append(self.die)
        self.context.run(protocol.connection_made, self)

    def arrive(self, what: bytes | str) -> None:
        """Something has come from the other end."""
        if not self._is_open or (self.process is not None and self.process.is_dead):
            return
        if what is RST:
            self._end(ConnectionResetError("reset by the other end"))
        elif what is FIN:
            if not self.protocol.eof_received():
                self.close()
        else:
            self.protocol.data_received(what)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send; silently nothing once the end is closed or its process dead."""
        if not self._is_open or (self.process is not None and self.process.is_dead):
            return
        data, rng = bytes(data), self.net.rng
        if self.net.mangle and (change := self.net.mangle.get(self.get_extra_info("sockname")[1])):
            data = change(data)
        cut = rng.randrange(len(data)) if data and rng.random() < PIECES else 0
        for piece in (data[:cut], data[cut:]):
            if piece:
                self._send(piece)

    def close(self) -> None:
        """Close in order: what was written before still arrives."""
        if self._is_open:
            self._send(FIN)
            self._end(None)

    def abort(self) -> None:
        """Close at once; the other end hears of a reset."""
        if self._is_open:
            self._send(RST)
            self._end(None)

    def reset(self) -> None:
        """Something on the way has reset the connection: both ends hear so."""
        self._end(ConnectionResetError("reset on the way"))

    def die(self) -> None:
        """The process has died: the system closes this end, nobody here is told."""
        if self._is_open:
            self._send(RST)
            self._is_open = False

    def _send(self, what: bytes | str) -> None:
        if self.peer is not None:
            self.peer.incoming.put(what)

    def _end(self, error: Exception | None) -> None:
        if self._is_open:
            self._is_open = False
            if self.process is not None and self.die in self.process.at_death:
                self.process.at_death.remove(self.die)
            self.net.call_soon(self.protocol.connection_lost, error, context=self.context)

    def is_closing(self) -> bool:
        """True once it was closed by either end."""
        return not self._is_open

    def is_reading(self) -> bool:
        """False while its owner takes nothing."""
        return self._is_reading

    def pause_reading(self) -> None:
        """Take nothing for a while."""
        self._is_reading = False

    def resume_reading(self) -> None:
        """Go on where it was."""
        self._is_reading = True
        self.incoming.go_on()

    def get_write_buffer_size(self) -> int:
        """Nothing waits here; what is under way is bounded by HELD_BYTES_MAX."""
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Taken and not used."""

    def can_write_eof(self) -> bool:
        """Half-closed connections are not simulated."""
        return False

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Who reads here."""
        protocol: asyncio.BaseProtocol = self.protocol
        return protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Let another one read."""
        self.protocol = protocol


@dataclass(frozen=True)
class Socket:
    """What is asked of a listening socket."""

    name: tuple[str, int]

    def getsockname(self) -> tuple[str, int]:
        """Host and port."""
        return self.name


class Listener(asyncio.AbstractServer):
    """A port that takes connections."""

    def __init__(self, net: Network, host: str, port: int, factory: Factory) -> None:
        self.net, self.host, self.port, self.factory = net, host, port, factory
        self.context = contextvars.copy_context()
        self.sockets = [Socket((host, port))]

    def close(self) -> None:
        """Take no more connections."""
        if self.net.listening.get(self.port) is self:
            del self.net.listening[self.port]

    async def wait_closed(self) -> None:
        """Connections that stand are nobody's business here."""

    def is_serving(self) -> bool:
        """True until closed."""
        return self.net.listening.get(self.port) is self

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The network is the loop."""
        return self.net


class Network(VirtualLoop):
    """A loop whose connections are in memory. Faults are told by the port of the server."""

    def __init__(self, seed: int, delay_s: tuple[float, float] = (0.0005, 0.01)) -> None:
        super().__init__(seed)
        self.delay_s = delay_s
        self.listening: dict[int, Listener] = {}
        self.links: list[tuple[int, End, End]] = []
        self.mangle: dict[int, Callable[[bytes], bytes]] = {}  # what a server at a port says
        self._cut: dict[int, asyncio.Event] = {}
        self._stalled: set[int] = set()
        self._ports = 0

    def delay(self) -> float:
        """How long the next bytes take."""
        return self.rng.uniform(*self.delay_s)

    def is_blocked(self, way: Way) -> bool:
        """True while nothing arrives on this way."""
        is_to_client = way.end.get_extra_info("peername")[1] == way.port
        return way.port in self._cut or (is_to_client and way.port in self._stalled)

    def cut(self, port: int) -> None:
        """Let nothing through between this port and its clients; bytes are held, in order."""
        self._cut.setdefault(port, asyncio.Event())

    def stall(self, port: int) -> None:
        """Hold what the server says while what it is told arrives: a half-open connection."""
        self._stalled.add(port)

    def restore(self, port: int) -> None:
        """Let everything through again, first what was held."""
        if event := self._cut.pop(port, None):
            event.set()
        self._stalled.discard(port)
        for ends in self._at(port):
            for end in ends:
                end.incoming.go_on()

    def reset(self, port: int) -> int:
        """Reset every connection of this port; returns how many."""
        links = self._at(port)
        for client, server in links:
            client.reset()
            server.reset()
        return len(links)

    def _at(self, port: int) -> list[tuple[End, End]]:
        self.links = [
            link for link in self.links if not (link[1].is_closing() and link[2].is_closing())
        ]
        return [(client, server) for number, client, server in self.links if number == port]

    async def create_server(  # type: ignore[override]
        self, protocol_factory: Factory, host: Any = None, port: int | None = None, **more: Any
    ) -> Listener:
        """As asyncio's own; OSError when the port is taken. No TLS."""
        _no_tls(more)
        number = port or self._fresh_port()
        if number in self.listening:
            raise OSError(98, f"port {number} is taken")
        listener = Listener(self, host or "127.0.0.1", number, protocol_factory)
        self.listening[number] = listener
        return listener

    async def create_connection(  # type: ignore[override]
        self, protocol_factory: Factory, host: Any = None, port: int | None = None, **more: Any
    ) -> tuple[End, Any]:
        """As asyncio's own; hangs while the way is cut, ConnectionRefusedError without listener."""
        _no_tls(more)
        number = port or 0
        await asyncio.sleep(self.delay())
        if event := self._cut.get(number):
            await asyncio.wait_for(event.wait(), SYN_S)
        listener = self.listening.get(number)
        if listener is None:
            raise ConnectionRefusedError(111, f"nobody listens on {host}:{port}")
        here, there = ("127.0.0.1", self._fresh_port()), (str(host), number)
        client = End(self, number, (here, there), contextvars.copy_context())
        server = End(self, number, (there, here), listener.context.copy())
        client.peer, server.peer = server, client
        self.links = [*self.links[-1000:], (number, client, server)]
        server.begin(listener.factory())
        protocol = protocol_factory()
        client.begin(protocol)
        return client, protocol

    def _fresh_port(self) -> int:
        self._ports += 1
        return FIRST_PORT + self._ports


def _no_tls(more: dict[str, Any]) -> None:
    if more.get("ssl") is not None:
        raise NotImplementedError("there is no TLS in this world")
