"""A link that is dead and looks alive, before a host that acknowledges nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.outbox import Outbox
from tests.edge.reports import TAGS
from tests.edge.sender import EVERY_S, holds, load, sender
from tests.mqtt.conftest import BrokerAt
from tests.servers import Mosquitto, until
from tests.wire_tap import WireTap
from wire import topics
from wire.mqtt import Message, Session
from wire.sparkplug.codec import decode

pytestmark = pytest.mark.system

KEEPALIVE_S = 1


class Recorder:
    """Whose host it is: what it was told of one tag, live and as history."""

    def __init__(self, broker: BrokerAt) -> None:
        self.live: Counter[float] = Counter()
        self.history: Counter[float] = Counter()
        self.session = Session(
            broker, "recorder", on_message=self.take, subscriptions=(("spBv1.0/#", 1),)
        )
        self.session.start()
        until(lambda: self.session.connected, "the recorder listens")

    @property
    def heard(self) -> set[float]:
        return {*list(self.live), *list(self.history)}

    def take(self, message: Message) -> None:
        address = topics.parse(message.topic)
        if address is None or address.verb is not topics.Verb.DDATA:
            return
        for one in decode(message.payload).metrics:
            if one.place == "double_value" and isinstance(one.raw, float):
                (self.history if one.is_historical else self.live)[one.raw] += 1


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path_factory.mktemp("mosquitto")) as broker:
        yield broker


async def test_a_half_open_link_under_load_costs_a_host_that_acknowledges_nothing_no_value(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    recorder = await asyncio.to_thread(Recorder, BrokerAt(mosquitto.port))
    outbox = Outbox(tmp_path / "outbox.db")
    outbox.numbers("press-1", [(tag.name, tag.value_type) for tag in TAGS.values()])
    with WireTap(mosquitto.port) as tap:
        async with sender(
            BrokerAt(tap.port, keepalive_s=KEEPALIVE_S), outbox, settle_s=2.0 * KEEPALIVE_S
        ) as publisher:
            await holds(lambda: publisher.node.can_send, "births are out")
            upto = await load(publisher, outbox, 0, 1.0)
            tap.drop()
            upto = await load(publisher, outbox, upto, 2.0 * KEEPALIVE_S + 1.0)
            await holds(lambda: not publisher.node.can_send, "the link is known to be dead", 60)
            tap.cut()
            tap.pass_on()
            await holds(lambda: publisher.node.can_send, "births are out")
            upto = await load(publisher, outbox, upto, 0.5)
            sent = set(map(float, range(upto)))
            await holds(
                lambda: sent <= recorder.live.keys() | recorder.history.keys(),
                "all of it has arrived",
                60,
            )
            missed = sent - recorder.live.keys()
            assert len(missed) > KEEPALIVE_S / EVERY_S, "the link was dead for long enough"
            assert set(recorder.live.values()) == {1}, "nothing that came twice came as live"
            # In the end the rolling buffer is empty, and what was let go has arrived.
            await holds(lambda: outbox.fill().batches == 0, "the buffer is empty")
    await asyncio.to_thread(recorder.session.disconnect)
    outbox.close()
