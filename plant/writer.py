"""Points on their way into the store: gathered, written in one transaction, tried again.

Only when the store and, for what it refuses, the dead letters have it on disk, is anything handed
back as written and may be acknowledged.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import structlog

from plant.dead_letters import DeadLetters
from plant.kpi.marks import Mark
from plant.stores.store import OWN_MEASUREMENTS, Points, Refusal, Store, StoreUnavailable
from wire.backoff import BackOff
from wire.clock import Clock
from wire.sparkplug.effects import EdgeId

PACE_S = 0.02
RETRY_FIRST_S, RETRY_MAX_S = 0.2, 10.0
SAMPLES_A_WRITE = 50_000
SAMPLES_MAX = 400_000
SAMPLES_MAX_AGENT = 100_000  # what one agent that floods can take of it
BYTES_MAX = 64 << 20
ITEMS_MAX = 20_000

log = structlog.get_logger("historian")


@dataclass(frozen=True, slots=True)
class Item:
    """Points of one message; `position` is 0 where nobody waits for an acknowledgement.

    `marks` are the hours that have to be worked out once the points are written.
    """

    edge: EdgeId | None
    points: Points
    outbox: str = ""
    position: int = 0
    marks: tuple[Mark, ...] = ()

    @property
    def agent(self) -> str:
        """The name of the agent it comes from; "" for what the historian says by itself."""
        return "" if self.edge is None else self.edge.agent

    @property
    def is_own(self) -> bool:
        """Whether it is what the historian says itself, such as health and station states."""
        return self.points.measurement in OWN_MEASUREMENTS

    @property
    def whose(self) -> str:
        """Under which agent its samples are counted: "" for the historian's own."""
        return "" if self.is_own else self.agent


@dataclass(slots=True)
class Tally:
    """What has become of the samples since the start, by agent."""

    stored: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    writes: int = 0
    write_s: float = 0.0
    retries: int = 0


class Writer:
    """Bounded: what does not fit is dropped and counted, is not acknowledged and so comes again."""

    def __init__(self, store: Store, letters: DeadLetters, clock: Clock, random: Random) -> None:
        self.tally = Tally()
        self.problem = ""
        self._store, self._letters, self._clock = store, letters, clock
        self._backoff = BackOff(RETRY_FIRST_S, RETRY_MAX_S, random)
        self._items: deque[Item] = deque()
        self._samples = self._bytes = 0
        self._of_agent: Counter[str] = Counter()
        self._due = 0.0

    def __len__(self) -> int:
        return len(self._items)

    @property
    def samples(self) -> int:
        """How many samples wait."""
        return self._samples

    def offer(self, item: Item) -> bool:
        """Whether there was room; the first samples of an agent always fit."""
        samples, size = len(item.points.samples), _size(item.points)
        full = (
            self._samples + samples > SAMPLES_MAX
            or self._of_agent[item.agent] + samples > SAMPLES_MAX_AGENT
            or self._bytes + size > BYTES_MAX
            or len(self._items) >= ITEMS_MAX
        )
        if full and (self._of_agent[item.agent] or not samples):
            self.tally.dropped[item.whose] += samples
            return False
        self._items.append(item)
        self._count_in(item, 1)
        return True

    def wait_s(self) -> float | None:
        """Seconds until the next write is due; None when there is nothing to write."""
        return self.pause_s() if self._items else None

    def pause_s(self) -> float:
        """Seconds until anything may be written again."""
        return max(0.0, self._due - self._clock.monotonic())

    def write(self, *, now: bool = False) -> list[Item]:
        """Write what waits, if it is time or must be `now`: the items that are on disk now."""
        if not self._items or (not now and self._clock.monotonic() < self._due):
            return []
        items = self._next()
        began = self._clock.monotonic()
        try:
            done = self._put_or_apart(items)
        except StoreUnavailable as error:
            self._retry(str(error))
            return []
        for _ in items:
            self._count_in(self._items.popleft(), -1)
        if self.problem:
            log.warning("the store takes samples again")
        self.problem = ""
        self._backoff.reset()
        self._due = began + PACE_S
        self.tally.writes += 1
        self.tally.write_s += self._clock.monotonic() - began
        return done

    def _put_back(self, items: Sequence[Item]) -> None:
        """These are to be written again, before all others."""
        self._items.extendleft(reversed(items))
        for item in items:
            self._count_in(item, 1)

    def _count_in(self, item: Item, sign: int) -> None:
        self._samples += sign * len(item.points.samples)
        self._of_agent[item.agent] += sign * len(item.points.samples)
        self._bytes += sign * _size(item.points)

    def _next(self) -> list[Item]:
        items: list[Item] = []
        samples = 0
        for item in self._items:
            samples += len(item.points.samples)
            if items and samples > SAMPLES_A_WRITE:
                break
            items.append(item)
        return items

    def _put_or_apart(self, items: Sequence[Item]) -> list[Item]:
        try:
            return self._put(items)
        except StoreUnavailable:
            raise
        except Exception:
            # Not the store's absence but something in these points: find out in whose.
            log.exception("the store failed on a write; its parts are tried one by one")
            return self._apart(items)

    def _put(self, items: Sequence[Item]) -> list[Item]:
        refused = self._store.write([item.points for item in items])
        pairs = list(zip(items, refused, strict=True))
        # What the historian says itself can be said again: a store without texts takes part of it.
        letters = [(item.agent, refusals) for item, refusals in pairs if not item.is_own]
        self._letters.add(letters, self._clock.now_ms())
        for item, refusals in pairs:
            self._count(item, refusals)
        return list(items)

    def _apart(self, items: Sequence[Item]) -> list[Item]:
        """Each item in a write of its own: one that fails takes no other with it.

        It is not acknowledged and comes again; `failed` counts it.
        """
        done: list[Item] = []
        for item in items:
            try:
                done += self._put([item])
            except StoreUnavailable:
                raise
            except Exception:
                self.tally.failed[item.whose] += len(item.points.samples)
                log.exception("points cannot be written", agent=item.agent)
        return done

    def _count(self, item: Item, refusals: Sequence[Refusal]) -> None:
        samples = len(item.points.samples)
        self.tally.stored[item.whose] += samples - len(refusals)
        if refusals:
            if not self.tally.refused[item.whose]:
                first = refusals[0]
                kept = "are not kept" if item.is_own else "are kept as dead letters"
                log.warning(
                    f"samples are refused and {kept}", agent=item.whose,
                    station=first.station, tag=first.tag, why=first.reason,
                )  # fmt: skip
            self.tally.refused[item.whose] += len(refusals)

    def _retry(self, why: str) -> None:
        self.tally.retries += 1
        if why != self.problem:
            log.warning("the store takes no samples; they wait", why=why)
        self.problem = why
        self._due = self._clock.monotonic() + self._backoff.next_s()


def _size(points: Points) -> int:
    return 25 * len(points.samples) + sum(map(len, points.samples.side))
