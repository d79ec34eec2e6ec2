"""The parts of `refit chaos`: relays and proxies do what a fault says, a seed says which faults."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from random import Random

import numpy as np
import pytest
from typer.testing import CliRunner

from refit.chaos import runs
from refit.chaos.command import app
from refit.chaos.counting import holes, is_told
from refit.chaos.faults import FAULTS
from refit.chaos.modbus_relay import ModbusRelay
from refit.chaos.reckoning import EVER
from refit.chaos.relay import Relay
from refit.chaos.small_site import Size
from refit.chaos.spans import Span
from refit.chaos.trial import chosen, cycle
from tests.servers import until

READ = struct.pack(">HHHBBHH", 7, 0, 6, 1, 4, 4, 20)  # 20 input registers from 4 on
SHORT_S = 0.3


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that sends back what it gets."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(link: socket.socket) -> None:
        with link:
            try:
                while data := link.recv(4096):
                    link.sendall(data)
            except OSError:
                return

    def accept() -> None:
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(link,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield int(listener.getsockname()[1])
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def connect(relay: Relay) -> socket.socket:
    return socket.create_connection(("127.0.0.1", relay.port), 10)


def says(link: socket.socket, data: bytes) -> bytes:
    link.sendall(data)
    return link.recv(4096)


def is_silent(link: socket.socket, data: bytes) -> bool:
    link.settimeout(SHORT_S)
    try:
        return says(link, data) == b"never"
    except TimeoutError:
        return True
    finally:
        link.settimeout(10)


def test_a_half_open_link_stays_dead_and_a_new_one_lives(echo: int) -> None:
    with closing(Relay(echo)) as relay, connect(relay) as old:
        assert says(old, b"1") == b"1"
        relay.mute()
        assert is_silent(old, b"2")
        with connect(relay) as other:
            assert is_silent(other, b"3")
        relay.unmute()
        assert is_silent(old, b"4")
        with connect(relay) as new:
            assert says(new, b"5") == b"5"


def test_what_is_held_comes_later_and_a_cut_is_a_reset(echo: int) -> None:
    with closing(Relay(echo)) as relay, connect(relay) as link:
        assert says(link, b"1") == b"1"
        relay.hold()
        assert is_silent(link, b"2")
        relay.release()
        assert link.recv(4096) == b"2"
        assert relay.cut() == 1
        with pytest.raises((ConnectionResetError, BrokenPipeError)):  # told once, or already
            until(lambda: not says(link, b"3"), "the link is reset")


def test_a_relay_without_a_server_behind_it_closes(echo: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = int(gone.getsockname()[1])
    with closing(Relay(port)) as relay, pytest.raises(ConnectionResetError), connect(relay) as link:
        assert link.recv(1)


def test_a_modbus_device_refuses_late_and_mixes_up(echo: int) -> None:
    with closing(ModbusRelay(echo)) as relay, connect(relay) as link:
        link.sendall(READ[:5])
        assert says(link, READ[5:]) == READ
        relay.spoil("wrong-id", Random(1), 1.0)
        assert says(link, READ)[:2] == struct.pack(">H", 7 ^ 0x5555)
        relay.spoil("exception", Random(1), 1.0, 6)
        assert says(link, READ) == struct.pack(">HHHBBB", 7, 0, 3, 1, 0x84, 6)
        relay.spoil("refuse", Random(1), 1.0)
        assert says(link, READ) == struct.pack(">HHHBBB", 7, 0, 3, 1, 0x84, 2)
        relay.mend()
        assert says(link, READ) == READ
        relay.spoil("reset", Random(1), 1.0)
        with pytest.raises(ConnectionResetError):
            until(lambda: not says(link, READ), "the link is reset")


def test_a_seed_says_which_faults_come_in_which_order() -> None:
    faults = [one for one in FAULTS if one.fits(runs.has("sqlite", "embedded"))]
    once, again = (list(islice(chosen(faults, Random(5)), 100)) for _ in range(2))
    assert once == again != list(islice(chosen(faults, Random(6)), 100))
    rounds = cycle(faults, Random(5))
    assert once[: len(rounds)] == rounds
    listed = [one.name for pair in rounds for one in pair]
    assert sorted(listed) == sorted(one.name for one in faults)
    for pair in rounds:
        assert len(pair) == 1 or not (pair[0].touches & pair[1].touches)
        assert len(pair) == 1 or not any(one.alone for one in pair)


def test_faults_have_names_of_their_own_and_a_sentence() -> None:
    names = [one.name for one in FAULTS]
    assert len(set(names)) == len(names)
    assert all(one.sentence and one.touches for one in FAULTS)


def test_a_plant_has_as_many_tags_as_its_rate_asks_for() -> None:
    small, large = Size.of(100), Size.of(20_000)
    assert (small.forces, small.powers) == (1, 3)
    assert large.forces + large.powers + 8 == 2_000


def test_what_a_machine_counted_and_nobody_stored_is_a_hole() -> None:
    numbers, times = np.array([2, 3, 6]), np.array([20, 30, 60])
    assert holes(numbers, times, 7) == [(1, 1, 0, 20), (4, 5, 30, 60), (7, 7, 60, EVER)]
    assert holes(np.array([1, 2]), np.array([1, 2]), 2) == []


@pytest.mark.parametrize(
    ("from_ms", "to_ms", "name", "is_one"),
    [(30, 60, "t1", True), (20, 31, "t1", True), (60, 70, "t1", False), (30, 60, "t2", False)],
)
def test_a_hole_is_told_by_a_gap_of_its_tag_that_reaches_into_it(
    from_ms: int, to_ms: int, name: str, is_one: bool
) -> None:
    gap = Span("machine-1", "opcua", frozenset({"t1"}), 30, 60, "queue overflow")
    assert is_told([gap], name, from_ms, to_ms) is is_one


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--fault", "earthquake"], "no fault 'earthquake'"),
        (["--fault", "store-killed"], "store-killed needs influxdb"),
        (["--broker", "hive"], "no broker 'hive'"),
        (["--store", "nowhere"], "no store 'nowhere'"),
    ],
)
def test_what_cannot_be_is_said(words: list[str], said: str) -> None:
    ran = CliRunner().invoke(app, words)
    assert ran.exit_code == 2
    assert said in ran.output


def test_all_faults_are_listed() -> None:
    ran = CliRunner().invoke(app, ["--list"])
    assert ran.exit_code == 0
    assert [line.split()[0] for line in ran.output.splitlines()] == [one.name for one in FAULTS]
