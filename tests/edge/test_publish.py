"""From the outbox to the wire and back: live, backlog, records, and what a confirmation does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from edge.delivery import ACK_S
from edge.outbox import Outbox
from edge.outbox_file import SOURCE, Batch, Lost
from edge.publish import Publisher
from edge.record_lane import RETRY_S
from stations.declare import Type
from stations.samples import EMPTY, build
from tests.edge.reports import START_MS, TAGS
from wire import topics
from wire.mqtt import Message
from wire.sparkplug import acknowledge, metrics, state
from wire.sparkplug.births import Station
from wire.sparkplug.codec import Metric, Payload, decode, encode, metric
from wire.sparkplug.datatypes import Datatype
from wire.sparkplug.edge_node import EdgeNode
from wire.topics import Verb

HOST = "historian"


class Clock:
    """Time that goes on only when a test says so."""

    seconds = 0.0

    def now_ms(self) -> int:
        return START_MS + int(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds


class Session:
    """What a publisher needs of an MQTT session; it notes what would have gone out."""

    def __init__(self, **told: Any) -> None:
        self.told = told
        self.out: list[Message] = []
        self.room = 1 << 30
        self.reconnects = 0
        self.connected = False
        self.message_max = 1 << 28
        self.answers = True

    def start(self) -> None:
        pass

    def publish(self, message: Message) -> bool:
        if not self.connected or self.room <= 0:
            return False
        self.room -= 1
        self.out.append(message)
        return True

    def mark(self, number: int) -> bool:
        if self.connected and self.answers:
            self.told["on_mark"](number)
        return self.connected

    def reconnect(self, final: Sequence[Message] = ()) -> None:
        self.reconnects += 1
        self.out += final

    def disconnect(self, final: Sequence[Message] = ()) -> bool:
        self.out += final
        return True


class Wire:
    """A publisher over a real outbox, and the host's side of the conversation."""

    def __init__(
        self,
        path: Path,
        primary: str | None = HOST,
        confirm: Callable[..., Any] | None = None,
        lost: Callable[[Sequence[Lost]], None] = lambda lost: None,
    ) -> None:
        self.clock = Clock()
        self.outbox = Outbox(path)
        self.outbox.numbers("press-1", [(tag.name, tag.value_type) for tag in TAGS.values()])
        self.node = EdgeNode(
            "site",
            "pc-1",
            self.outbox.id,
            [Station("press-1", "line-1", "device", TAGS)],
            last=lambda station: EMPTY,
            primary=primary,
        )
        self.publisher = Publisher(
            self.node,
            self.outbox,
            self.clock,
            run_blocking=self.run_blocking,
            blocking=lambda work, *args: work(*args),
            confirm=confirm or (lambda ranges: self.outbox.confirmed(ranges) >= 0),
            lost=lost,
        )
        self.publisher.connect(Session)
        session = self.publisher.session
        assert isinstance(session, Session)
        self.session = session

    async def run_blocking(self, work: Callable[..., Any], *args: Any) -> Any:
        return work(*args)

    async def connect(self) -> None:
        self.session.told["will"]()
        self.session.told["on_socket_open"]()
        self.session.connected = True
        self.session.told["on_connect"]()
        await asyncio.sleep(0)

    async def lose(self) -> None:
        self.session.connected = False
        self.session.told["on_disconnect"]("gone")
        await asyncio.sleep(0)

    async def hear(self, topic: str, payload: bytes) -> None:
        self.session.told["on_message"](Message(topic, payload))
        await asyncio.sleep(0)

    async def host(self, online: bool = True) -> None:
        said = state.HostState(online, self.clock.now_ms())
        await self.hear(topics.state(HOST), state.write(said))

    async def acknowledge(self, *ranges: tuple[int, int]) -> None:
        text = acknowledge.write(self.outbox.id, ranges)
        said = metric(metrics.ACKNOWLEDGE, Datatype.STRING, text, self.clock.now_ms())
        payload = encode(Payload(self.clock.now_ms(), None, [said]))
        await self.hear(topics.node("site", Verb.NCMD, "pc-1"), payload)

    def commit(self, *values: float, records: Sequence[tuple[str, bytes]] = ()) -> None:
        batches = []
        for value in values:
            samples = build([(1, START_MS + int(value), 0, Type.FLOAT, value)])
            batches.append(Batch("press-1", samples, np.zeros(1, SOURCE)))
        placed = self.outbox.commit(batches, self.clock.now_ms(), records)
        self.publisher.fresh(placed, bool(records))

    async def turns(self, seconds: float) -> None:
        """Let time pass, with a turn of the publisher every tenth of a second."""
        task = asyncio.create_task(self.publisher.run())
        for _ in range(round(seconds * 10)):
            self.clock.seconds += 0.1
            self.publisher.wake()
            for _ in range(4):
                await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    def sent(self) -> list[tuple[str, bool]]:
        """(verb or record, historical) of what went out, and forget it."""
        found = []
        for message in self.session.out:
            address = topics.parse(message.topic)
            if address is None:
                found.append(("record", False))
            else:
                listed: list[Metric] = decode(message.payload).metrics
                found.append((address.verb.value, any(one.is_historical for one in listed)))
        self.session.out.clear()
        return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


BIRTH = [("NBIRTH", False), ("DBIRTH", False)]
LIVE, AGAIN = ("DDATA", False), ("DDATA", True)


async def test_nothing_goes_out_before_the_host_is_online_and_the_births_are_out(
    path: Path,
) -> None:
    wire = Wire(path)
    wire.commit(1.0)
    await wire.connect()
    wire.commit(2.0)
    assert wire.sent() == []
    await wire.host()
    assert wire.sent() == BIRTH
    wire.commit(3.0)
    assert wire.sent() == [LIVE]
    await wire.turns(0.2)
    assert wire.sent() == [AGAIN, AGAIN]


async def test_only_what_is_confirmed_is_trimmed(path: Path) -> None:
    wire = Wire(path)
    await wire.connect()
    await wire.host()
    wire.commit(1.0, 2.0, 3.0)
    await wire.acknowledge((1, 1), (3, 3))
    await wire.turns(0.2)
    assert wire.outbox.fill().batches == 1
    assert [one.position for one in wire.outbox.waiting(99, set(), 9)[0]] == [2]


async def test_what_is_confirmed_does_not_go_again_before_it_is_trimmed(path: Path) -> None:
    wire = Wire(path, confirm=lambda ranges: True)
    await wire.connect()
    await wire.host()
    wire.commit(1.0, 2.0, 3.0)
    await wire.acknowledge((1, 2))
    wire.sent()
    await wire.turns(ACK_S - 1)
    assert wire.outbox.fill().batches == 3
    assert wire.sent() == []


async def test_a_confirmation_that_found_no_room_does_not_stop_the_sending(path: Path) -> None:
    wire = Wire(path, confirm=lambda ranges: False)
    await wire.connect()
    await wire.host()
    wire.commit(1.0)
    await wire.acknowledge((1, 1))
    wire.sent()
    await wire.turns(0.2)
    assert wire.sent() == [AGAIN]


async def test_what_is_not_confirmed_goes_again_as_history_by_one_probe_at_a_time(
    path: Path,
) -> None:
    wire = Wire(path)
    await wire.connect()
    await wire.host()
    wire.commit(*map(float, range(20)))
    wire.sent()
    await wire.turns(ACK_S - 0.5)
    assert wire.sent() == []
    await wire.turns(1.0)
    assert wire.sent() == [AGAIN]
    await wire.acknowledge((1, 1))
    await wire.turns(0.2)
    assert wire.sent() == [AGAIN] * 19


async def test_after_a_lost_connection_it_all_goes_again_after_new_births(path: Path) -> None:
    wire = Wire(path)
    await wire.connect()
    await wire.host()
    wire.commit(1.0)
    await wire.lose()
    wire.commit(2.0)
    wire.sent()
    await wire.connect()
    await wire.host()
    await wire.turns(0.2)
    assert wire.sent() == [*BIRTH, AGAIN, AGAIN]


async def test_an_offline_host_sends_the_agent_away_with_its_death_told(path: Path) -> None:
    wire = Wire(path)
    await wire.connect()
    await wire.host()
    wire.sent()
    wire.clock.seconds = 1.0
    await wire.host(online=False)
    assert wire.sent() == [("NDEATH", False)]
    assert wire.session.reconnects == 1
    wire.commit(1.0)
    assert wire.sent() == []


async def test_a_session_without_room_costs_no_value(path: Path) -> None:
    wire = Wire(path)
    await wire.connect()
    await wire.host()
    wire.sent()
    wire.session.room = 1
    wire.commit(1.0, 2.0, 3.0)
    assert wire.sent() == [LIVE]
    wire.session.room = 100
    await wire.turns(0.2)
    assert wire.sent() == [AGAIN, AGAIN]


async def test_records_go_until_the_ledger_names_them(path: Path) -> None:
    wire = Wire(path)
    wire.commit(records=[("r-1", b"1"), ("r-2", b"2")])
    await wire.connect()
    await wire.turns(0.2)
    assert wire.sent() == [], "the births are the first words of a session"
    await wire.host()
    await wire.turns(0.2)
    assert wire.sent() == [*BIRTH, *[("record", False)] * 2]
    await wire.turns(RETRY_S - 1)
    assert wire.sent() == []
    answer = orjson.dumps({"ids": ["r-1"], "refused": {}})
    await wire.hear(topics.recorded("site", "pc-1"), answer)
    await wire.turns(2.0)
    assert wire.sent() == [("record", False)]
    answer = orjson.dumps({"ids": [], "refused": {"r-2": "another body"}})
    await wire.hear(topics.recorded("site", "pc-1"), answer)
    await wire.turns(0.2)
    assert wire.outbox.fill().records == 0
    assert wire.publisher.records.refused == 1


@pytest.mark.parametrize("payload", [b"", b"[]", b"{}", b'{"ids": 3, "refused": 4}', b"\xff"])
async def test_a_confirmation_that_is_none_changes_nothing(path: Path, payload: bytes) -> None:
    wire = Wire(path)
    wire.commit(records=[("r-1", b"1")])
    await wire.connect()
    await wire.host()
    await wire.hear(topics.recorded("site", "pc-1"), payload)
    await wire.turns(0.2)
    assert wire.outbox.fill().records == 1


async def test_the_end_is_a_death_that_is_told(path: Path) -> None:
    wire = Wire(path)
    await wire.connect()
    await wire.host()
    wire.sent()
    await wire.publisher.stop()
    assert wire.sent() == [("NDEATH", False)]
