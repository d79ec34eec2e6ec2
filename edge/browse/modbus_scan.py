"""Which registers of a range answer: large blocks while they do, smaller ones around what does not.

A block that is answered makes the next one twice as large, one that is refused half as large, down
to one register; so one that is refused costs a handful of requests, and one in an empty stretch one
request. Nothing is taken for absent that was not asked for by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from edge.browse.modbus_asker import Asker, Enough, Unread
from edge.sources.modbus_line import ILLEGAL

ILLEGAL_FUNCTION = 1
BITS_PER_REGISTER = 16


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Addresses of a table from `first` to `last`, both included."""

    table: str
    first: int
    last: int

    @property
    def text(self) -> str:
        """`holding 7`, `holding 0-199`."""
        return f"{self.table} {self.first}" + (f"-{self.last}" if self.last > self.first else "")


@dataclass(slots=True)
class Image:
    """What was read, by table and address; what was not and why; what was learned on the way."""

    words: dict[str, dict[int, int]] = field(default_factory=dict)
    unread: list[tuple[Span, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    stopped: str = ""


def joined(spans: Iterable[Span]) -> list[Span]:
    """The spans without overlaps, in the order in which their tables are first named."""
    by_table: dict[str, list[Span]] = {}
    for span in spans:
        by_table.setdefault(span.table, []).append(span)
    found: list[Span] = []
    for table, members in by_table.items():
        parts: list[Span] = []
        for span in sorted(members):
            if parts and span.first <= parts[-1].last + 1:
                parts[-1] = Span(table, parts[-1].first, max(parts[-1].last, span.last))
            else:
                parts.append(span)
        found += parts
    return found


class Scan:
    """Scans spans one after another into one image; `done` is told how many addresses it knows."""

    def __init__(self, asker: Asker, registers_max: int, done: Callable[[int], None]) -> None:
        self.image = Image()
        self._asker = asker
        self._done = done
        self._known = 0
        self._sizes: dict[str, int] = {}
        self._registers_max = registers_max

    async def run(self, spans: Iterable[Span]) -> Image:
        """Everything that these spans (see `joined`) have; it stops when there is reason to."""
        without: set[str] = set()
        for span in spans:
            if self.image.stopped:
                self._unread(span, f"not asked for: {self.image.stopped}")
            elif span.table in without:
                self._unread(span, "the device has no such table")
            elif await self._has_none(span):
                without.add(span.table)
        return self.image

    async def _has_none(self, span: Span) -> bool:
        """Scan a span; True when the device says that it does not know such a table at all."""
        at = span.first
        try:
            walk = _Walk(span, self._sizes.get(span.table, self._most(span.table)))
            while walk.at <= span.last:
                at = walk.at
                if await self._step(walk):
                    self._unread(span, "the device has no such table")
                    return True
                self._done(self._known + walk.at - span.first)
            self._sizes[span.table] = walk.most
            if walk.most < self._most(span.table):
                note = f"{span.table}: what is refused at once is answered in parts of {walk.most}"
                self.image.notes += [] if note in self.image.notes else [note]
        except Enough as enough:
            self.image.stopped = str(enough)
            self._unread(Span(span.table, at, span.last), f"not asked for: {enough}")
        self._known += span.last - span.first + 1
        return False

    async def _step(self, walk: _Walk) -> bool:
        """One request; True when the function is illegal and nothing of the table was ever read."""
        table, words = walk.span.table, self.image.words
        start, count = walk.next()
        try:
            found = await self._asker.read(table, start, count)
        except Unread as unread:
            if unread.code == ILLEGAL_FUNCTION and not words.get(table):
                return True
            if count == 1:
                self.image.unread.append((Span(table, start, start), str(unread)))
            walk.refused(count, is_told=unread.code in ILLEGAL)
            return False
        values = zip(range(start, start + count), found.tolist(), strict=True)
        words.setdefault(table, {}).update(values)
        walk.answered(count)
        return False

    def _most(self, table: str) -> int:
        is_bits = table in ("coil", "discrete")
        return self._registers_max * (BITS_PER_REGISTER if is_bits else 1)

    def _unread(self, span: Span, why: str) -> None:
        self.image.unread.append((span, why))


class _Walk:
    """Where a scan is, how much it asks for next, and how much the device allows at once."""

    def __init__(self, span: Span, most: int) -> None:
        self.span = span
        self.at = span.first
        self.most = most
        self._size = most
        self._refused: Span | None = None  # the largest block that was refused, while in it
        self._largest = 0  # what was answered at once inside of it

    def next(self) -> tuple[int, int]:
        """What to ask for: start and count."""
        return self.at, min(self._size, self.most, self.span.last - self.at + 1)

    def refused(self, count: int, *, is_told: bool) -> None:
        """A block brought nothing; one of a single address is passed by. `is_told`: as illegal."""
        if count > 1:
            if self._refused is None and is_told:
                last = self.at + count - 1
                self._refused, self._largest = Span(self.span.table, self.at, last), 0
            self._size = count // 2
            return
        self.at, self._size, self._refused = self.at + 1, 1, None

    def answered(self, count: int) -> None:
        """A block was answered."""
        self.at += count
        self._size = 2 * count
        self._largest = max(self._largest, count)
        if self._refused is not None and self.at > self._refused.last:
            # All of it was answered in parts: the device refuses so many at once.
            self.most, self._refused = self._largest, None
