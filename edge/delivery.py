"""Which batches are under way, which must go again, and how fast the backlog may follow.

Pure: time is passed in. A batch is under way from its sending until the historian confirms it, the
session ends, or `ack_s` has passed: then it is backlog. Backlog goes in a window, and only while
confirmations come; otherwise one batch every PROBE_S finds out whether anybody listens again.

For a host that confirms nothing the outbox is a rolling buffer: a batch leaves it when its session
has been proven to live on for `settle_s` after the sending. The proof is a mark that was put into
the same stream that much later and that the broker has answered: that nothing was heard of a loss
proves nothing, since a dead link is noticed late.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

ACK_S = 5.0
PROBE_S = 3.0
WINDOW = 64
SAMPLES_PER_S = 200_000
MARK_S = 2.0
DOUBT_S = 30.0  # between two times at which the rolling buffer goes again because a host asks
DOUBTS_MAX = 3  # so often a batch goes again because of that: a host may ask for ever


class Delivery:
    """The batches of one agent on their way to the store, by position.

    `settle_s`: for a host that confirms nothing, a batch counts as delivered when its session is
    proven to have lived on for so long after the sending; None where the historian confirms.
    `ack_s`: how long a confirmation may take.
    """

    def __init__(self, settle_s: float | None = None, ack_s: float = ACK_S) -> None:
        self.settle_s, self.ack_s = settle_s, ack_s
        self.live: dict[int, float] = {}
        self.historical: dict[int, float] = {}
        self.stalled = False
        self.expired = 0
        self._probe_at = 0.0
        self._refilled = 0.0
        self._budget = 0.0
        self._proven = float("-inf")  # the session lived when the mark of this time was put
        self._mark = 0
        self._marked: float | None = None  # when the mark was put that is not answered yet
        self._mark_due = 0.0
        self._doubted = False
        self._doubt_due = 0.0
        self._doubts: dict[int, int] = {}

    @property
    def under_way(self) -> set[int]:
        """The positions that need no sending now."""
        return self.live.keys() | self.historical.keys()

    def sent_live(self, position: int, now: float) -> None:
        """A fresh batch went out."""
        self.live[position] = now

    def sent_again(self, position: int, samples: int, now: float) -> None:
        """A batch of the backlog went out."""
        self.historical[position] = now
        self._budget -= samples
        if self.stalled:
            self._probe_at = now + PROBE_S

    def confirmed(self, ranges: Iterable[tuple[int, int]]) -> int:
        """The historian has these; returns how many of them were under way."""
        found = 0
        for lane in (self.live, self.historical):
            for first, last in ranges:
                gone = [position for position in lane if first <= position <= last]
                for position in gone:
                    del lane[position]
                    self._doubts.pop(position, None)
                found += len(gone)
        self.stalled = False
        return found

    def ended(self) -> None:
        """The session is over: what was under way may or may not have arrived."""
        self.live.clear()
        self.historical.clear()
        self.stalled = self._doubted = False
        self._proven, self._marked = float("-inf"), None

    def expire(self, now: float) -> None:
        """Make backlog of what was not confirmed in time."""
        if self.settle_s is not None:
            return
        for lane in (self.live, self.historical):
            late = [position for position, sent in lane.items() if now - sent > self.ack_s]
            for position in late:
                del lane[position]
            if late:
                self.expired += len(late)
                if not self.stalled:
                    self.stalled, self._probe_at = True, now

    def next_mark(self, now: float) -> int | None:
        """The number of the mark that is to be put now, if any; then tell `marked`."""
        if self.settle_s is None or not (self.live or self.historical):
            return None
        waits = self._marked is not None or now < self._mark_due
        return None if waits else self._mark + 1

    def marked(self, now: float) -> None:
        """The mark was put into the stream."""
        self._mark += 1
        self._marked, self._mark_due = now, now + MARK_S

    def reached(self, number: int) -> None:
        """The broker has what was put before this mark."""
        if number == self._mark and self._marked is not None:
            self._proven, self._marked = self._marked, None

    def unanswered_s(self, now: float) -> float:
        """For how long the broker has not answered a mark."""
        return 0.0 if self._marked is None else now - self._marked

    def settled(self) -> list[tuple[int, int]]:
        """For a host that confirms nothing: the positions whose session lived on long enough."""
        if self.settle_s is None:
            return []
        return [
            (position, position)
            for lane in (self.live, self.historical)
            for position, sent in lane.items()
            if self._proven - sent >= self.settle_s and not self._is_doubted(position)
        ]

    def doubt(self) -> None:
        """A host that confirms nothing asks for births: it may not have understood what it got."""
        self._doubted = self.settle_s is not None

    def give_back(self, now: float) -> bool:
        """Make backlog of what is in doubt; whether there was any."""
        if not self._doubted or now < self._doubt_due:
            return False
        self._doubted, self._doubt_due = False, now + DOUBT_S
        again = [position for position in self.under_way if self._may_go_again(position)]
        for position in again:
            self._doubts[position] = self._doubts.get(position, 0) + 1
            self.live.pop(position, None)
            self.historical.pop(position, None)
        return bool(again)

    def _is_doubted(self, position: int) -> bool:
        return self._doubted and self._may_go_again(position)

    def _may_go_again(self, position: int) -> bool:
        return self._doubts.get(position, 0) < DOUBTS_MAX

    def allowance(self, now: float) -> int:
        """How many batches of the backlog may go out now."""
        if self.stalled:
            return 1 if now >= self._probe_at else 0
        waited = now - self._refilled
        self._refilled = now
        self._budget = min(self._budget + waited * SAMPLES_PER_S, SAMPLES_PER_S / 4)
        if self._budget <= 0:
            return 0
        # Where nothing is confirmed there is nothing to wait for: only the rate holds.
        return WINDOW if self.settle_s is not None else max(WINDOW - len(self.historical), 0)


class Positions(Protocol):
    """Some positions of the outbox."""

    def __contains__(self, position: int, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class Either:
    """The positions that are in one or the other."""

    one: Positions
    other: Positions

    def __contains__(self, position: int) -> bool:
        return position in self.one or position in self.other
