"""From the outbox to a host that acknowledges nothing: what is kept, and when it goes again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.edge.test_publish import AGAIN, BIRTH, LIVE, Wire
from wire import topics
from wire.sparkplug import commands
from wire.topics import Verb


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


def sent_only(path: Path) -> Wire:
    """A publisher for a host that confirms nothing."""
    wire = Wire(path, primary=None)
    wire.publisher.delivery.settle_s = 20.0
    return wire


async def test_for_a_host_that_confirms_nothing_a_batch_is_kept_until_its_session_has_lived_on(
    path: Path,
) -> None:
    wire = sent_only(path)
    await wire.connect()
    wire.commit(1.0, 2.0)
    assert wire.sent() == [*BIRTH, LIVE, LIVE]
    await wire.turns(19.0)
    assert wire.outbox.fill().batches == 2
    await wire.lose()
    await wire.connect()
    await wire.turns(1.0)
    assert wire.sent() == [*BIRTH, AGAIN, AGAIN]
    await wire.acknowledge((1, 2))
    await wire.turns(19.0)
    assert wire.outbox.fill().batches == 2, "another host's word is none of this one"
    await wire.turns(5.0)
    assert wire.outbox.fill().batches == 0
    assert wire.sent() == []


async def test_a_broker_that_does_not_answer_costs_no_batch(path: Path) -> None:
    wire = sent_only(path)
    await wire.connect()
    wire.session.answers = False
    wire.commit(1.0)
    await wire.turns(60.0)
    assert wire.outbox.fill().batches == 1
    await wire.lose()
    wire.session.answers = True
    await wire.connect()
    await wire.turns(1.0)
    assert wire.sent() == [*BIRTH, LIVE, *BIRTH, AGAIN]


async def test_a_host_that_asks_for_births_gets_the_rolling_buffer_again(path: Path) -> None:
    wire = sent_only(path)
    await wire.connect()
    wire.commit(1.0, 2.0)
    wire.sent()
    wire.clock.seconds += 5.0
    payload = commands.rebirth(wire.clock.now_ms())
    await wire.hear(topics.node("site", Verb.NCMD, "pc-1"), payload)
    await wire.turns(1.0)
    assert wire.sent() == [*BIRTH, AGAIN, AGAIN]
