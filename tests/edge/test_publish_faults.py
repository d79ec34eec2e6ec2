"""What goes wrong between the outbox and the wire costs a turn or a batch, never the publisher."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from edge.outbox import Outbox
from edge.outbox_file import SOURCE, Batch, Lost
from stations.declare import Type
from stations.samples import build
from tests.edge.reports import START_MS
from tests.edge.test_publish import AGAIN, BIRTH, LIVE, Wire
from wire import topics
from wire.sparkplug import acknowledge, metrics
from wire.sparkplug.codec import Payload, encode, metric
from wire.sparkplug.datatypes import Datatype
from wire.topics import Verb


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


async def test_a_disk_that_says_no_costs_the_publisher_a_turn_and_not_its_life(path: Path) -> None:
    wire = Wire(path)
    wire.commit(records=[("r-1", b"1")])
    await wire.connect()
    await wire.host()
    await wire.turns(0.2)
    forget, refusals = wire.outbox.records_confirmed, [1, 2, 3]

    def refuse(ids: Any) -> int:
        if refusals:
            refusals.pop()
            raise sqlite3.OperationalError("database or disk is full")
        return forget(ids)

    wire.outbox.records_confirmed = refuse  # type: ignore[method-assign]
    answer = orjson.dumps({"ids": ["r-1"], "refused": {}})
    await wire.hear(topics.recorded("site", "pc-1"), answer)
    await wire.turns(2.0)
    assert wire.outbox.fill().records == 0


async def test_nothing_of_a_session_that_is_over_precedes_the_births_of_the_next(
    path: Path,
) -> None:
    wire = Wire(path)
    await wire.connect()
    await wire.host()
    wire.sent()
    wire.session.told["on_disconnect"]("gone")
    wire.session.told["on_connect"]()  # before the event loop has had a turn
    wire.commit(1.0)
    await asyncio.sleep(0)
    await wire.host()
    await wire.turns(0.2)
    assert wire.sent() == [*BIRTH, AGAIN]


async def test_a_batch_that_no_message_can_carry_is_given_up_and_the_others_go_on(
    path: Path,
) -> None:
    lost: list[Lost] = []
    wire = Wire(path, lost=lost.extend)
    await wire.connect()
    await wire.host()
    wire.sent()
    samples = build([(6, START_MS, 0, Type.FLOATS, [0.5] * 140_000)])
    placed = wire.outbox.commit([Batch("press-1", samples, np.zeros(1, SOURCE))], START_MS)
    wire.publisher.fresh(placed, False)
    wire.commit(1.0)
    await wire.turns(0.2)
    assert wire.sent() == [LIVE]
    assert [(one.count, one.reason) for one in lost] == [(1, "too large to send")]
    assert wire.outbox.fill().batches == 1


async def test_a_restored_copy_of_the_outbox_takes_another_id_and_sends_all_of_it_again(
    path: Path,
) -> None:
    wire = Wire(path)
    await wire.connect()
    await wire.host()
    wire.commit(1.0, 2.0)
    wire.sent()
    old = wire.outbox.id
    await wire.acknowledge((1, 10))  # the historian has seen more than this file ever gave
    await wire.turns(2.0)
    assert wire.outbox.id != old
    assert wire.sent() == [*BIRTH, AGAIN, AGAIN]
    for id, left in ((old, 2), (wire.outbox.id, 0)):
        text = acknowledge.write(id, [(1, 2)])
        said = Payload(0, None, [metric(metrics.ACKNOWLEDGE, Datatype.STRING, text, 0)])
        await wire.hear(topics.node("site", Verb.NCMD, "pc-1"), encode(said))
        assert wire.outbox.fill().batches == left
    wire.outbox.close()
    assert Outbox(path).id == wire.outbox.id
