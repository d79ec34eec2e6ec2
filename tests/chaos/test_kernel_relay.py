"""What the kernel drops is neither acknowledged nor refused, and comes when packets go again."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from refit.chaos.kernel_relay import KernelRelay
from refit.chaos.programs import NotInstalled

ANSWER_S = 10.0
SILENCE_S = 0.3


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with closing(socket.create_server(("127.0.0.1", 0))) as made:
        made.settimeout(ANSWER_S)
        yield made


@pytest.fixture
def relay(server: socket.socket) -> Iterator[KernelRelay]:
    try:
        made = KernelRelay(server.getsockname()[1])
    except (NotInstalled, OSError) as error:
        pytest.skip(f"no network namespace can be made here: {error}")
    with closing(made):
        yield made


def test_packets_vanish_in_silence_and_come_again(
    relay: KernelRelay, server: socket.socket
) -> None:
    place = relay.host, relay.port
    with closing(socket.create_connection(place, ANSWER_S)) as client:
        behind, _ = server.accept()
        with closing(behind):
            behind.settimeout(ANSWER_S)
            client.sendall(b"one")
            assert behind.recv(3) == b"one"
            relay.wire.drop()
            client.sendall(b"two")
            behind.settimeout(SILENCE_S)
            with pytest.raises(TimeoutError):
                behind.recv(3)
            with pytest.raises(TimeoutError):
                socket.create_connection(place, SILENCE_S)
            relay.wire.deliver()
            behind.settimeout(ANSWER_S)
            assert behind.recv(3) == b"two"
