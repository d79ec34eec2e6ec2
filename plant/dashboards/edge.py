"""Edge health: whether anything is lost, late or about to be, agent by agent."""

from __future__ import annotations

from collections.abc import Sequence

from plant.dashboards import looks, panels, queries, units
from plant.dashboards.board import Board
from plant.dashboards.names import Source, Sources, uid
from plant.dashboards.panels import Influx, Json, Panel, Sql

HEALTH = "edge_health"
GAPS = """SELECT time, agent, station, data->>'reason' AS reason, data->>'began' AS began,
  data->>'ended' AS ended, data->>'count' AS samples
FROM record WHERE kind = 'gap' AND $__timeFilter(time) ORDER BY time DESC LIMIT 500"""
# field, unit, title, what it says, from where on it is red
LEVELS = (
    ("backlog_age", units.SECONDS, "Age of the oldest unacknowledged sample",
     "Near 0 while the plant confirms; it grows while broker, historian or store is away.", 300),
    ("backlog_samples", units.SHORT, "Backlog", "Samples that the plant has not confirmed.", None),
    ("backlog_bytes", "bytes", "Room taken in the outbox",
     "When it reaches the bound of the site file, the oldest samples are given up.", None),
    ("records_waiting", units.SHORT, "Records that wait", "Records not in the ledger yet.", None),
    ("bad_tags", units.SHORT, "Bad nodes and registers",
     "Tags that a machine refuses or does not have now.", 1),
    ("links_down", units.SHORT, "Links down", "Connections to machines that are down now.", 1),
    ("disk_free", "bytes", "Free disk", "Free room on the disk of the outbox.", None),
    ("memory", "bytes", "Memory", "Resident memory of the agent.", None),
    ("cpu", "percent", "Processor", "Processor time of the agent, of one core.", None),
)  # fmt: skip
# Counters since the agent started: what was added in each step.
COUNTS = (
    ("gaps", "Gaps", "Gap records made: samples may be missing, and the record says which.", 1),
    ("reconnects", "Reconnects", "Connections to machines that were lost or not to be had.", 1),
    ("repeats", "Repeats dropped", "Samples equal to the last in time, status and value.", None),
    ("commit_failures", "Failed commits", "Attempts to write the outbox that failed.", 1),
)  # fmt: skip
RATES = (
    ("samples", "Samples a second", "Samples that the agent has put into its outbox."),
    ("acknowledged", "Confirmed a second", "Samples that the plant has confirmed."),
)


def uid_of(site: str) -> str:
    """The dashboard of the agents' health."""
    return uid(site, "edge-health")


def board(site: str, agents: Sequence[str], sources: Sources, links: list[Json]) -> Board:
    """The health of all agents of a site."""
    made = Board(
        uid_of(site), f"Edge health ({site})",
        "Backlog, age of the oldest unacknowledged sample, gaps, reconnects and bad nodes.",
        tags=["edge"], links=links, start="now-6h", refresh="10s",
    )  # fmt: skip
    store = sources.samples
    made.add(*(_agent(site, agent, store) for agent in agents))
    made.add(_reports(site, store, len(agents)))
    made.row("Nothing is lost", [
        *(_level(site, store, *level) for level in LEVELS[:4]),
        _count(site, store, *COUNTS[0]), _gaps(sources.ledger),
    ])  # fmt: skip
    made.row("The machines", [
        *(_level(site, store, *level) for level in LEVELS[4:6]),
        _count(site, store, *COUNTS[1]),
        *(_rate(site, store, *rate) for rate in RATES), _count(site, store, *COUNTS[2]),
    ])  # fmt: skip
    made.row("The station PC", [
        *(_level(site, store, *level) for level in LEVELS[6:]), _count(site, store, *COUNTS[3]),
    ])  # fmt: skip
    return made


def _where(site: str, *more: str) -> str:
    return queries.where({"site": site}, queries.TIME, *more)


def _agent(site: str, agent: str, store: Source) -> Panel:
    where = {"site": site, "station": agent}
    online = queries.select(
        'last("online") AS "online"', HEALTH, queries.where(where, queries.EVER)
    )
    heard = queries.select('count("backlog_age") AS "reports in 90 s"', HEALTH,
                           queries.where(where, queries.HEARD))  # fmt: skip
    return Panel(
        "stat", agent,
        "Whether the agent's connection to the broker stands, and how many reports of its health"
        " came in 90 s: nine when all is well, none when agent, broker or historian is down.",
        units.NONE, [Influx(store, online, table=True), Influx(store, heard, table=True)], 6, 5,
        options=panels.tile("/^(online|reports in 90 s)$/", name=True),
        defaults={"noValue": "no report",
                  "thresholds": looks.thresholds((1, looks.GREEN), base=looks.BLACK)},
        overrides=[panels.by_name("online", mappings=looks.online())],
    )  # fmt: skip


def _reports(site: str, store: Source, agents: int) -> Panel:
    query = queries.over_time('max("links_down")', HEALTH, _where(site), tag="station", fill="null")
    some = {"options": {"from": 1, "to": None,
                        "result": {"index": 1, "text": "a machine is away", "color": looks.RED}},
            "type": "range"}  # fmt: skip
    return Panel(
        "state-timeline", "Agents and their machines",
        "Green: the agent reports and all its machines are connected. Red: a machine is away."
        " Nothing drawn: no report came, agent, broker or historian was down.",
        units.NONE, [Influx(store, query, "$tag_station")], 24, 4 + agents,
        options=panels.timeline(), custom=panels.TIMELINE,
        defaults={"mappings": [*looks.values({"0": ("all connected", looks.GREEN)}), some]},
        interval="1m",
    )  # fmt: skip


def _graph(
    title: str, told: str, unit: str, target: Influx, red_from: float | None, **custom: object
) -> Panel:
    steps = () if red_from is None else ((red_from, looks.RED),)
    shown = {"mode": "off" if red_from is None else "dashed"}
    return Panel(
        "timeseries", title, told, unit, [target],
        options=panels.graph_options(calcs=["lastNotNull", "max"]),
        custom=panels.line(thresholdsStyle=shown, **custom),
        defaults={"color": {"mode": "palette-classic"}, "thresholds": looks.thresholds(*steps)},
        interval="10s",
    )  # fmt: skip


def _level(
    site: str, store: Source, field: str, unit: str, title: str, told: str, red_from: float | None
) -> Panel:
    # No value over a silence: a backlog that nobody reports is not a backlog that stands still.
    query = queries.over_time(f'max("{field}")', HEALTH, _where(site), tag="station", fill="none")
    target = Influx(store, query, "$tag_station")
    return _graph(title, told, unit, target, red_from, spanNulls=120_000)


def _count(site: str, store: Source, field: str, title: str, told: str, red: float | None) -> Panel:
    what = f'non_negative_difference(max("{field}"))'
    query = queries.over_time(what, HEALTH, _where(site), tag="station", fill="none")
    target = Influx(store, query, "$tag_station")
    return _graph(title, told, units.SHORT, target, red, drawStyle="bars", fillOpacity=60)


def _rate(site: str, store: Source, field: str, title: str, told: str) -> Panel:
    what = f'non_negative_derivative(max("{field}"), 1s)'
    query = queries.over_time(what, HEALTH, _where(site), tag="station", fill="none")
    return _graph(title, told, "cps", Influx(store, query, "$tag_station"), None, spanNulls=120_000)


def _gaps(ledger: Source) -> Panel:
    return Panel(
        "table", "Gap records",
        "What may be missing, from when to when, how many samples if anybody knows, and why.",
        units.TEXT, [Sql(ledger, GAPS)], 16, 7, options=panels.table(), custom=panels.CELL,
    )  # fmt: skip
