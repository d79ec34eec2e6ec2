"""A broker that takes small packets only: batches are cut to fit, what cannot fit waits, is said,
and holds up nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from edge.outbox import Outbox
from edge.outbox_file import SOURCE, Batch
from edge.packing import cuts
from edge.publish import Publisher
from stations.declare import Node, Tag, Type
from stations.samples import Samples, build
from tests.edge.reports import START_MS
from tests.edge.sender import PRESS, holds, sender
from tests.mqtt.conftest import BrokerAt
from tests.servers import Mosquitto
from wire import topics
from wire.mqtt import Message, Session
from wire.sparkplug import schema_pb2 as schema
from wire.sparkplug.births import Station
from wire.topics import Verb

LIMIT = 3_000
COUNT = 300


def large() -> Station:
    tags = {
        number: Tag(float, Node(f"T{number}"), doc="A number.") for number in range(1_000, 1_100)
    }
    for number, tag in tags.items():
        object.__setattr__(tag, "name", f"tag_{number}")
    return Station("large-1", "line-1", "device", tags)


def numbers(tag: int, first: int, count: int = COUNT) -> Samples:
    return build(
        [(tag, START_MS + i, 0, Type.FLOAT, float(i)) for i in range(first, first + count)]
    )


def batch(station: str, samples: Samples) -> Batch:
    return Batch(station, samples, np.zeros(len(samples), SOURCE))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    folder = tmp_path_factory.mktemp("small")
    with Mosquitto(folder, ("allow_anonymous true", f"max_packet_size {LIMIT}")) as broker:
        yield broker


@asynccontextmanager
async def sending(
    broker: BrokerAt, outbox: Outbox, settle_s: float | None, heard: list[Message]
) -> AsyncIterator[Publisher]:
    recorder = Session(
        broker, "recorder", on_message=heard.append, subscriptions=((topics.EVERYTHING, 0),)
    )
    recorder.start()
    await holds(lambda: recorder.connected, "the recorder listens")
    for one in (PRESS, large()):
        outbox.numbers(one.name, [(tag.name, tag.value_type) for tag in one.tags.values()])
    try:
        async with sender(broker, outbox, settle_s, stations=(PRESS, large())) as publisher:
            await holds(lambda: publisher.node.can_send, "the node is born")
            yield publisher
    finally:
        await asyncio.to_thread(recorder.disconnect)


def values(heard: list[Message], station: str) -> list[float]:
    topic = topics.device("site", Verb.DDATA, "pc-1", station)
    payloads = [schema.Payload.FromString(one.payload) for one in heard if one.topic == topic]
    metrics = [metric for one in payloads for metric in one.metrics]
    return [one.double_value for one in metrics if one.HasField("double_value")]


@pytest.mark.system
@pytest.mark.parametrize("version", ["3.1.1", "5"], ids=["the site file says it", "it says it"])
async def test_batches_are_cut_to_what_the_broker_takes(
    small: Mosquitto, tmp_path: Path, version: str
) -> None:
    heard: list[Message] = []
    outbox = Outbox(tmp_path / "outbox.db")
    limit = LIMIT if version == "3.1.1" else None
    broker = BrokerAt(small.port, version=version, packet_max=limit)  # type: ignore[arg-type]
    async with sending(broker, outbox, 0.1, heard) as publisher:
        for samples in (numbers(1, 0), numbers(1, COUNT)):
            publisher.fresh(outbox.commit([batch("press-1", samples)], START_MS), False)
        publisher.fresh(outbox.commit([batch("large-1", numbers(1_000, 0, 5))], START_MS), False)
        wanted = [float(number) for number in range(2 * COUNT)]
        await holds(lambda: values(heard, "press-1") == wanted, "every value, once and in order")
        await holds(lambda: outbox.fill().batches == 1, "what was proven leaves the outbox")
        assert publisher.tally.sessions == 1, "no message has ended the session"
        problems = list(publisher.caps.problems())
    assert len(problems) == 1
    assert "nothing of large-1 is sent: the birth of station large-1 has" in problems[0]
    assert "the cap is 2" in problems[0], "both sizes are said"
    assert not any("large-1" in one.topic for one in heard), "no data without a birth"
    outbox.close()


@pytest.mark.system
async def test_what_a_historian_must_confirm_whole_waits_and_holds_up_nothing(
    small: Mosquitto, tmp_path: Path
) -> None:
    heard: list[Message] = []
    told: list[int | None] = []
    outbox = Outbox(tmp_path / "outbox.db")
    async with sending(BrokerAt(small.port, version="5"), outbox, None, heard) as publisher:
        assert publisher.node.bytes_max < LIMIT
        publisher.caps.told = told.append
        publisher.caps.begin(LIMIT)
        before = batch("press-1", numbers(1, 0))
        publisher.fresh(outbox.commit([before], START_MS), False)
        cap = told[-1]
        assert cap is not None
        rest = numbers(1, COUNT)
        fitting = [batch("press-1", rest[a:b].compact()) for a, b in cuts(rest, cap)]
        publisher.fresh(outbox.commit(fitting, START_MS), False)
        wanted = [float(number) for number in range(COUNT, 2 * COUNT)]
        await holds(lambda: values(heard, "press-1") == wanted, "those that were cut in time")
        assert any("1 batches are larger" in one for one in publisher.caps.problems())
        assert outbox.fill().batches == 1 + len(fitting)
        assert publisher.tally.sessions == 1
    outbox.close()


def test_a_part_is_never_empty_and_none_is_left_out() -> None:
    samples = build(
        [(1, START_MS + i, 0, Type.TEXT, "x" * (900 if i == 2 else 10)) for i in range(6)]
    )
    for cap in (1, 300, 600, 1_000, 100_000):
        found = list(cuts(samples, cap))
        assert [row for start, end in found for row in range(start, end)] == list(range(6))
        assert all(start < end for start, end in found)
    assert list(cuts(samples, 100_000)) == list(cuts(samples, None)) == [(0, 6)]
