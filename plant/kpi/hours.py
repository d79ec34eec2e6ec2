"""The hours of a line, worked out from what the store has: the same store gives the same numbers.

Nothing is remembered between two calls, so late data and a restart need no care of their own.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from plant.kpi.facts import Planned, planned
from plant.kpi.measurements import LINE_KPI, STATION_KPI, STATION_STATE, STOP_REASON, Measurement
from plant.kpi.states import Said, phase_of, state_fields
from plant.points import WITHDRAWN, Model, Row
from plant.stores import store as measurements
from plant.stores.store import Points, Store
from stations import kpi
from stations.declare import NAME, Phase
from stations.kpi import HOUR_MS, Account, Interval, Timeline
from wire.site import LineConfig, Site

DAY_MS = 24 * HOUR_MS
LONG_AGO_MS = 31 * DAY_MS  # how far back the state of a station that stands still is looked for
LINK_MS = 5 * 60_000  # the link was said at most this long before an hour begins
APART_MS = 6 * HOUR_MS
REASONS_MAX = 64  # of one station in one hour; the others count as `other`


@dataclass(frozen=True, slots=True)
class Seen:
    """What the store knows of one station in a stretch of hours."""

    states: list[Said]
    visits: list[Said]
    links: list[tuple[int, bool]]
    phases: Timeline
    pieces: list[tuple[int, bool]]
    stops: list[tuple[int, int, str]]


class Hours:
    """Works out hours of the lines of a site."""

    def __init__(self, site: Site, store: Store, model: Model) -> None:
        self.planned = planned(site)
        self._site, self._store, self._model = site, store, model

    def points(
        self, line: str, hours: Iterable[int], now_ms: int, fill: Iterable[int] = ()
    ) -> Iterator[Points]:
        """The points of some hours (their beginnings) of one line, and for the hours to `fill` what
        its stations did at the times of the points that are there already.
        """
        late = set(fill)
        for part in _runs(sorted(hour for hour in {*hours, *late} if hour <= now_ms)):
            yield from self._part(line, part, now_ms, late)

    def told_ms(self, station: str) -> int:
        """The end of the latest cycle of a station that the store has; 0 without any."""
        latest = self._store.last(station, "ok", measurements.STATION_CYCLE).latest
        return 0 if latest is None else latest.time_ms

    def accounts(self, station: str, hours: Sequence[int], now_ms: int) -> dict[int, Account]:
        """The account of each of some hours of one station."""
        seen = self.seen(station, hours[0], hours[-1] + HOUR_MS, now_ms)
        return self._accounts(self.planned[station], seen, hours, now_ms)

    def _part(
        self, line: str, hours: Sequence[int], now_ms: int, fill: set[int]
    ) -> Iterator[Points]:
        found: dict[str, dict[int, Account]] = {}
        for station, plan in self.planned.items():
            if plan.line != line:
                continue
            seen = self.seen(station, hours[0], hours[-1] + HOUR_MS, now_ms)
            accounts = found[station] = self._accounts(plan, seen, hours, now_ms)
            rows = [(hour, _fields(one, plan.pri_ms)) for hour, one in accounts.items()]
            self._withdraw(station, STATION_KPI, rows, ("effectiveness", "oee"))
            yield self._model.own(STATION_KPI, line, station, rows, now_ms)
            rows = [(hour, _reasons(seen.stops, _window(hour, now_ms))) for hour in hours]
            if seen.stops:
                self._withdraw(station, STOP_REASON, rows, _without_cause(plan))
            yield self._model.own(STOP_REASON, line, station, rows, now_ms)
            if late := [row for hour in fill & set(hours) for row in _filled(plan, seen, hour)]:
                yield self._model.own(STATION_STATE, line, station, late, now_ms)
        if line and found:
            yield self._line(line, found, hours, now_ms)

    def _accounts(
        self, plan: Planned, seen: Seen, hours: Sequence[int], now_ms: int
    ) -> dict[int, Account]:
        config, accounts = self._site.line(plan.line), {}
        for hour in hours:
            window = _window(hour, now_ms)
            spent = kpi.times(seen.phases, config.busy(*window), window)
            good = [ok for time, ok in seen.pieces if hour <= time < hour + HOUR_MS]
            accounts[hour] = kpi.account(spent, good, plan.pri_ms)
        return accounts

    def seen(self, station: str, start_ms: int, end_ms: int, now_ms: int) -> Seen:
        """What the store knows that bears on a stretch of time."""
        plan = self.planned[station]
        states = self._states(station, plan, start_ms, end_ms)
        links = [
            (one.time_ms, bool(one.value))
            for one in self._said(
                station, "online", start_ms - LINK_MS, end_ms, measurements.STATION_STATE
            )
        ]
        told = [(one.time_ms, phase_of(plan.scheme, one)) for one in states]
        return Seen(
            states,
            self._said(
                station, plan.scheme.visit.name, start_ms - DAY_MS, end_ms, plan.scheme.kind
            ),
            links,
            kpi.timeline(told, links, self._gaps(station, plan, start_ms, end_ms)),
            [
                (one.time_ms, bool(one.value))
                for one in self._said(station, "ok", start_ms, end_ms, measurements.STATION_CYCLE)
            ],
            self._stops(station, start_ms, min(end_ms + DAY_MS, now_ms + HOUR_MS)),
        )

    def _states(self, station: str, plan: Planned, start_ms: int, end_ms: int) -> list[Said]:
        """The states from the last one before the stretch on."""
        tag, kind = plan.scheme.state.name, plan.scheme.kind
        for before_ms in (DAY_MS, LONG_AGO_MS):
            states = self._said(station, tag, start_ms - before_ms, end_ms, kind)
            earlier = [index for index, one in enumerate(states) if one.time_ms <= start_ms]
            if earlier:
                return states[earlier[-1] :]
        return states

    def _gaps(self, station: str, plan: Planned, start_ms: int, end_ms: int) -> list[Interval]:
        """When nobody looked at the state."""
        where = (station, start_ms - DAY_MS, end_ms)
        tags = self._texts(*where, "tags", measurements.STATION_GAP)
        return [
            (one.time_ms, one.time_ms + round(1000 * one.value))
            for one in self._said(
                station, "duration_s", start_ms - DAY_MS, end_ms, measurements.STATION_GAP
            )
            if plan.scheme.state.name in tags.get(one.time_ms, "").split(",")
            or not tags.get(one.time_ms)
        ]

    def _stops(self, station: str, start_ms: int, end_ms: int) -> list[tuple[int, int, str]]:
        reasons = self._texts(station, start_ms, end_ms, "reason", measurements.STATION_STOP)
        return [
            (one.time_ms - round(1000 * one.value), one.time_ms, reasons.get(one.time_ms, "other"))
            for one in self._said(
                station, "duration_s", start_ms, end_ms, measurements.STATION_STOP
            )
        ]

    def _texts(
        self, station: str, start_ms: int, end_ms: int, tag: str, measurement: str
    ) -> dict[int, str]:
        found = self._said(station, tag, start_ms, end_ms, measurement)
        return {one.time_ms: str(one.value) for one in found}

    def _said(
        self, station: str, tag: str, start_ms: int, end_ms: int, measurement: str
    ) -> list[Said]:
        rows = self._store.range(station, tag, start_ms, end_ms, measurement)
        times, statuses = rows.time.tolist(), rows.status.tolist()
        return [Said(times[index], statuses[index], rows.row(index)) for index in range(len(rows))]

    def _withdraw(
        self, station: str, measurement: Measurement,
        rows: Sequence[tuple[int, dict[str, Any]]], names: Iterable[str],
    ) -> None:  # fmt: skip
        """Take back what was written and has no value any more: what comes late can do that."""
        for name in names:
            gone = [(hour, row) for hour, row in rows if row.get(name) is None]
            if not gone:
                continue
            where = (name, gone[0][0], gone[-1][0] + 1, measurement.name)
            known = {one.time_ms for one in self._said(station, *where) if one.value is not None}
            for hour, row in gone:
                row[name] = WITHDRAWN if hour in known else None

    def _line(
        self, line: str, found: dict[str, dict[int, Account]], hours: Sequence[int], now_ms: int
    ) -> Points:
        config = self._site.line(line)
        slowest = max(found, key=lambda station: self.planned[station].pri_ms)
        bottleneck = config.bottleneck if config.bottleneck in found else slowest
        start_ms, end_ms = hours[0] - DAY_MS, hours[-1] + HOUR_MS
        ends = [
            one.time_ms
            for station in self._exits(line)
            for one in self._said(station, "ok", start_ms, end_ms, measurements.STATION_CYCLE)
        ]
        rows = [
            (hour, _line_fields(config, bottleneck, found[bottleneck][hour], ends, hour, now_ms))
            for hour in hours
        ]
        return self._model.own(LINE_KPI, line, "", rows, now_ms)

    def _exits(self, line: str) -> list[str]:
        """The end of a line: its last station, and those of the same kind just before it."""
        stations = [
            (name, plan.scheme.kind) for name, plan in self.planned.items() if plan.line == line
        ]
        for _, group in groupby(reversed(stations), key=lambda one: one[1]):
            return [name for name, _ in group]
        return []


def _window(hour: int, now_ms: int) -> Interval:
    return hour, max(min(hour + HOUR_MS, now_ms), hour)


def _runs(hours: Sequence[int]) -> Iterator[list[int]]:
    """Hours that lie near one another, so that each stretch is read once."""
    run: list[int] = []
    for hour in hours:
        if run and hour - run[-1] > APART_MS:
            yield run
            run = []
        run.append(hour)
    if run:
        yield run


def _fields(one: Account, pri_ms: int) -> dict[str, Any]:
    return {
        "pbt_s": one.pbt_ms / 1000,
        "apt_s": one.apt_ms / 1000,
        "adet_s": one.adet_ms / 1000,
        "adot_s": one.adot_ms / 1000,
        "idle_s": one.idle_ms / 1000,
        "blocked_s": one.blocked_ms / 1000,
        "unknown_s": one.unknown_ms / 1000,
        "pri_s": pri_ms / 1000,
        "pq": one.pq,
        "gq": one.gq,
        "run_s": one.run_ms / 1000,
        "good_run_s": one.good_run_ms / 1000,
        **_ratios(one),
    }


def _ratios(one: Account) -> dict[str, float | None]:
    return {
        "availability": one.availability,
        "effectiveness": one.effectiveness,
        "quality": one.quality,
        "oee": one.oee,
    }


def _line_fields(
    config: LineConfig, bottleneck: str, account: Account, ends: list[int], hour: int, now_ms: int
) -> dict[str, Any]:
    window = _window(hour, now_ms)
    pbt_ms = kpi.length(config.busy(*window), window)
    busy = config.busy(min([hour, *ends]), hour + HOUR_MS)
    between_ms, count = kpi.between(ends, busy, (hour, hour + HOUR_MS))
    takt_ms = config.takt_ms
    return {
        "vehicles_out": sum(hour <= end < hour + HOUR_MS for end in ends),
        "pbt_s": pbt_ms / 1000,
        "takt_s": None if takt_ms is None else takt_ms / 1000,
        "planned_out": None if takt_ms is None else pbt_ms / takt_ms,
        "actual_s": kpi.ratio(between_ms / 1000, count),
        "between_s": between_ms / 1000,
        "vehicles_between": count,
        "bottleneck": bottleneck,
        **_ratios(account),
    }


def _without_cause(plan: Planned) -> list[str]:
    """The fields of stops whose beginning, and so their cause, was not known before their end."""
    states = plan.scheme.state.states or ()
    names = [state.name.lower() for state in states if state.phase is Phase.STOPPED]
    return [f"{name}_{what}" for name in names for what in ("s", "n")]


def _reasons(stops: Iterable[tuple[int, int, str]], window: Interval) -> dict[str, Any]:
    found = kpi.stopped(
        ((start, end, reason if NAME.match(reason) else "other") for start, end, reason in stops),
        (window[0], window[0] + HOUR_MS),
    )
    fields: dict[str, Any] = {}
    for reason, (ms, count) in sorted(found.items())[:REASONS_MAX]:
        fields |= {f"{reason}_s": ms / 1000, f"{reason}_n": count}
    return fields


def _filled(plan: Planned, seen: Seen, hour: int) -> Iterator[Row]:
    """The state at the times of the points of an hour whose states came late.

    Where nothing is known even now, the point stays as it was written.
    """
    state_times, visit_times = (
        [one.time_ms for one in some] for some in (seen.states, seen.visits)
    )
    for time_ms, _ in seen.links:
        index = bisect_right(state_times, time_ms) - 1
        if not hour <= time_ms < hour + HOUR_MS or index < 0:
            continue
        state = seen.states[index]
        if kpi.at(seen.phases, time_ms) is not phase_of(plan.scheme, state):
            continue
        while index and seen.states[index - 1].value == state.value:
            index -= 1
        visit = bisect_right(visit_times, time_ms) - 1
        at = seen.visits[visit] if visit >= 0 else None
        yield time_ms, state_fields(plan.scheme, state, state_times[index], at, time_ms)
