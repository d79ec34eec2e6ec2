"""The host goes offline on purpose and comes back (row 22)."""

from __future__ import annotations

from pathlib import Path

from tests.edge.test_publish import AGAIN, BIRTH, LIVE, Wire


async def test_what_was_taken_while_the_host_was_away_comes_as_history(tmp_path: Path) -> None:
    wire = Wire(tmp_path / "outbox.db")
    await wire.connect()
    await wire.host()
    wire.clock.seconds = 1.0
    await wire.host(online=False)
    wire.sent()
    await wire.lose()
    wire.commit(1.0, 2.0)
    await wire.connect()
    wire.commit(3.0)
    await wire.turns(1.0)
    assert wire.sent() == [], "nothing goes out before the host is online again"
    await wire.host()
    assert wire.sent() == BIRTH
    await wire.turns(1.0)
    assert wire.sent() == [AGAIN, AGAIN, AGAIN]
    wire.commit(4.0)
    assert wire.sent() == [LIVE]
