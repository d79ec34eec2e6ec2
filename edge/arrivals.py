"""What comes into the intake, and what of it is going to be committed together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from edge.files.table import FileRow
from edge.lane import Lane
from edge.pipeline import Kept
from edge.sources.source import Gap, Report
from stations.records import Record


@dataclass(frozen=True, slots=True)
class Arrival:
    """A report or a gap of one connection of one station."""

    lane: Lane
    connection: str
    what: Report | Gap


@dataclass(frozen=True, slots=True)
class Stated:
    """A record that was made elsewhere, and its files; `done` is called when both are on disk."""

    record: Record
    files: tuple[FileRow, ...]
    done: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Positions that the historian has stored, as ranges with both ends included."""

    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """Time to look for stale values and at the bounds of the outbox."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Stations come and go: `apply` is called between two groups, when nothing is half done."""

    apply: Callable[[], None]


Item = Arrival | Stated | Confirmed | Tick | Exchange


@dataclass(slots=True)
class Group:
    """What is going to be committed together."""

    kept: dict[str, list[Kept]] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    files: list[FileRow] = field(default_factory=list)
    done: list[Callable[[], None]] = field(default_factory=list)
    memos: dict[str, bytes] = field(default_factory=dict)
    ranges: list[tuple[int, int]] = field(default_factory=list)
    rows: int = 0
    tick: bool = False
    exchange: Exchange | None = None
