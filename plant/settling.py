"""The writer for a store that forgets: nothing is handed back before the store has settled it.

VictoriaMetrics answers 204 and loses the last seconds when it is killed. What was written is kept
here for the store's `settle_s`; when another run of the server answers by then, it is written
again. An agent waits that much longer for its acknowledgement, and loses nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol, runtime_checkable

import structlog

from plant.dead_letters import DeadLetters
from plant.stores.store import Store, StoreUnavailable
from plant.writer import SAMPLES_MAX, Item, Writer
from wire.clock import Clock

log = structlog.get_logger("historian")


@runtime_checkable
class Settling(Protocol):
    """What a store says that may forget what it has taken."""

    settle_s: float

    def run(self) -> str:
        """Which run of the server answers; StoreUnavailable when none does."""
        ...


@dataclass(frozen=True, slots=True)
class Held:
    """Items that were written to one run of the server, and when they are settled."""

    items: Sequence[Item]
    samples: int
    run: str
    due: float


def writer_for(store: Store, letters: DeadLetters, clock: Clock, random: Random) -> Writer:
    """The writer that this store needs."""
    if isinstance(store, Settling) and store.settle_s:
        return SettlingWriter(store, letters, clock, random)
    return Writer(store, letters, clock, random)


class SettlingWriter(Writer):
    """Bounded like a `Writer`; what is held counts among the samples that wait."""

    def __init__(self, store: Store, letters: DeadLetters, clock: Clock, random: Random) -> None:
        super().__init__(store, letters, clock, random)
        assert isinstance(store, Settling)
        self._settling: Settling = store
        self._held: deque[Held] = deque()
        self._held_samples = 0

    @property
    def samples(self) -> int:
        """How many samples wait, to be written or to be settled."""
        return super().samples + self._held_samples

    def wait_s(self) -> float | None:
        """Seconds until something is due; None when there is nothing."""
        wait = super().wait_s()
        due = [] if wait is None or self._held_samples >= SAMPLES_MAX else [wait]
        if self._held:
            settled = max(0.0, self._held[0].due - self._clock.monotonic())
            due.append(max(settled, super().pause_s()))
        return min(due, default=None)

    def write(self, *, now: bool = False) -> list[Item]:
        """Write what waits; the items that are settled now."""
        if super().pause_s() and not now:
            return []
        settled: list[Item] = []
        try:
            settled = self._settled()
            run = self._settling.run() if len(self) else ""
        except StoreUnavailable as error:
            self._retry(str(error))
            return settled
        if self._held_samples < SAMPLES_MAX and (items := super().write(now=now)):
            samples = sum(len(item.points.samples) for item in items)
            due = self._clock.monotonic() + self._settling.settle_s
            self._held.append(Held(items, samples, run, due))
            self._held_samples += samples
        return settled

    def _settled(self) -> list[Item]:
        if not self._held or self._held[0].due > self._clock.monotonic():
            return []
        run, settled = self._settling.run(), []
        while self._held and self._held[0].run == run:
            if self._held[0].due > self._clock.monotonic():
                return settled
            settled += self._drop_held().items
        again = []
        while self._held and self._held[0].run != run:
            again += self._drop_held().items
        if again:
            log.warning("the store was started anew; its last seconds are written again")
            self._put_back(again)
        return settled

    def _drop_held(self) -> Held:
        held = self._held.popleft()
        self._held_samples -= held.samples
        return held
