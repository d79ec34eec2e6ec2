"""What of the small world can fail by itself: its network, its store, its agent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from plant.stores.store import OWN_MEASUREMENTS, Points, Refusal, StoreRefuses
from tests.world.clock import PROCESS
from tests.world.network import Network
from tests.world.operations import Operations
from tests.world.programs import AgentProgram, FailingStore
from tests.world.small_site import AGENT


class SmallNet(Network):
    """A network that counts the steps of each process, so that one can die at any of them."""

    operations: Operations | None = None

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> Any:
        """As always; the n-th step of a process may be one that it does not live to take."""
        if self.operations is not None:
            process = PROCESS.get() if context is None else context.get(PROCESS)
            if process is not None and not process.is_dead:
                self.operations.hit("step of the agent" if AGENT in process.name
                                    else "step of the historian", process)  # fmt: skip
        return super().call_soon(callback, *args, context=context)


class SmallStore(FailingStore):
    """The real store, which fails as it is told to."""

    operations: Operations
    refuses_all = False

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.refuse: Callable[[Points], int] = lambda points: 0  # how many rows it does not take
        self.after: Callable[[], None] = lambda: None  # what happens once it has written

    def write(self, points: Any) -> list[list[Refusal]]:
        """Keep what can be kept."""
        listed: list[Points] = list(points)
        self.operations.hit("write", self)
        if self.refuses_all:
            raise StoreRefuses("this account may not write")
        parts = [_taken(one, self.refuse(one)) for one in listed]
        found = super().write([kept for kept, _ in parts])
        after, self.after = self.after, lambda: None
        after()
        return [[*one, *refused] for one, (_, refused) in zip(found, parts, strict=True)]


def _taken(points: Points, count: int) -> tuple[Points, list[Refusal]]:
    """Points without their first `count` samples, and the refusals of these."""
    if not count or points.measurement in OWN_MEASUREMENTS:
        return points, []
    gone = points.samples[:count]
    refused = [
        Refusal(
            points.station, points.names[int(gone.tag[row])].name, int(gone.time[row]),
            int(gone.status[row]), "", repr(gone.row(row)), "refused by this world",
        )
        for row in range(len(gone))
    ]  # fmt: skip
    rest = points.samples[count:]
    kept = Points(points.site, points.line, points.station, points.measurement, points.names,
                  rest, points.received_ms)  # fmt: skip
    return kept, refused


class SmallAgent(AgentProgram):
    """An agent whose outbox is left on its disk as a killed process, or a power cut, leaves it."""

    torn_at: int | None = None  # where the write-ahead log ends that reached the disk

    def _died(self) -> None:
        assert self.agent is not None
        outbox = self.agent.outbox
        log = outbox.path.with_name(outbox.path.name + "-wal")
        left = {file: file.read_bytes() for file in (outbox.path, log) if file.exists()}
        if self.torn_at is not None and log in left:
            left[log] = left[log][: self.torn_at]
        self.torn_at = None
        outbox.close()  # folds the log into the file, which the dead do not: so it is put back
        for file, content in left.items():
            file.write_bytes(content)
