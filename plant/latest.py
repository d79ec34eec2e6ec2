"""The latest sample of every tag and its last numbers, in memory, for whoever asks over HTTP.

The way of a sample to the store only appends what came to a list. It is folded into columns, many
batches in one pass, when somebody asks or when WAITING_ROWS have come together.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from plant.latest_columns import LatestColumns, Recent
from stations.declare import Type
from stations.samples import Samples, concat
from stations.status import BAD_WAITING_FOR_INITIAL_DATA
from wire.sparkplug.effects import EdgeId, Online, Received
from wire.sparkplug.lookup import Device
from wire.sparkplug.metrics import HEALTH

TAGS_MAX = 100_000
STATIONS_MAX = 10_000
WAITING_ROWS = 20_000
SIDE_BYTES_MAX = 16_384  # of a longer text or array only its quality is kept


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether a station or an agent is there, why not, and since when (the historian's time)."""

    agent: str
    online: bool
    why: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class Current:
    """The latest sample of a tag; `recent` are its last numbers, `count` how many came in all."""

    value: Any
    status: int
    time_ms: int
    count: int
    recent: Recent


@dataclass(frozen=True, slots=True)
class View:
    """What was known at one moment; `current` has, by number, the tags changed since `since`."""

    revision: int
    since: int
    names_changed: bool
    current: Mapping[int, Current]
    devices: Mapping[str, Device]
    stations: Mapping[str, Presence]
    agents: Mapping[str, Presence]


class Latest:
    """What the tags of a plant have now; its revision rises with every change.

    A sample that is older than the latest of its tag, such as one of a backlog, changes nothing.
    """

    def __init__(self, tags_max: int = TAGS_MAX) -> None:
        self.beyond = 0  # rows of tags for which there was no room
        self._columns = LatestColumns(tags_max)
        self._side: dict[int, bytes] = {}
        self._folding = threading.Lock()  # the columns, the revisions and the side entries
        self._lock = threading.Lock()  # what waits; held for an append, taken after the other
        self._waiting: list[Samples] = []
        self._rows = 0
        self._revision = self._names_revision = 1
        self._devices: dict[str, Device] = {}
        self._stations: dict[str, Presence] = {}
        self._agents: dict[str, Presence] = {}

    def heard(self, received: Received) -> None:
        """Samples of a station on their way to the store: hardly anything is done here."""
        with self._lock:
            self._waiting.append(received.samples)
            self._rows += len(received.samples)
            is_much = self._rows >= WAITING_ROWS
        if is_much:
            with self._folding:
                self._fold()

    def born(self, online: Online) -> None:
        """A birth: the names of a station's tags, and their values unless newer ones are known.

        A node with metrics of its own beside its health counts as a station.
        """
        name = online.station or online.edge.agent
        names = online.device.names.values()
        if not online.station and all(one.name.startswith(HEALTH) for one in names):
            return
        if name not in self._devices and len(self._devices) >= STATIONS_MAX:
            return
        with self._folding:
            self._fold()
            self._revision += 1
            self._devices[name] = online.device
            self._names_revision = self._revision
            # A tag that was not read yet has the time of the birth, and no sample.
            is_read = online.values.status != BAD_WAITING_FOR_INITIAL_DATA
            self._take(online.values[is_read], is_birth=True)

    def said(self, edge: EdgeId, station: str, online: bool, why: str, now_ms: int) -> None:
        """A station, or with station "" an agent, has come or gone."""
        known, name = (self._stations, station) if station else (self._agents, edge.agent)
        before = known.get(name)
        if before is None and len(known) >= STATIONS_MAX:
            return
        is_as_before = before is not None and before.online == online
        since_ms = before.since_ms if is_as_before and before is not None else now_ms
        known[name] = Presence(edge.agent, online, why, since_ms)

    def view(self, since: int = 0, recent: int | None = None) -> View:
        """What is known now, with the tags that have changed since a revision (0: all).

        `recent`: at most so many of the last numbers of each tag.
        """
        with self._folding:
            self._fold()
            revision, names_changed = self._revision, self._names_revision > since
            changed = self._columns.changed_since(since)
            rows = self._columns.rows(changed)
            side = [self._side.get(number, b"") for number in changed.tolist()]
            counts = self._columns.count[changed].tolist()
            numbers = self._columns.recent_of(changed, recent)
            devices = self._devices.copy()
        values = _with_side(rows, side)
        current = {
            number: Current(_value(values, at), status, time_ms, count, last)
            for at, (number, status, time_ms, count, last) in enumerate(
                zip(
                    changed.tolist(), rows.status.tolist(), rows.time.tolist(), counts, numbers,
                    strict=True,
                )
            )
        }  # fmt: skip
        stations, agents = self._stations.copy(), self._agents.copy()
        return View(revision, since, names_changed, current, devices, stations, agents)

    def _fold(self) -> None:
        with self._lock:
            waiting, self._waiting, self._rows = self._waiting, [], 0
        if waiting:
            self._revision += 1
            self._take(concat(waiting), is_birth=False)

    def _take(self, samples: Samples, *, is_birth: bool) -> None:
        inside = self._columns.inside(samples)
        self.beyond += len(samples) - len(inside)
        taken = self._columns.take(inside, self._revision, newer_alone=is_birth)
        for row in taken[inside.in_side[taken]].tolist():
            number, entry = int(inside.tag[row]), inside.side[int(inside.value[row])]
            if len(entry) > SIDE_BYTES_MAX:
                self._columns.type[number] = Type.NONE
            else:
                self._side[number] = entry


def _with_side(rows: Samples, entries: list[bytes]) -> Samples:
    """Rows whose texts and arrays are the n-th entry."""
    value = np.where(rows.in_side, np.arange(len(rows), dtype=np.uint64), rows.value)
    return Samples(rows.tag, rows.time, rows.status, rows.type, value, tuple(entries))


def _value(rows: Samples, at: int) -> Any:
    """A value as it is shown; None of one that is torn, which no store takes either."""
    try:
        return rows.row(at)
    except ValueError:
        return None
