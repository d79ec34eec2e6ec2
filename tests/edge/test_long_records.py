"""A record that the broker does not take costs no other one its way: three sorts of brokers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from edge.outbox import Outbox
from tests.edge.reports import TAGS
from tests.edge.sender import holds, sender
from tests.mqtt.conftest import BrokerAt
from tests.servers import Mosquitto
from wire import topics
from wire.mqtt import Message, Session

pytestmark = pytest.mark.system

LIMIT = 50_000
OPEN = "allow_anonymous true"


@pytest.mark.parametrize(
    ("setting", "version"),
    [("message_size_limit", "3.1.1"), ("max_packet_size", "3.1.1"), ("max_packet_size", "5")],
    ids=["takes it and drops it", "ends the session", "says what it takes"],
)
async def test_a_record_that_the_broker_does_not_take_holds_up_no_other(
    tmp_path: Path, setting: str, version: str
) -> None:
    heard: list[Message] = []
    outbox = Outbox(tmp_path / "outbox.db")
    outbox.numbers("press-1", [(tag.name, tag.value_type) for tag in TAGS.values()])
    outbox.commit([], 0, records=[("long", bytes(2 * LIMIT)), ("short-1", b"{}")])
    with Mosquitto(tmp_path, (OPEN, f"{setting} {LIMIT}")) as broker:
        recorder = Session(
            BrokerAt(broker.port), "recorder", on_message=heard.append,
            subscriptions=((topics.records("site", "pc-1"), 1),),
        )  # fmt: skip
        recorder.start()
        await holds(lambda: recorder.connected, "the recorder listens")
        async with sender(BrokerAt(broker.port, version=version), outbox) as publisher:
            await holds(lambda: heard, "the short record arrives")
            at_rest = publisher.tally.sessions + 2 * (setting == "max_packet_size")
            if version == "3.1.1" and setting == "max_packet_size":
                await holds(
                    lambda: publisher.tally.sessions >= 4 and publisher.node.can_send,
                    "the long record rests and the session stands",
                )  # fmt: skip
            publisher.fresh(outbox.commit([], 0, records=[("short-2", b"[]")]), True)
            await holds(lambda: b"[]" in [one.payload for one in heard], "the next one")
            assert publisher.tally.sessions <= at_rest + 4
        await asyncio.to_thread(recorder.disconnect)
    assert {one.payload for one in heard} == {b"{}", b"[]"}
    assert outbox.fill().records == 3, "the long one waits for another broker"
    outbox.close()
