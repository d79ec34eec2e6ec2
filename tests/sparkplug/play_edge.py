"""What the real agent is put through on the wire: three sessions, all that happens in one."""

from __future__ import annotations

from pathlib import Path

from refit.conformance.judge import Book, judge
from stations.status import BAD_NO_DATA
from tests.mqtt.conftest import BrokerAt
from tests.servers import until
from tests.sparkplug.real import CLOCK, HOST, PATIENCE_S, Director, RealEdge
from tests.wire_tap import WireTap

GRACE_MS = 2_000  # of a busy machine; doubles and virtual time have the judge's own
SAMPLES_TO_WRAP = 260  # the seq goes past 255


def play(tap: WireTap, folder: Path, version: str) -> Book:
    """Run it through; what the judge says of the recording."""
    director = Director(BrokerAt(tap.broker_port))
    edge = RealEdge(BrokerAt(tap.port, version=version), folder)  # type: ignore[arg-type]
    other: RealEdge | None = None
    try:
        online_ms = _births_wait(director, edge)
        _devices(tap, director, edge)
        _rebirth(director, edge)
        other = RealEdge(BrokerAt(tap.port, version=version), folder, name="pc-2",  # type: ignore[arg-type]
                         stations=["press"])  # fmt: skip
        director.until("DBIRTH/press", 3)
        _stale_state(director, edge, online_ms)
        for number in range(SAMPLES_TO_WRAP):
            edge.commit("press", 100.0 + number)
        _another_session(tap, director, edge)
        _host_leaves(director, edge)
        edge.stop()
        edge = RealEdge(BrokerAt(tap.port, version=version), folder,  # type: ignore[arg-type]
                        stations=["press", "saw", "late"])  # fmt: skip
        _another_life(director, edge)
    finally:
        for one in filter(None, (edge, other)):
            one.stop()
        director.close()
    until(lambda: tap.recorder.log[-1].kind == "END", "the last session ends", PATIENCE_S)
    return judge(tap.recorder.log, primary=HOST, grace_ms=GRACE_MS)


def _births_wait(director: Director, edge: RealEdge) -> int:
    """Samples and a record wait on disk; only the last of these STATEs may bring the births."""
    edge.commit("press", 1.0, 2.0, record="r-1")
    until(lambda: edge.session.connected, "the edge is connected", PATIENCE_S)
    now_ms = CLOCK.now_ms()
    director.state(True, now_ms, host="another")
    director.state(False, now_ms)
    director.state(True, now_ms - 1_000)
    edge.heard(2)  # its own, the other's is not even subscribed
    assert director.verbs()["NBIRTH"] == 0
    director.state(True, now_ms)
    director.until("DBIRTH/saw")
    director.until("DDATA/press")  # the backlog
    until(lambda: any("record" in one.topic for one in director.heard), "the record", PATIENCE_S)
    return now_ms


def _devices(tap: WireTap, director: Director, edge: RealEdge) -> None:
    """Health, data of both devices, a late one, one that is lost and comes back."""
    edge.health(backlog_rows=3, cpu=1.5)
    edge.commit("press", 3.0)
    edge.commit("press", 4.0, status=BAD_NO_DATA)
    edge.commit("saw", 5.0, 6.0)
    edge.health(backlog_rows=4, cpu=1.5)
    director.until("DDATA/saw")
    edge.add("late")
    director.until("DBIRTH/late")
    edge.commit("late", 7.0)
    director.until("DDATA/late")
    tap.note("lost saw")
    edge.call(edge.publisher.device, "saw", False)
    director.until("DDEATH/saw")
    edge.commit("saw", 8.0)  # had been read before: it goes as history
    edge.call(edge.publisher.device, "saw", True)
    director.until("DBIRTH/saw", 2)
    edge.commit("saw", 9.0)
    director.until("DDATA/saw", 3)


def _rebirth(director: Director, edge: RealEdge) -> None:
    """Asked for while samples keep coming."""
    births = director.verbs()["NBIRTH"]
    director.rebirth()
    for number in range(50):
        edge.commit("press", 20.0 + number)
    director.until("NBIRTH", births + 1)
    director.until("DBIRTH/late", 2)


def _stale_state(director: Director, edge: RealEdge, online_ms: int) -> None:
    heard = edge.session.status().received
    director.state(False, online_ms - 1)
    edge.heard(heard + 1)
    edge.commit("press", 80.0)


def _another_session(tap: WireTap, director: Director, edge: RealEdge) -> None:
    """The link is cut; the host says again that it is there."""
    connects = edge.session.status().connects
    tap.cut()
    until(lambda: edge.session.status().connects > connects, "a new session", PATIENCE_S)
    director.state(True, CLOCK.now_ms())
    before = director.verbs()["DDATA/press"]
    until(lambda: edge.node.can_send, "births after the cut", PATIENCE_S)
    edge.commit("press", 500.0)
    director.until("DDATA/press", before + 1)


def _another_life(director: Director, edge: RealEdge) -> None:
    """The agent is started again: its bdSeq goes on."""
    until(lambda: edge.node.can_send, "births of another life", PATIENCE_S)
    before = director.verbs()["DDATA/saw"]
    edge.commit("saw", 700.0)
    director.until("DDATA/saw", before + 1)


def _host_leaves(director: Director, edge: RealEdge) -> None:
    connects, deaths = edge.session.status().connects, director.verbs()["NDEATH"]
    director.state(False, CLOCK.now_ms())
    director.until("NDEATH", deaths + 1)
    until(lambda: edge.session.status().connects > connects, "a third session", PATIENCE_S)
    director.state(True, CLOCK.now_ms())
    until(lambda: edge.node.can_send, "births of the third session", PATIENCE_S)
    edge.commit("saw", 600.0)
