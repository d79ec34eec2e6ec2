"""Follows each station by the samples and births that pass, and says its state again and again.

It reads no store: what a station did last is known from its birth. It also notes which hours have
to be worked out again because something came late.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from plant.kpi.marks import LATE_HOURS_MAX, Mark
from plant.kpi.measurements import STATION_STATE
from plant.kpi.states import Said, offline_fields, state_fields
from plant.points import Model
from plant.stores.store import Points
from stations import kinds
from stations.cycle import Scheme
from stations.kpi import HOUR_MS
from stations.samples import Samples
from stations.status import BAD_WAITING_FOR_INITIAL_DATA
from wire.sparkplug.effects import Online, Received
from wire.sparkplug.lookup import Device

STATIONS_MAX = 10_000


@dataclass(slots=True)
class Followed:
    """What is known of one station now."""

    scheme: Scheme[Any] | None
    online: bool = False
    why: str = "not heard yet"
    state: Said | None = None
    since_ms: int = 0
    visit: Said | None = None
    heard_ms: int | None = None

    def take(self, said: Said) -> bool:
        """A newer sample of the state; False when it is older than what is known."""
        if not _is_newer(said, self.state):
            return False
        if self.state is None or said.value != self.state.value or not self.state.is_known:
            self.since_ms = said.time_ms
        self.state = said
        return True


class Follower:
    """All stations of a site and those that were born besides. Not thread-safe."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.stations = {name: Followed(scheme) for name, scheme in model.stations.items()}

    def received(self, received: Received, now_ms: int) -> tuple[list[Points], tuple[Mark, ...]]:
        """What a DATA message says: points of `station_state`, and hours to work out again."""
        followed = self._of(received.station, received.device)
        if followed is None:
            return [], ()
        followed.heard_ms = now_ms
        scheme = followed.scheme
        if scheme is None:
            return [], ()
        said = _said(received.samples, _number(received.device, scheme.state.name))
        visits = _said(received.samples, _number(received.device, scheme.visit.name))
        if not said and not visits:
            return [], ()
        rows = self._rows(received, followed, scheme, (said, visits), now_ms)
        late_ms = said[0].time_ms if said and received.historical else now_ms + HOUR_MS
        late = [time_ms for time_ms, row in rows if "online" not in row]
        points = [self._points(received.station, rows, now_ms)] if rows else []
        return points, self._marks(received.station, said, min([late_ms, *late]), now_ms)

    def _rows(
        self, received: Received, followed: Followed, scheme: Scheme[Any],
        said: tuple[list[Said], list[Said]], now_ms: int,
    ) -> list[tuple[int, dict[str, Any]]]:  # fmt: skip
        """One row for each moment at which the state or the visit was said.

        One that comes late does not tell whether the station was online then.
        """
        states, visits = ({one.time_ms: one for one in some} for some in said)
        rows: list[tuple[int, dict[str, Any]]] = []
        for time_ms in sorted({*states, *visits}):
            visit, state = visits.get(time_ms), states.get(time_ms)
            if visit is not None and _is_newer(visit, followed.visit):
                followed.visit = visit
            if state is None and (followed.state is None or followed.state.time_ms > time_ms):
                continue
            is_late = state is not None and not followed.take(state)
            if is_late or received.historical:
                at = state if is_late else followed.state
                since_ms = time_ms if is_late else followed.since_ms
                row = state_fields(
                    scheme, at, since_ms, None if is_late else followed.visit, time_ms
                )
            else:
                row = self._row(followed, time_ms, now_ms)
            rows.append((time_ms, row))
        return rows

    def linked(
        self, station: str, online: bool, why: str, now_ms: int, birth: Online | None = None
    ) -> Points | None:
        """A birth or a death: said at once. A birth tells the state that stands."""
        followed = self._of(station, None if birth is None else birth.device)
        if followed is None:
            return None
        followed.online, followed.why = online, why
        scheme = followed.scheme
        if birth is not None and scheme is not None:
            # What was not read yet has the time of the birth and would hide the first real sample.
            values = birth.values[birth.values.status != BAD_WAITING_FOR_INITIAL_DATA]
            for said in _said(values, _number(birth.device, scheme.state.name)):
                followed.take(said)
            for said in _said(values, _number(birth.device, scheme.visit.name)):
                followed.visit = said if _is_newer(said, followed.visit) else followed.visit
        return self._points(station, [(now_ms, self._row(followed, now_ms, now_ms))], now_ms)

    def beat(self, now_ms: int) -> list[Points]:
        """What every station does, said again."""
        return [
            self._points(station, [(now_ms, self._row(followed, now_ms, now_ms))], now_ms)
            for station, followed in self.stations.items()
        ]

    def _of(self, station: str, device: Device | None) -> Followed | None:
        """None for an agent itself, and for stations of a foreign edge beyond a bound."""
        if not station:
            return None
        followed = self.stations.get(station)
        if followed is None and len(self.stations) < STATIONS_MAX:
            followed = self.stations[station] = Followed(_scheme(device))
        return followed

    def _row(self, followed: Followed, time_ms: int, now_ms: int) -> dict[str, Any]:
        heard = followed.heard_ms
        row: dict[str, Any] = {
            "online": followed.online,
            "why": followed.why,
            "silent_s": None if heard is None else max(now_ms - heard, 0) / 1000,
        }
        if followed.scheme is None:
            return row
        if not followed.online:
            return row | offline_fields()
        return row | state_fields(
            followed.scheme, followed.state, followed.since_ms, followed.visit, time_ms
        )

    def _points(self, station: str, rows: list[tuple[int, dict[str, Any]]], now_ms: int) -> Points:
        line = self._model.line_of(station)
        return self._model.own(STATION_STATE, line, station, rows, now_ms)

    def _marks(
        self, station: str, said: Iterable[Said], late_ms: int, now_ms: int
    ) -> tuple[Mark, ...]:
        """From the first hour that changes to the present one, which is worked out anyway."""
        present = now_ms // HOUR_MS * HOUR_MS
        first = min((one.time_ms for one in said), default=now_ms)
        if first >= present and late_ms > now_ms:
            return ()
        begin = max(first // HOUR_MS * HOUR_MS, present - LATE_HOURS_MAX * HOUR_MS)
        line = self._model.line_of(station)
        hours = range(begin, present + 1, HOUR_MS)
        return tuple(Mark(line, hour, hour + HOUR_MS > late_ms) for hour in hours)


def _scheme(device: Device | None) -> Scheme[Any] | None:
    if device is None or device.kind not in kinds.names():
        return None
    return kinds.find(device.kind).scheme


def _is_newer(said: Said, known: Said | None) -> bool:
    return known is None or said.time_ms >= known.time_ms


def _number(device: Device, tag: str) -> int:
    known = device.by_name.get(tag)
    return -1 if known is None else known.number


def _said(samples: Samples, number: int) -> list[Said]:
    """The samples of one tag, in the order of time; there are few."""
    if number < 0:
        return []
    rows = np.flatnonzero(samples.tag == number)
    if not len(rows):
        return []
    found = [
        Said(int(samples.time[row]), int(samples.status[row]), samples.row(row))
        for row in rows.tolist()
    ]
    return sorted(found, key=lambda one: one.time_ms)
