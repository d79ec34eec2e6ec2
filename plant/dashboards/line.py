"""Line history: which states, why it stopped, how long cycles took, OEE after ISO 22400-2."""

from __future__ import annotations

from plant.dashboards import looks, panels, queries, units
from plant.dashboards.board import Board
from plant.dashboards.lines import Line
from plant.dashboards.names import uid
from plant.dashboards.panels import CELL, Influx, Json, Panel, by_name, transformation

RATIOS = {
    "availability": ("apt_s", "pbt_s"),
    "effectiveness": ("run_s", "apt_s"),
    "quality": ("gq", "pq"),
    "OEE": ("good_run_s", "pbt_s"),
}
TIMES = {
    "apt_s": ("works", looks.GREEN),
    "adet_s": ("stopped", looks.RED),
    "idle_s": ("waits for a vehicle", looks.BLUE),
    "blocked_s": ("done, blocked", looks.YELLOW),
    "unknown_s": ("offline or unknown", looks.BLACK),
}


def uid_of(site: str, name: str) -> str:
    """The history of a line."""
    return uid(site, "line", name)


def board(shown: Line, links: list[Json]) -> Board:
    """The history of a line."""
    made = Board(
        uid_of(shown.site, shown.name),
        f"Line history {shown.name} ({shown.site})",
        "What the stations of the line did, why they stopped, how long cycles took, and OEE.",
        tags=["line"], links=links, start="now-24h", refresh="1m",
    )  # fmt: skip
    made.add(states(shown), _links(shown))
    made.row("Stops", [_pareto(shown), _stops(shown)])
    made.row("Cycles", [cycles(shown).sized(14, 8), _out(shown)])
    made.row("OEE after ISO 22400-2", [_oee(shown), _times(shown), _oee_by_hour(shown)])
    return made


def _where(shown: Line, *more: str) -> str:
    return queries.where({"site": shown.site, "line": shown.name}, queries.TIME, *more)


def states(shown: Line) -> Panel:
    """The states of all stations of a line over time."""
    query = queries.over_time('last("state_name")', "station_state", _where(shown), tag="station",
                              fill="null")  # fmt: skip
    return Panel(
        "state-timeline", "States",
        "Green: works. Blue: waits for a vehicle. Yellow: done. Red: stopped. Violet: bad quality."
        " Grey: no data of the state. Black: machine or agent offline. Nothing drawn: the historian"
        " was down. A state that does not change goes on in its colour.",
        units.NONE, [Influx(shown.samples, query, "$tag_station")],
        24, 3 + 2 * len(shown.stations), options=panels.timeline(), custom=panels.TIMELINE,
        defaults={"mappings": shown.mappings()}, interval="1m",
    )  # fmt: skip


def _links(shown: Line) -> Panel:
    query = queries.over_time('last("online")', "station_state", _where(shown), tag="station",
                              fill="null")  # fmt: skip
    return Panel(
        "state-timeline", "Machines and devices online",
        "Black: the machine's link or its agent was down. Nothing drawn: the historian was down.",
        units.NONE, [Influx(shown.samples, query, "$tag_station")],
        24, 3 + len(shown.stations), options=panels.timeline(), custom=panels.TIMELINE,
        defaults={"mappings": looks.online()}, interval="1m",
    )  # fmt: skip


def _pareto(shown: Line) -> Panel:
    query = queries.select("sum(/_s$/)", "stop_reason", _where(shown))
    return Panel(
        "barchart", "Why it stopped, longest first",
        "Pareto of the reasons of stops: seconds of all stations of the line in the time chosen.",
        units.SECONDS, [Influx(shown.samples, query, table=True)], 12, 9,
        options={**_bars(), "xField": "reason", "orientation": "horizontal"},
        custom={"fillOpacity": 80, "lineWidth": 0},
        defaults={"color": {"mode": "fixed", "fixedColor": looks.RED}, "min": 0},
        transformations=[
            transformation("renameByRegex", regex="^sum_(.*)_s$", renamePattern="$1"),
            transformation("reduce", mode="seriesToRows", reducers=["sum"]),
            panels.organize({"Field": "reason", "Total": "stopped"}),
            transformation("sortBy", sort=[{"field": "stopped", "desc": True}]),
        ],
    )  # fmt: skip


def _bars() -> Json:
    return {
        "barRadius": 0, "barWidth": 0.9, "fullHighlight": False, "groupWidth": 0.7,
        "legend": panels.legend(), "showValue": "auto", "stacking": "none",
        "tooltip": panels.tooltip(), "xTickLabelMaxLength": 24, "xTickLabelRotation": 0,
    }  # fmt: skip


def _stops(shown: Line) -> Panel:
    fields = '"station", "reason", "duration_s" AS "stopped", "state_name" AS "state", "visit"'
    query = queries.select(fields, "station_stop", _where(shown),
                           rest=" ORDER BY time DESC LIMIT 200")  # fmt: skip
    return Panel(
        "table", "The last stops",
        "The newest 200 stops in the time chosen, with their end, reason and vehicle.",
        units.TEXT, [Influx(shown.samples, query, table=True)], 12, 9,
        options=panels.table(), custom=CELL, overrides=[by_name("stopped", unit=units.SECONDS)],
    )  # fmt: skip


def cycles(shown: Line) -> Panel:
    """How long the cycles of each station took, against the takt."""
    mean = queries.over_time('mean("cycle_s")', "station_cycle", _where(shown), tag="station")
    takt = queries.over_time('mean("takt_s")', "station_cycle", _where(shown))
    return Panel(
        "timeseries", "Cycle time",
        "From arrival to done, of each vehicle at each station; the line is the takt.",
        units.SECONDS,
        [Influx(shown.samples, mean, "$tag_station"), Influx(shown.samples, takt, "takt")],
        options=panels.graph_options(calcs=["mean", "max"]),
        custom=panels.line(drawStyle="points", showPoints="always", pointSize=6),
        overrides=[by_name("takt", custom__drawStyle="line", custom__lineWidth=2,
                           custom__showPoints="never",
                           color={"mode": "fixed", "fixedColor": looks.RED})],
        interval="10s",
    )  # fmt: skip


def _out(shown: Line) -> Panel:
    fields = queries.each("sum", {"vehicles_out": "out", "planned_out": "planned"})
    query = queries.over_time(fields, "line_kpi", _where(shown))
    return Panel(
        "timeseries", "Vehicles out, by the hour",
        "Vehicles that the last station of the line has ended in each hour, against the plan.",
        units.NONE, [Influx(shown.samples, query, "$col")], 10, 8,
        options=panels.graph_options(calcs=["sum"]),
        custom=panels.line(drawStyle="bars", fillOpacity=70),
        defaults={"min": 0, "decimals": 0},
        overrides=[by_name("planned", custom__drawStyle="line", custom__fillOpacity=0,
                           color={"mode": "fixed", "fixedColor": looks.RED})],
        interval="1h",
    )  # fmt: skip


def _oee(shown: Line) -> Panel:
    fields = ", ".join(
        f'sum("{over}") / sum("{under}") AS "{name}"' for name, (over, under) in RATIOS.items()
    )
    query = queries.select(fields, "station_kpi", _where(shown), by='"station"')
    return Panel(
        "table", "OEE of each station in the time chosen",
        "Availability = actual production time over planned busy time. Effectiveness = planned run"
        " time of what was produced over actual production time: above 100 % when faster than"
        " planned. Quality = good over produced. OEE is their product. All are quotients of sums"
        " over the time chosen, never means of quotients.",
        units.SHARE, [Influx(shown.samples, query, table=True)], 12, 8,
        options=panels.table(), custom={**CELL, "cellOptions": {"type": "color-text"}},
        defaults={"decimals": 1, "thresholds": looks.effectiveness()},
        overrides=[by_name("station", unit=units.TEXT)],
        transformations=[panels.organize({"station": "station"}, hidden=["Time"])],
    )  # fmt: skip


def _times(shown: Line) -> Panel:
    fields = queries.each("sum", {field: name for field, (name, _) in TIMES.items()})
    query = queries.select(fields, "station_kpi", _where(shown), by='"station"')
    return Panel(
        "barchart", "Where the planned time went",
        "Planned busy time of each station: working (APT), stopped (ADET), waiting and blocked"
        " (ADOT), and what nobody knows.",
        units.SECONDS, [Influx(shown.samples, query, table=True)], 12, 8,
        options={
            **_bars(), "orientation": "horizontal", "stacking": "percent", "xField": "station",
        },
        custom={"fillOpacity": 80, "lineWidth": 0},
        overrides=[by_name(name, color={"mode": "fixed", "fixedColor": colour})
                   for name, colour in TIMES.values()],
        transformations=[panels.organize({"station": "station"}, hidden=["Time"])],
    )  # fmt: skip


def _oee_by_hour(shown: Line) -> Panel:
    query = queries.over_time('sum("good_run_s") / sum("pbt_s")', "station_kpi", _where(shown),
                              tag="station")  # fmt: skip
    return Panel(
        "timeseries", "OEE by the hour",
        "OEE of each station by the hour, or by the longer step of a longer time.",
        units.SHARE, [Influx(shown.samples, query, "$tag_station")], 24, 8,
        options=panels.graph_options(), custom=panels.line(lineWidth=2),
        defaults={"min": 0, "decimals": 0}, interval="1h",
    )  # fmt: skip
