"""What the real historian is put through on the wire: its sessions, and an edge that talks."""

from __future__ import annotations

from pathlib import Path

from refit.conformance.judge import Book, judge
from tests.mqtt.conftest import BrokerAt
from tests.servers import until
from tests.sparkplug.plant import angles, edge_node
from tests.sparkplug.real import (
    CLOCK,
    HOST,
    PATIENCE_S,
    STATE,
    Director,
    RealHost,
    unknown_data,
)
from tests.wire_tap import WireTap
from wire.sparkplug import state


def play(tap: WireTap, folder: Path, version: str) -> Book:
    """Run it through; what the judge says of the recording."""
    director = Director(BrokerAt(tap.broker_port))
    director.state(False, CLOCK.now_ms() - 60_000)  # what an earlier life has left
    real = RealHost(BrokerAt(tap.port, version=version), folder=folder)  # type: ignore[arg-type]
    try:
        _wait_online(director, 1)
        _talk(director)
        _put_right(director)
        _get_over(director)
        births = _births(director)
        tap.cut()
        _wait_online(director, births + 1)
    finally:
        real.stop()
        director.close()
    until(lambda: tap.recorder.log[-1].kind == "END", "the last session ends", PATIENCE_S)
    return judge(tap.recorder.log)


def _talk(director: Director) -> None:
    """An edge is born, is acknowledged; of another one, which is not, the births are asked for."""
    node = edge_node()
    now_ms = CLOCK.now_ms()
    director.perform(node.connected(now_ms, 0))
    director.perform(node.live("table-1", angles(1.0, start_ms=now_ms), 1, now_ms + 1))
    until(lambda: director.verbs()["NCMD"] >= 1, "an acknowledgement", PATIENCE_S)
    director.perform([unknown_data("pc-9", "press", 77)])
    until(lambda: director.rebirths("pc-9") >= 1, "a rebirth request", PATIENCE_S)


def _put_right(director: Director) -> None:
    """Somebody says that the host is offline, with an old time: it answers with its own."""
    births, (_, last_ms) = _births(director), _last(director)
    director.state(False, last_ms - 1)
    _wait_online(director, births + 1)
    assert _last(director) == (True, last_ms)


def _get_over(director: Director) -> None:
    """The same with a newer time: it comes back with one that is above that."""
    foreign_ms = CLOCK.now_ms() + 1_000
    director.state(False, foreign_ms)
    until(lambda: _last(director)[1] > foreign_ms and _last(director)[0], "a new time", PATIENCE_S)


def states(director: Director) -> list[tuple[bool, int]]:
    """What was said of the host so far."""
    found = [state.read(one.payload) for one in director.heard[:] if one.topic == STATE]
    return [(one.online, one.timestamp) for one in found if one is not None]


def _births(director: Director) -> int:
    return sum(online for online, _ in states(director))


def _last(director: Director) -> tuple[bool, int]:
    return states(director)[-1]


def _wait_online(director: Director, count: int) -> None:
    until(lambda: _births(director) >= count, f"{HOST} is online {count} times", PATIENCE_S)
