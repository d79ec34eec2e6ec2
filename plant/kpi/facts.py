"""From the records of the ledger to points: cycles, stops and gaps, each at its own time.

A record is a fact that comes once, but in no order that can be relied on: the cause of a stop
stands in the record of its beginning, its length in that of its end.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from plant.kpi.marks import LATE_HOURS_MAX, Mark
from plant.kpi.measurements import STATION_CYCLE, STATION_GAP, STATION_STOP, Measurement
from plant.points import Model
from plant.stores.store import Points
from stations.cycle import Scheme
from stations.declare import Phase
from stations.kpi import HOUR_MS
from stations.records import Record
from wire.site import Site

STOPS_MAX = 10_000  # beginnings and ends that wait for one another
NO_CAUSE = ("reported", "first_seen", "unknown_number")


@dataclass(frozen=True, slots=True)
class Planned:
    """What a station is to do: its line, its planned run time, the takt of its line."""

    line: str
    scheme: Scheme[Any]
    pri_ms: int
    takt_ms: int | None


def planned(site: Site) -> dict[str, Planned]:
    """The stations of a site whose kind follows vehicles, by name."""
    found = {}
    for one in site.stations:
        if (scheme := one.scheme) is not None:
            pri_ms = one.cycle_ms or round(scheme.planned_s * 1000)
            found[one.name] = Planned(one.line, scheme, pri_ms, site.line(one.line).takt_ms)
    return found


@dataclass(frozen=True, slots=True)
class Fact:
    """Points that follow from a record, and the hours that they change."""

    points: Points
    marks: tuple[Mark, ...]


class Facts:
    """Records in, facts out; the same record again gives the same fact. Not thread-safe."""

    def __init__(self, site: Site, model: Model) -> None:
        self.planned = planned(site)
        self._model = model
        self._causes: OrderedDict[tuple[str, int], str] = OrderedDict()
        self._ends: OrderedDict[tuple[str, int], Record] = OrderedDict()

    def of(self, record: Record, now_ms: int) -> list[Fact]:
        """The facts of one record; none of a record that is of no use here."""
        plan = self.planned.get(record.station)
        if plan is None:
            return []
        try:
            if record.kind == "gap":
                return [self._gap(plan, record, now_ms)]
            if record.kind == f"{plan.scheme.kind}.state":
                return self._state(plan, record, now_ms)
            if record.kind.startswith(f"{plan.scheme.kind}.") and "cycle_s" in record.data:
                return [self._cycle(plan, record, now_ms)]
        except (KeyError, TypeError, ValueError):
            return []  # a record of another version of the kind
        return []

    def _cycle(self, plan: Planned, record: Record, now_ms: int) -> Fact:
        data, end_ms = record.data, ms(record.time)
        values = {
            "cycle_s": float(data["cycle_s"]),
            "ok": plan.scheme.good(data),
            "complete": bool(data["complete"]),
            "flaws": ",".join(data["flaws"]),
            "visit": record.visit or "",
            "planned_s": plan.pri_ms / 1000,
            "takt_s": None if plan.takt_ms is None else plan.takt_ms / 1000,
        }
        return self._fact(STATION_CYCLE, record, end_ms, values, (end_ms, end_ms), now_ms)

    def _state(self, plan: Planned, record: Record, now_ms: int) -> list[Fact]:
        """A state that begins may be a stop's cause; one that ends may be a stop."""
        data, time_ms = record.data, ms(record.time)
        facts: list[Fact] = []
        if data["from"] and is_stop(plan.scheme, data["from"]) and data["lasted_s"] is not None:
            begun_ms = time_ms - round(data["lasted_s"] * 1000)
            _keep(self._ends, (record.station, begun_ms), record)
            facts.append(self._stop(record, begun_ms, now_ms))
        if is_stop(plan.scheme, data["to"]):
            key = (record.station, time_ms)
            cause = data["to"].lower() if data["reason"] in NO_CAUSE else data["reason"]
            _keep(self._causes, key, cause)
            if key in self._ends:  # its end came before its beginning
                facts.append(self._stop(self._ends[key], time_ms, now_ms))
        return facts

    def _stop(self, ended: Record, begun_ms: int, now_ms: int) -> Fact:
        state, end_ms = ended.data["from"], ms(ended.time)
        values = {
            "reason": self._causes.get((ended.station, begun_ms), state.lower()),
            "duration_s": (end_ms - begun_ms) / 1000,
            "state_name": state,
            "visit": ended.visit or "",
        }
        return self._fact(STATION_STOP, ended, end_ms, values, (begun_ms, end_ms), now_ms)

    def _gap(self, plan: Planned, record: Record, now_ms: int) -> Fact:
        data = record.data
        began_ms, ended_ms = ms(data["began"]), ms(data["ended"])
        values = {
            "duration_s": max(ended_ms - began_ms, 0) / 1000,
            "reason": str(data["reason"]),
            "tags": ",".join(data["tags"]),
            "samples": data["count"],
        }
        return self._fact(STATION_GAP, record, began_ms, values, (began_ms, ended_ms), now_ms)

    def _fact(
        self, measurement: Measurement, record: Record, time_ms: int, values: dict[str, Any],
        span: tuple[int, int], now_ms: int,
    ) -> Fact:  # fmt: skip
        line = self.planned[record.station].line
        points = self._model.own(measurement, line, record.station, [(time_ms, values)], now_ms)
        oldest = now_ms - LATE_HOURS_MAX * HOUR_MS
        hours = range(max(span[0], oldest) // HOUR_MS * HOUR_MS, min(span[1], now_ms) + 1, HOUR_MS)
        return Fact(points, tuple(Mark(line, hour) for hour in hours))


def is_stop(scheme: Scheme[Any], state: str) -> bool:
    """Whether a state, by its name, is a stop; a name that is not known is none."""
    found = scheme.state.kind.__members__.get(state)
    return found is not None and found.phase is Phase.STOPPED


def ms(text: str) -> int:
    """UTC ms of a record's time."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def _keep(waiting: OrderedDict[tuple[str, int], Any], key: tuple[str, int], value: Any) -> None:
    waiting[key] = value
    while len(waiting) > STOPS_MAX:
        waiting.popitem(last=False)
