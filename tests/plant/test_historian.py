"""The historian in virtual time: acknowledged is what is on disk, and nobody harms anybody."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from plant.points import ONLINE, WHY
from plant.status import Status
from plant.stores.check import NOT_A_NUMBER
from plant.stores.store import EDGE_HEALTH, STATION_STATE, Points, Refusal
from stations.declare import Type
from stations.samples import build
from tests.plant.plant import Plant
from tests.servers import until
from tests.sparkplug.plant import ANGLE, HOST, SITE, T0, TABLE_1, TABLE_2, angles, foreign
from wire import topics
from wire.mqtt import Message
from wire.site import Site
from wire.sparkplug import codec
from wire.sparkplug.datatypes import Datatype
from wire.sparkplug.state import HostState, write
from wire.topics import Verb


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    with closing(Plant(tmp_path)) as plant:
        yield plant


def test_what_is_stored_is_acknowledged(plant: Plant) -> None:
    node = plant.agent()
    plant.send(node, "table-1", angles(1.0, 2.0), 1)
    plant.send(node, "table-2", build([(12, T0, 0, Type.FLOAT, 9.0)]), 2)
    plant.go(nodes=[node])
    assert plant.stored("table-1") == [1.0, 2.0]
    assert plant.stored("table-2") == [9.0]
    assert plant.acknowledged["pc-1"] == {1, 2}
    assert plant.writer.tally.stored["pc-1"] == 3


def test_the_data_model(plant: Plant) -> None:
    node = plant.agent()
    plant.send(node, "table-1", angles(1.0), 1)
    plant.go()
    (series,) = [one for one in plant.store.series() if one.tag == "angle"]
    assert (series.site, series.line, series.station) == (SITE, "line-1", "table-1")
    assert (series.measurement, series.type) == ("table", Type.FLOAT)


def test_a_device_is_its_own_measurement(plant: Plant) -> None:
    meter = type(TABLE_1)("meter-1", "line-1", "device", TABLE_1.tags)
    node = plant.agent(stations=[meter])
    plant.send(node, "meter-1", angles(1.0), 1)
    plant.go()
    assert "meter-1" in {one.measurement for one in plant.store.series()}


def test_nothing_is_acknowledged_while_the_store_is_gone(plant: Plant) -> None:
    node = plant.agent()
    plant.store.gone = True
    plant.send(node, "table-1", angles(1.0), 1)
    plant.go(60_000, nodes=[node])
    assert not plant.acknowledged
    assert plant.letters.count() == 0
    assert 3 < plant.store.writes < 30, "tries again, but not all the time"
    assert "gone" in str(Status(plant.historian, plant.clock).health()["problems"])
    plant.store.gone = False
    plant.go(15_000, nodes=[node])
    assert plant.stored("table-1") == [1.0]
    assert plant.acknowledged["pc-1"] == {1}


def test_what_finds_no_room_while_the_store_is_gone_is_not_acknowledged(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plant.writer.SAMPLES_MAX_AGENT", 5)
    node, other = plant.agent("pc-1"), plant.agent("pc-2", stations=[TABLE_2])
    plant.store.gone = True
    for position in range(1, 11):
        plant.send(node, "table-1", angles(float(position), start_ms=T0 + position), position)
    plant.send(other, "table-2", build([(12, T0, 0, Type.FLOAT, 9.0)]), 1)
    plant.go(nodes=[node, other])
    plant.store.gone = False
    plant.go(15_000, nodes=[node, other])
    kept = plant.acknowledged["pc-1"]
    assert plant.stored("table-1") == [float(position) for position in sorted(kept)]
    assert 0 < len(kept) < 10
    assert plant.writer.tally.dropped["pc-1"] == 10 - len(kept)
    assert plant.acknowledged["pc-2"] == {1}, "the room of one agent is not that of another"


def test_a_refused_sample_is_a_dead_letter_and_the_rest_goes_on(plant: Plant) -> None:
    node = plant.agent()
    samples = build(
        [(ANGLE, T0, 0, Type.FLOAT, 1.0), (ANGLE, T0 + 1, 0, Type.FLOAT, math.nan),
         (ANGLE, T0 + 2, 0, Type.FLOAT, 3.0)]
    )  # fmt: skip
    plant.send(node, "table-1", samples, 1)
    plant.go(nodes=[node])
    assert plant.stored("table-1") == [1.0, 3.0]
    (letter,) = plant.letters.read()
    assert (letter.agent, letter.refusal.station, letter.refusal.tag) == (
        "pc-1",
        "table-1",
        "angle",
    )
    assert (letter.refusal.reason, letter.refusal.value) == (NOT_A_NUMBER, "nan")
    assert plant.acknowledged["pc-1"] == {1}
    assert (plant.writer.tally.stored["pc-1"], plant.writer.tally.refused["pc-1"]) == (2, 1)


def test_nothing_is_acknowledged_before_its_dead_letters_are_kept(plant: Plant) -> None:
    node = plant.agent()
    plant.letters.gone = True
    plant.send(node, "table-1", angles(math.inf), 1)
    plant.go(nodes=[node])
    assert not plant.acknowledged
    plant.letters.gone = False
    plant.go(15_000, nodes=[node])
    assert plant.acknowledged["pc-1"] == {1}
    assert plant.letters.count() == 1


def test_a_fault_in_the_points_of_one_station_stops_no_other(plant: Plant) -> None:
    node, other = plant.agent("pc-1", stations=[TABLE_1]), plant.agent("pc-2", stations=[TABLE_2])
    plant.store.broken_for = "table-1"
    plant.send(node, "table-1", angles(1.0), 1)
    plant.send(other, "table-2", build([(12, T0, 0, Type.FLOAT, 9.0)]), 1)
    plant.go(nodes=[node, other])
    assert plant.acknowledged == {"pc-2": {1}}
    assert plant.stored("table-2") == [9.0]
    assert plant.writer.tally.failed["pc-1"] == 1


@pytest.mark.parametrize(
    "garbage",
    [
        foreign(Verb.DDATA, 1, device="table-1"),
        foreign(Verb.DDATA, 3, codec.Metric(alias=77, place="int_value", raw=1), device="table-1"),
        foreign(Verb.NBIRTH, 0, codec.Metric(name="x", datatype=99)),
        foreign(Verb.NDEATH, None),
    ],
    ids=["empty", "unknown alias behind a gap", "unknown datatype", "death without bdSeq"],
)
def test_a_foreign_message_of_one_agent_stops_no_other(plant: Plant, garbage: object) -> None:
    other = plant.agent("pc-2", stations=[TABLE_2])
    plant.agent("pc-1", stations=[TABLE_1])
    plant.hear([garbage, garbage])  # type: ignore[list-item]
    plant.send(other, "table-2", build([(12, T0, 0, Type.FLOAT, 9.0)]), 1)
    plant.go(10_000, nodes=[other])
    assert plant.acknowledged["pc-2"] == {1}
    assert plant.historian.counts["failed messages"] == 0


@pytest.mark.parametrize("payload", [b"", b"\xff" * 100, b"\x12\x02\x0a\xff", bytes(range(256))])
def test_bytes_that_are_nothing_stop_nobody(plant: Plant, payload: bytes) -> None:
    node = plant.agent()
    for verb in ("NBIRTH", "NDATA", "NDEATH", "NCMD", "NONSENSE"):
        plant.historian.message(Message(f"spBv1.0/{SITE}/{verb}/pc-2", payload))
    for verb in ("DBIRTH", "DDATA", "DDEATH", "DCMD"):
        plant.historian.message(Message(f"spBv1.0/{SITE}/{verb}/pc-2/table-1", payload))
    plant.historian.message(Message("something/else", payload))
    plant.send(node, "table-1", angles(1.0), 1)
    plant.go(nodes=[node])
    assert plant.acknowledged["pc-1"] == {1}


def test_an_agent_that_floods_delays_no_other(plant: Plant) -> None:
    flood, quiet = plant.agent("pc-1", stations=[TABLE_1]), plant.agent("pc-2", stations=[TABLE_2])
    plant.go(100)
    for position in range(1, 6_001):
        plant.send(flood, "table-1", angles(1.0, start_ms=T0 + position), position)
    plant.send(quiet, "table-2", build([(12, T0, 0, Type.FLOAT, 9.0)]), 1)
    plant.historian.turn()
    assert plant.stored("table-2") == [9.0], "stored in the very next turn"
    assert plant.historian.inbox.dropped["pc-1"] == 2_000
    plant.go(3_000, nodes=[flood, quiet])
    assert plant.acknowledged["pc-2"] == {1}
    assert len(plant.acknowledged["pc-1"]) >= 3_900, "what had room is stored and acknowledged"
    assert max(plant.acknowledged["pc-1"]) <= 4_000, "what had none is not acknowledged"


def test_old_points_after_new_ones_leave_the_latest_alone(plant: Plant) -> None:
    node = plant.agent()
    plant.send(node, "table-1", angles(7.0, start_ms=T0 + 5_000), 2)
    plant.go(nodes=[node])
    plant.hear(node.historical("table-1", angles(1.0), 1, plant.clock.now_ms()))
    plant.go(nodes=[node])
    assert plant.acknowledged["pc-1"] == {1, 2}
    latest = plant.store.last("table-1", "angle").latest
    assert latest is not None and latest.value == 7.0


def test_the_same_message_again_changes_nothing(plant: Plant) -> None:
    node = plant.agent()
    plant.send(node, "table-1", angles(1.0, 2.0), 1)
    plant.go(nodes=[node])
    before = plant.store.count()
    plant.hear(node.historical("table-1", angles(1.0, 2.0), 1, plant.clock.now_ms()))
    plant.go(nodes=[node])
    assert plant.store.count() == before == 2


def test_health_and_states_are_stored_in_measurements_of_their_own(plant: Plant) -> None:
    node = plant.agent()
    plant.hear(node.health({"backlog_rows": 3, "cpu": 1.5}, plant.clock.now_ms()))
    plant.go()
    assert plant.stored("pc-1", "backlog_rows", EDGE_HEALTH) == [3]
    assert plant.stored("pc-1", "cpu", EDGE_HEALTH) == [1.5]
    assert plant.stored("pc-1", ONLINE, EDGE_HEALTH) == [True]
    assert plant.stored("table-1", ONLINE, STATION_STATE) == [True]
    plant.hear(node.device("table-1", False, plant.clock.now_ms()))
    plant.go()
    assert plant.stored("table-1", ONLINE, STATION_STATE) == [True, False]
    plant.hear([node.will(0, plant.clock.now_ms())])
    plant.go()
    assert plant.stored("table-2", ONLINE, STATION_STATE) == [True, False]
    assert plant.stored("pc-1", ONLINE, EDGE_HEALTH) == [True, False]
    assert plant.stored("table-2", WHY, STATION_STATE)[-1] == "NDEATH"
    assert plant.writer.tally.stored["pc-1"] == 0, "what the historian says itself is not counted"


def test_states_are_said_again_every_half_minute(tmp_path: Path) -> None:
    site = Site.model_validate(
        {"name": SITE, "stations": ({"name": "absent", "kind": "device", "agent": "pc-9"},)}
    )
    with closing(Plant(tmp_path, site)) as plant:
        plant.agent()
        plant.go(61_000, step_ms=500)
        assert plant.stored("table-1", ONLINE, STATION_STATE) == [True, True, True]
        assert plant.stored("absent", ONLINE, STATION_STATE) == [False, False]


def test_an_offline_state_of_ours_is_put_right_although_the_store_hangs(plant: Plant) -> None:
    """On the MQTT thread: nothing of the worker runs between question and answer."""
    (birth,) = plant.link.sent
    offline = write(HostState(False, T0))
    plant.historian.message(Message(topics.state(HOST), offline, 1, True))
    assert plant.link.sent[1:] == [birth]
    assert birth.retain and birth.qos == 1


def test_a_newer_foreign_offline_state_makes_the_connection_anew(plant: Plant) -> None:
    plant.historian.message(Message(topics.state(HOST), write(HostState(False, T0 + 9)), 1, True))
    assert plant.link.reconnects == 1


def test_what_was_not_understood_before_a_disconnect_is_not_acknowledged(plant: Plant) -> None:
    node = plant.agent()
    plant.go(nodes=[node])
    plant.send(node, "table-1", angles(1.0), 1)
    plant.link.down()
    plant.link.up()
    plant.go(nodes=[node])
    assert not plant.acknowledged and plant.stored("table-1") == []
    assert plant.historian.counts["forgotten at disconnect"] == 1
    node.disconnected()
    plant.hear(node.connected(plant.clock.now_ms(), 1))
    plant.hear(node.historical("table-1", angles(1.0), 1, plant.clock.now_ms()))
    plant.go(nodes=[node])
    assert plant.acknowledged["pc-1"] == {1} and plant.stored("table-1") == [1.0]


def test_stopping_stores_and_acknowledges_what_has_come(plant: Plant) -> None:
    node = plant.agent()
    plant.go(nodes=[node])
    plant.send(node, "table-1", angles(1.0), 1)
    plant.historian.stop()
    assert plant.stored("table-1") == [1.0]
    acknowledgement = plant.link.sent[-1]
    assert acknowledgement.topic == f"spBv1.0/{SITE}/NCMD/pc-1"
    (state,) = plant.link.final
    assert state.topic == topics.state(HOST) and b'"online": false' in state.payload
    assert plant.stored("table-1", ONLINE, STATION_STATE) == [True], "a stop is no station's fault"


def test_stopping_while_the_store_hangs_writes_nothing_beside_the_worker(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plant.historian.STOP_S", 0.01)
    begun, released, write = threading.Event(), threading.Event(), plant.store.write

    def hang(points: Sequence[Points]) -> list[list[Refusal]]:
        begun.set()
        assert released.wait(30)
        return write(points)

    monkeypatch.setattr(plant.store, "write", hang)
    node = plant.agent()
    plant.historian.connect()
    assert begun.wait(30)
    plant.send(node, "table-1", angles(1.0), 1)
    stopping = threading.Thread(target=plant.historian.stop)
    stopping.start()
    stopping.join(30)
    assert plant.store.writes == 0 and plant.historian.alive
    released.set()
    until(lambda: not plant.historian.alive, "the worker ends")
    assert plant.store.writes == 1


def test_records_go_to_the_recorder(plant: Plant) -> None:
    plant.historian.message(Message(topics.records(SITE, "pc-1"), b"{}", 1))
    assert plant.records.taken == [("pc-1", b"{}")]
    plant.records.full = True
    plant.historian.message(Message(topics.records(SITE, "pc-1"), b"{}", 1))
    assert plant.historian.counts["records not taken"] == 1
    assert plant.historian.confirm_records("pc-1", b"{}")
    assert plant.link.sent[-1] == Message(topics.recorded(SITE, "pc-1"), b"{}", 1)


def test_a_foreign_edge_without_acknowledgement_is_stored(plant: Plant) -> None:
    metric = codec.metric("Line/Speed", Datatype.DOUBLE, 4.5, T0)
    plant.hear([foreign(Verb.NBIRTH, 0, metric, edge="gateway")])
    plant.hear([foreign(Verb.DBIRTH, 1, metric, device="press", edge="gateway")])
    plant.go()
    assert plant.stored("gateway", "Line/Speed") == [4.5]
    assert plant.stored("press", "Line/Speed") == [4.5]


def test_metrics_and_health_can_be_read(plant: Plant) -> None:
    node = plant.agent(health=[])
    plant.send(node, "table-1", angles(1.0), 1)
    plant.go(nodes=[node])
    status = Status(plant.historian, plant.clock)
    registry = status.metrics().registry
    stored = registry.get_sample_value("historian_samples_stored_total", {"agent": "pc-1"})
    assert stored == 1.0
    assert registry.get_sample_value("historian_store_writes_total") == plant.writer.tally.writes
    assert registry.get_sample_value("historian_silent_seconds", {"agent": "pc-1"}) is not None
    health = status.health()
    assert health["ok"] is False, "there is no worker in this test"
    assert health["stations"] == {"table-1": True, "table-2": True}
