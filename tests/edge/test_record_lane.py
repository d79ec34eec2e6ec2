"""The records on their lane: none holds up another."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from edge.record_lane import LONG_BYTES, STRIKES_MAX
from edge.record_queue import Waiting
from tests.edge.test_publish import Wire


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


async def test_a_record_that_no_message_can_carry_holds_up_no_other(path: Path) -> None:
    wire = Wire(path)
    await wire.connect()
    await wire.host()
    wire.session.message_max = 5_000
    long, short = bytes(6_000), b"{}"
    wire.commit(records=[("long", long), ("short", short)])
    await wire.turns(1.0)
    assert [one.payload for one in wire.session.out if one.qos] == [short]
    assert wire.publisher.records.too_long == {"long": 6_000}
    await wire.lose()
    wire.session.message_max = 10_000
    await wire.connect()
    await wire.host()
    await wire.turns(1.0)
    assert wire.session.out[-2].payload == long, "a broker that takes more gets it"


async def test_records_that_are_not_answered_go_less_often_and_leave_room(path: Path) -> None:
    wire = Wire(path)
    await wire.connect()
    await wire.host()
    wire.sent()
    wire.commit(records=[(f"r-{n:02}", b"%d" % n) for n in range(60)])
    await wire.turns(1.0)
    assert len(wire.session.out) == 50
    await wire.turns(5.0)
    assert {one.payload for one in wire.session.out} == {b"%d" % n for n in range(60)}
    wire.session.out.clear()
    await wire.turns(400.0)
    assert 60 * 4 < len(wire.session.out) < 60 * 12


async def test_many_long_records_hold_up_no_short_one_and_all_arrive(path: Path) -> None:
    wire = Wire(path)
    await wire.connect()
    await wire.host()
    wire.sent()
    longs = [(f"long-{n:02}", b"%d" % n + bytes(LONG_BYTES)) for n in range(60)]
    wire.commit(records=[*longs, ("short", b"{}")])
    read = wire.outbox.record_queue.waiting
    bodies: list[int] = []

    def counted(*given: object) -> Waiting:
        found: Waiting = read(*given)  # type: ignore[arg-type]
        bodies.append(len(found.ready))
        return found

    wire.outbox.record_queue.waiting = counted  # type: ignore[assignment]
    await wire.turns(1.0)
    assert [len(one.payload) for one in wire.session.out if one.qos] == [len(longs[0][1]), 2]
    assert sum(bodies) == 2, "what cannot go now is not read, turn after turn"
    for id, body in longs:
        assert wire.session.out[-1].payload in (body, b"{}")
        wire.publisher.records.answered(orjson.dumps({"ids": [id], "refused": {}}))
        await wire.turns(0.2)
    assert {one.payload for one in wire.session.out} == {b"{}", *(body for _, body in longs)}


async def test_a_long_record_that_ends_every_session_rests(path: Path) -> None:
    wire = Wire(path)
    wire.commit(records=[("long", bytes(LONG_BYTES + 1)), ("short", b"{}")])
    sent = []
    for _ in range(6):
        await wire.connect()
        await wire.host()
        await wire.turns(1.0)
        sent.append([len(one.payload) for one in wire.session.out if one.qos])
        wire.session.out.clear()
        await wire.lose()
    assert sent == [[LONG_BYTES + 1, 2]] * STRIKES_MAX + [[2]] * 3
