"""A TCP proxy between a client and its broker that writes down what both say.

A subscriber cannot see a Will, Clean Start, a session's expiry or the reason of a DISCONNECT; this
can. It also breaks what can break on the way: refused, cut and silent connections.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from refit.conformance.capture import written
from refit.conformance.packets import END, NOTE, Packet, Recorder


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class _Link:
    number: int
    client: socket.socket
    broker: socket.socket


class WireTap:
    """Listens on `port`, forwards to the broker, keeps what was said in `recorder`.

    Several taps may share a recorder; each is before a `server` of its own then.
    """

    def __init__(self, broker_port: int, recorder: Recorder | None = None, server: int = 0) -> None:
        self.broker_port, self.server = broker_port, server
        self.recorder = recorder or Recorder()
        self.connections = 0
        self._mute, self._deaf = threading.Event(), threading.Event()
        self._links: list[_Link] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._spawn(self._accept, self._listener)

    @property
    def packets(self) -> list[Packet]:
        """What the clients said, in the order in which it was seen."""
        log = self.recorder.log[:]
        return [one for one in log if not one.by_broker and one.kind not in (END, NOTE)]

    def save(self, path: Path) -> None:
        """Write the recording to a file, one packet a line."""
        lines = written(self.recorder.log[:])
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def note(self, text: str) -> None:
        """Write into the log what no packet says."""
        self.recorder.note(text, _now_ms())

    def of(self, kind: str) -> list[Packet]:
        """The packets of one kind, in the order in which they were seen."""
        return [packet for packet in self.packets if packet.kind == kind]

    def session(self, connection: int) -> list[Packet]:
        """The packets of one connection (the first is 1)."""
        return [packet for packet in self.packets if packet.connection == connection]

    def shut(self) -> None:
        """Nobody listens any more: connections are refused, and those that stand are cut."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def reopen(self) -> None:
        """Listen again, on the same port."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._spawn(self._accept, self._listener)

    def mute(self) -> None:
        """Half-open: from now on nothing of the broker reaches a client."""
        self._mute.set()

    def unmute(self) -> None:
        """Later bytes of the broker pass again; the swallowed ones are gone."""
        self._mute.clear()

    def drop(self) -> None:
        """A link that is dead and looks alive: nothing passes in either direction."""
        self._mute.set()
        self._deaf.set()

    def pass_on(self) -> None:
        """Later bytes pass again in both directions; the swallowed ones are gone."""
        self._mute.clear()
        self._deaf.clear()

    def cut(self) -> None:
        """End every connection, without a word of MQTT."""
        for link in self._links:
            self._close(link)
        self._links.clear()

    def close(self) -> None:
        """End everything, and wait for it."""
        with contextlib.suppress(OSError):  # it may have been shut
            self.shut()
        self.cut()
        for thread in self._threads:
            thread.join(5)

    def __enter__(self) -> WireTap:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _spawn(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                broker = socket.create_connection(("127.0.0.1", self.broker_port), 5)
            except OSError:
                client.close()
                continue
            broker.settimeout(None)
            self.connections += 1
            link = _Link(self.recorder.begin(self.server), client, broker)
            self._links.append(link)
            self._spawn(self._upwards, link)
            self._spawn(self._downwards, link)
            if listener.fileno() < 0:  # shut in the meantime
                self._close(link)

    def _upwards(self, link: _Link) -> None:
        with contextlib.suppress(OSError):
            while data := link.client.recv(65536):
                if self._deaf.is_set():
                    continue
                self.recorder.feed(link.number, data, _now_ms(), by_broker=False)
                link.broker.sendall(data)
        self._close(link)

    def _downwards(self, link: _Link) -> None:
        with contextlib.suppress(OSError):
            while data := link.broker.recv(65536):
                if not self._mute.is_set():
                    self.recorder.feed(link.number, data, _now_ms(), by_broker=True)
                    link.client.sendall(data)
        self._close(link)

    def _close(self, link: _Link) -> None:
        self.recorder.end(link.number, _now_ms())
        for end in (link.client, link.broker):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def main() -> None:
    """Record what goes to a broker of this machine, until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Write down an MQTT conversation, to be judged.")
    parser.add_argument("broker_port", type=int)
    parser.add_argument("file", type=Path, help="for `refit sparkplug-report --capture`")
    asked = parser.parse_args()
    with WireTap(asked.broker_port) as tap:
        print(f"listening on 127.0.0.1:{tap.port}", flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    tap.save(asked.file)


if __name__ == "__main__":
    main()
