"""A store that forgets: what is settled is handed back, whatever fails in the same moment."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from random import Random

from plant.dead_letters import DeadLetters
from plant.settling import writer_for
from plant.stores.sqlite import SqliteStore
from plant.stores.store import StoreUnavailable
from plant.writer import Item
from tests.plant.plant import ManualClock
from tests.plant.points import T0, angles
from wire.sparkplug.effects import EdgeId

EDGE = EdgeId("flins-vo", "pc-1")


class Settling(SqliteStore):
    """Settles after a second, and says which run it is as often as it may."""

    settle_s = 1.0
    answers = 0

    def run(self) -> str:
        if not self.answers:
            raise StoreUnavailable("it does not answer")
        self.answers -= 1
        return "run-1"


def test_what_is_settled_is_handed_back_although_the_next_write_fails(tmp_path: Path) -> None:
    clock = ManualClock()
    with (
        closing(Settling(tmp_path / "samples.db")) as store,
        closing(DeadLetters(tmp_path / "dead.db")) as letters,
    ):
        writer = writer_for(store, letters, clock, Random(1))
        writer.offer(Item(EDGE, angles([1.0]), "outbox-1", 1))
        store.answers = 1
        assert writer.write() == []
        clock.passed_ms += 2_000
        writer.offer(Item(EDGE, angles([2.0], T0 + 1), "outbox-1", 2))
        store.answers = 1
        assert [item.position for item in writer.write()] == [1]
        assert writer.problem == "it does not answer"
