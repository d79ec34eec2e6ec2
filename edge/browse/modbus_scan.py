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
        self._limits: dict[str, _Limits] = {}
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
            walk = _Walk(span, self._limits_of(span.table))
            while walk.at <= span.last:
                at = walk.at
                if await self._step(walk):
                    self._unread(span, "the device has no such table")
                    self._known += span.last - span.first + 1
                    return True
                self._done(self._known + walk.at - span.first)
            self._note(span.table)
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
            if walk.refused(count, is_told=unread.code in ILLEGAL):
                self._unread(Span(table, start, start), str(unread))
            return False
        values = zip(range(start, start + count), found.tolist(), strict=True)
        words.setdefault(table, {}).update(values)
        walk.answered(count)
        return False

    def _limits_of(self, table: str) -> _Limits:
        is_bits = table in ("coil", "discrete")
        most = self._registers_max * (BITS_PER_REGISTER if is_bits else 1)
        return self._limits.setdefault(table, _Limits(most, may_pair=not is_bits))

    def _note(self, table: str) -> None:
        limits, notes = self._limits[table], []
        if limits.is_lowered:
            notes.append(f"{table}: what is refused at once is answered in parts of {limits.most}")
        if limits.least == 2:
            notes.append(f"{table}: single registers are refused, pairs are answered")
        self.image.notes += [note for note in notes if note not in self.image.notes]

    def _unread(self, span: Span, why: str) -> None:
        self.image.unread.append((span, why))


@dataclass(slots=True)
class _Limits:
    """How much of a table a device gives at once, as far as that is known.

    Some devices answer only whole numbers, which have two registers: while no single register was
    ever answered, each that is refused is asked for together with the next one (`may_pair`).
    """

    most: int
    least: int = 1
    may_pair: bool = False
    is_lowered: bool = False


class _Walk:
    """Where a scan is, and how much it asks for next."""

    def __init__(self, span: Span, limits: _Limits) -> None:
        self.at = span.first
        self.span = span
        self._limits = limits
        self._size = limits.most
        self._is_pair = False  # a single register was refused, now it is asked for with the next
        self._refused: Span | None = None  # the largest block that was refused, while in it
        self._largest = 0  # what was answered at once inside of it

    def next(self) -> tuple[int, int]:
        """What to ask for: start and count."""
        left = self.span.last - self.at + 1
        count = min(self._size, self._limits.most, left)
        return self.at, max(count - count % self._limits.least, min(self._limits.least, left))

    def refused(self, count: int, *, is_told: bool) -> bool:
        """A block brought nothing; True when its first address is passed by for that.

        `is_told`: the device says that it is illegal.
        """
        if count > self._limits.least and not self._is_pair:
            if self._refused is None and is_told:
                last = self.at + count - 1
                self._refused, self._largest = Span(self.span.table, self.at, last), 0
            self._size = max(count // 2, self._limits.least)
            return False
        if count == 1 and self._limits.may_pair and self.at < self.span.last:
            self._is_pair, self._size = True, 2
            return False
        self.at, self._size = self.at + 1, self._limits.least
        self._is_pair, self._refused = False, None
        return True

    def answered(self, count: int) -> None:
        """A block was answered."""
        if count == 1:
            self._limits.may_pair = False
        if self._is_pair:
            self._limits.least, self._limits.may_pair, self._is_pair = 2, False, False
        self.at += count
        self._size = 2 * count
        self._largest = max(self._largest, count)
        if self._refused is not None and self.at > self._refused.last:
            # All of it was answered in parts: the device refuses so many at once.
            self._limits.most, self._limits.is_lowered = self._largest, True
            self._refused = None
