"""Andon, one dashboard for each line: to be read from five metres."""

from __future__ import annotations

from plant.dashboards import line, looks, panels, queries, station, units
from plant.dashboards.board import Board, data_link, link
from plant.dashboards.lines import Line
from plant.dashboards.names import uid
from plant.dashboards.panels import Influx, Json, Panel, by_name

TILES = 6  # to a row
DAY = "time > now() - 24h"


def uid_of(site: str, name: str) -> str:
    """The Andon dashboard of a line."""
    return uid(site, "andon", name)


def board(shown: Line, links: list[Json]) -> Board:
    """The Andon dashboard of a line; its stations stand in the order of the site file."""
    made = Board(
        uid_of(shown.site, shown.name),
        f"Andon {shown.name} ({shown.site})",
        "What every station of the line does now, takt against actual, vehicles out, alerts.",
        tags=["andon"], links=[*links, link("Line history", line.uid_of(shown.site, shown.name))],
        start="now-8h", refresh="5s",
    )  # fmt: skip
    width = 24 // min(TILES, max(1, len(shown.stations)))
    for first in range(0, len(shown.stations), TILES):
        group = shown.stations[first : first + TILES]
        made.add(*(_tile(shown, name, kind).sized(width, 6) for name, kind in group))
        made.add(*(_facts(shown, name, kind).sized(width, 4) for name, kind in group))
    made.row("The line", [_takt(shown), _out(shown), _oee(shown), _alerts(shown)])
    made.row("The last hours", [_actual(shown), _cycles(shown), _states(shown)])
    return made


def _tile(shown: Line, name: str, kind: str) -> Panel:
    here = queries.where({"site": shown.site, "station": name}, queries.HEARD)
    field = "state_name" if shown.has_states(kind) else "online"
    uid_there = station.uid_of(shown.site, kind if shown.has_states(kind) else name)
    opened = data_link(f"Open {name}", uid_there, f"var-station={name}&${{__url_time_range}}")
    state = queries.newest(queries.name(field), "station_state", here)
    return Panel(
        "stat", name,
        "Green: works. Blue: waits for a vehicle. Yellow: done, the vehicle still stands here. Red:"
        " stopped. Violet: bad quality. Grey: no data of the state. Black: its machine or its agent"
        " is offline. No coloured tile: the historian has said nothing for 90 s.",
        units.TEXT,
        [Influx(shown.samples, state, table=True)],
        options=panels.tile(f"/^{field}$/"),
        defaults={"mappings": shown.mappings(kind), "links": [opened], "noValue": "no data"},
    )  # fmt: skip


def _facts(shown: Line, name: str, kind: str) -> Panel:
    where = {"site": shown.site, "station": name}
    here = queries.where(where, queries.HEARD)
    facts = '"silent_s" AS "last heard"'
    if not shown.has_states(kind):
        return Panel(
            "stat", f"{name}: last heard", "How long ago the device was last heard.",
            units.SECONDS,
            [Influx(shown.samples, queries.newest(facts, "station_state", here), table=True)],
            options=panels.tile("/^last heard$/", name=True, colorMode="none"),
        )  # fmt: skip
    facts = f'"visit" AS "vehicle", "since_s" AS "for", {facts}'
    last = queries.select('last("cycle_s") AS "last cycle"', "station_cycle",
                          queries.where(where, DAY))  # fmt: skip
    late = [(shown.takt_s, looks.RED)] if shown.takt_s else []
    return Panel(
        "stat", f"{name}: vehicle and time",
        "The vehicle, how long the state has lasted, how long ago the station was last heard, and"
        " how long its last cycle took: red when that is longer than the takt.",
        units.SECONDS,
        [
            Influx(shown.samples, queries.newest(facts, "station_state", here), table=True),
            Influx(shown.samples, last, table=True),
        ],
        options=panels.tile(
            "/^(vehicle|for|last heard|last cycle)$/", name=True, colorMode="value"
        ),
        defaults={"color": {"mode": "fixed", "fixedColor": "text"}},
        overrides=[
            by_name("vehicle", unit=units.TEXT),
            by_name("last cycle", color={"mode": "thresholds"}, thresholds=looks.thresholds(*late)),
        ],
    )  # fmt: skip


def _takt(shown: Line) -> Panel:
    here = queries.where({"site": shown.site, "line": shown.name}, DAY)
    query = queries.select(queries.each("last", {"takt_s": "takt", "actual_s": "actual"}),
                           "line_kpi", here)  # fmt: skip
    late = looks.thresholds((shown.takt_s * 1.02, looks.YELLOW), (shown.takt_s * 1.1, looks.RED))
    return Panel(
        "stat", "Takt against actual",
        "The planned time from vehicle to vehicle, and the mean of the last hour in which one came"
        " out. Yellow: 2 % behind. Red: 10 % behind.",
        units.SECONDS, [Influx(shown.samples, query, table=True)], 8, 6,
        options=panels.tile(name=True, colorMode="value"),
        defaults={"color": {"mode": "fixed", "fixedColor": "text"}},
        overrides=[by_name("actual", color={"mode": "thresholds"}, thresholds=late)],
    )  # fmt: skip


def _out(shown: Line) -> Panel:
    line_here = {"site": shown.site, "line": shown.name}
    fields = {"vehicles_out": "in this time", "planned_out": "planned in this time"}
    chosen = queries.select(queries.each("sum", fields), "line_kpi",
                            queries.where(line_here, queries.TIME))  # fmt: skip
    day = queries.select('sum("vehicles_out") AS "in 24 h"', "line_kpi",
                         queries.where(line_here, DAY))  # fmt: skip
    return Panel(
        "stat", "Vehicles out",
        "Vehicles that the last station of the line has ended: in the time chosen above (choose the"
        " shift), as planned for it, and in 24 h.",
        units.NONE,
        [Influx(shown.samples, chosen, table=True), Influx(shown.samples, day, table=True)],
        6, 6, options=panels.tile(name=True, colorMode="none"),
        defaults={"decimals": 0},
    )  # fmt: skip


def _oee(shown: Line) -> Panel:
    here = queries.where({"site": shown.site, "line": shown.name}, queries.TIME)
    return Panel(
        "stat", "OEE of the bottleneck",
        "Overall equipment effectiveness after ISO 22400-2 of the station that limits the line, by"
        " the hour: availability x effectiveness x quality. The number is that of the last hour.",
        units.SHARE,
        [Influx(shown.samples, queries.select('"oee"', "line_kpi", here), "OEE")],
        5, 6, options=panels.tile(colorMode="value", graphMode="area"),
        defaults={"min": 0, "max": 1, "decimals": 0,
                  "thresholds": looks.effectiveness()},
    )  # fmt: skip


def _alerts(shown: Line) -> Panel:
    return Panel(
        "alertlist", "Alerts",
        "Alert rules of this site that fire or wait to fire, and those that have no data.",
        "", [], 5, 6,
        options={
            "viewMode": "list", "groupMode": "default", "groupBy": [], "maxItems": 20,
            "sortOrder": 1, "dashboardAlerts": False, "alertName": "",
            "alertInstanceLabelFilter": f'{{site="{shown.site}"}}', "datasource": "-- Grafana --",
            "stateFilter": {"firing": True, "pending": True, "noData": True, "normal": False,
                            "error": True},
        },
    )  # fmt: skip


def _actual(shown: Line) -> Panel:
    here = queries.where({"site": shown.site, "line": shown.name}, queries.TIME)
    fields = queries.each("mean", {"actual_s": "actual", "takt_s": "takt"})
    query = queries.over_time(fields, "line_kpi", here)
    return Panel(
        "timeseries", "Takt against actual, by the hour",
        "The mean time from vehicle to vehicle of each hour, against the takt.",
        units.SECONDS, [Influx(shown.samples, query, "$col")], 12, 7,
        options=panels.graph_options(), custom=panels.line(drawStyle="bars", fillOpacity=60),
        overrides=[by_name("takt", custom__drawStyle="line", custom__fillOpacity=0,
                           custom__lineWidth=2,
                           color={"mode": "fixed", "fixedColor": looks.RED})],
        interval="1h",
    )  # fmt: skip


def _cycles(shown: Line) -> Panel:
    return line.cycles(shown).sized(12, 7)


def _states(shown: Line) -> Panel:
    return line.states(shown)
