"""A relay behind a wire of its own, whose packets the kernel can drop in silence.

The listening end stands in a network namespace at the other end of a pair of virtual Ethernet
cards. A card that is told a wrong address of its neighbour sends every packet to nobody: nothing is
acknowledged, nothing refused, the kernel's own retransmission and time-outs are what is left.
Needs root and ip(8); neither a packet filter nor a traffic shaper.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import shutil
import socket
import subprocess
import threading
from contextlib import suppress

from refit.chaos.programs import NotInstalled
from refit.chaos.relay import Relay

NEW_NETWORK = 0x4000_0000  # CLONE_NEWNET, setns(2)
NOBODY = "02:00:00:00:00:99"
NAMES = itertools.count()
NEEDED = "needs root and ip (apt-get install iproute2)"


class Wire:
    """Two ends: `here` in our own network, `there` in a namespace. 198.18.0.0/15 is for tests."""

    def __init__(self) -> None:
        number = next(NAMES)
        place = f"198.18.{os.getpid() % 256}.{4 * number % 256}".rpartition(".")
        self.here, self.there = (f"{place[0]}.{int(place[2]) + end}" for end in (1, 2))
        self.space = f"refit-{os.getpid()}-{number}"
        self._cards = f"rf{os.getpid() % 100_000}h{number}", f"rf{os.getpid() % 100_000}t{number}"
        here, there = self._cards
        try:
            _ip("netns", "add", self.space)
            _ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", self.space)
            _ip("addr", "add", f"{self.here}/30", "dev", here)
            _ip("link", "set", here, "up")
            _ip("-n", self.space, "addr", "add", f"{self.there}/30", "dev", there)
            _ip("-n", self.space, "link", "set", there, "up")
        except BaseException:
            self.close()
            raise

    def listen(self) -> socket.socket:
        """A listener at the other end: a socket stays in the network in which it was made."""
        made: list[socket.socket | OSError] = []

        def make() -> None:
            try:
                with open(f"/run/netns/{self.space}", encoding="utf-8") as space:
                    if ctypes.CDLL(None, use_errno=True).setns(space.fileno(), NEW_NETWORK):
                        raise OSError(ctypes.get_errno(), "setns", self.space)
                made.append(socket.create_server((self.there, 0), backlog=64))
            except OSError as error:
                made.append(error)

        thread = threading.Thread(target=make)  # that thread alone moves, and ends there
        thread.start()
        thread.join()
        if isinstance(made[0], OSError):
            raise made[0]
        return made[0]

    def drop(self) -> None:
        """Packets vanish from now on, both ways."""
        here, there = self._cards
        wrong = ("lladdr", NOBODY, "nud", "permanent")
        _ip("neigh", "replace", self.there, "dev", here, *wrong)
        _ip("-n", self.space, "neigh", "replace", self.here, "dev", there, *wrong)

    def deliver(self) -> None:
        """They arrive again; what was sent meanwhile, when the kernel sends it once more."""
        here, there = self._cards
        _ip("neigh", "del", self.there, "dev", here)
        _ip("-n", self.space, "neigh", "del", self.here, "dev", there)

    def close(self) -> None:
        """Take both ends away."""
        for words in (("link", "del", self._cards[0]), ("netns", "del", self.space)):
            with suppress(NotInstalled, subprocess.CalledProcessError):
                _ip(*words)


class KernelRelay(Relay):
    """A relay whose clients are at the other end of a wire."""

    def __init__(self, behind: int) -> None:
        self.wire = Wire()
        try:
            super().__init__(behind, self.wire.there)
        except BaseException:
            self.wire.close()
            raise

    def listen(self, host: str) -> socket.socket:
        """At the other end."""
        return self.wire.listen()

    def close(self) -> None:
        """End it with its wire."""
        super().close()
        self.wire.close()


def _ip(*words: str) -> None:
    program = shutil.which("ip") or "/usr/sbin/ip"
    try:
        subprocess.run([program, *words], check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise NotInstalled(f"--kernel {NEEDED}") from error
    except subprocess.CalledProcessError as error:
        if words[:2] == ("netns", "add") or words[:2] == ("link", "add"):
            why = error.stderr.strip().splitlines()[-1:] or ["refused"]
            raise NotInstalled(f"--kernel {NEEDED}; here: {why[0]}") from error
        raise
