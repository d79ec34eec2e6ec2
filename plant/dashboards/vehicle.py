"""Vehicle: the trace of a visit, from the ledger. A VIN is nowhere here, only a pseudonym."""

from __future__ import annotations

from plant.dashboards import looks, panels, station, units
from plant.dashboards.board import Board, variable
from plant.dashboards.names import Source, uid
from plant.dashboards.panels import CELL, COLOURED_CELL, Json, Panel, Sql, by_name

VISIT = "${visit:sqlstring}"
RESULTS = {
    "OK": ("OK", looks.GREEN), "NotOK": ("not OK", looks.RED),
    "NotDecidable": ("not decidable", looks.YELLOW),
}  # fmt: skip
WHOLE = {"true": ("whole", looks.GREEN), "false": ("flawed", looks.YELLOW)}


def _coloured(field: str, mapping: dict[str, tuple[str, str]]) -> Json:
    return by_name(field, mappings=looks.values(mapping), custom__cellOptions=COLOURED_CELL)


JUDGED = (by_name("seconds", unit=units.SECONDS), _coloured("result", RESULTS))
CHOICES = """SELECT visit FROM visit
WHERE $__timeFilter(began) ORDER BY began DESC LIMIT 500"""
SUMMARY = f"""SELECT visit, vehicle, began, ended, seconds, stations, incomplete, records, result
FROM visit WHERE visit = {VISIT}"""
PLACES = f"""SELECT entered_at AS "time", station AS "place"
FROM station_visit WHERE visit = {VISIT}
UNION ALL
SELECT left_at AS "time", 'between stations' AS "place"
FROM station_visit WHERE visit = {VISIT}
ORDER BY 1"""
TRACE = f"""SELECT entered_at, left_at, line, station, kind, seconds, result, complete, flaws,
  (extract(epoch FROM entered_at) * 1000)::bigint AS from_ms,
  (extract(epoch FROM left_at) * 1000)::bigint AS to_ms
FROM station_visit WHERE visit = {VISIT} ORDER BY entered_at"""
RECORDS = f"""SELECT time, kind, station, data->>'from' AS "from", data->>'to' AS "to",
  coalesce(data->>'reason', '') AS reason, files, recorded_at, agent, id
FROM record WHERE visit = {VISIT} ORDER BY time, number LIMIT 1000"""
VISITS = """SELECT visit, vehicle, line, began, ended, seconds, stations, incomplete, result
FROM visit WHERE $__timeFilter(began) ORDER BY began DESC LIMIT 500"""


def uid_of(site: str) -> str:
    """The dashboard of vehicles."""
    return uid(site, "vehicle")


def board(site: str, ledger: Source, kinds: list[str], links: list[Json]) -> Board:
    """The trace of one visit, and the list of visits to choose from."""
    made = Board(
        uid_of(site), f"Vehicle ({site})",
        "Where a vehicle was, how long, with which result: one visit, chosen above or below.",
        tags=["vehicle"], variables=[variable("visit", "Visit", ledger, CHOICES)], links=links,
        start="now-24h", refresh="",
    )  # fmt: skip
    made.add(_summary(ledger), _places(ledger), _trace(site, ledger, kinds), _records(ledger))
    made.row("Visits in the time chosen", [_visits(site, ledger)])
    return made


def _table(title: str, told: str, query: Sql, h: int, overrides: list[Json]) -> Panel:
    return Panel(
        "table", title, told, units.TEXT, [query], 24, h, options=panels.table(), custom=CELL,
        overrides=overrides,
    )  # fmt: skip


def _summary(ledger: Source) -> Panel:
    told = (
        "The visit as a whole. The result is the worst of the latest results of its stations;"
        " `vehicle` is a pseudonym that is the same in all visits of one vehicle."
    )
    return _table("The visit", told, Sql(ledger, SUMMARY), 4, list(JUDGED))


def _places(ledger: Source) -> Panel:
    return Panel(
        "state-timeline", "Where it was",
        "The station at which the vehicle stood, and the time between stations. Choose a time range"
        " that holds the visit.",
        units.NONE, [Sql(ledger, PLACES)], 24, 5,
        options=panels.timeline(), custom=panels.TIMELINE,
        defaults={"color": {"mode": "palette-classic"},
                  "mappings": looks.values({"between stations": ("between stations", looks.GREY)})},
    )  # fmt: skip


def _trace(site: str, ledger: Source, kinds: list[str]) -> Panel:
    opened = [
        {
            "title": f"Samples of this time ({looks.words(kind)})",
            "url": f"/d/{station.uid_of(site, kind)}?var-station=${{__data.fields.station}}"
            "&from=${__data.fields.from_ms}&to=${__data.fields.to_ms}",
            "targetBlank": False,
        }
        for kind in kinds
    ]
    told = (
        "One row for each cycle at a station, with what is missing in its record. The link of a"
        " station leads to its samples of that time: choose the one of its kind."
    )
    hidden = {"custom__hideFrom": {"viz": True, "legend": True, "tooltip": True}}
    return _table("Station by station", told, Sql(ledger, TRACE), 8, [
        *JUDGED,
        by_name("station", links=opened), _coloured("complete", WHOLE),
        by_name("from_ms", **hidden), by_name("to_ms", **hidden),
    ])  # fmt: skip


def _records(ledger: Source) -> Panel:
    told = "Every entry of the ledger about this visit, in the order in which things happened."
    return _table("Records", told, Sql(ledger, RECORDS), 10, [])


def _visits(site: str, ledger: Source) -> Panel:
    chosen = {
        "title": "Show this visit",
        "url": f"/d/{uid_of(site)}?var-visit=${{__value.raw}}&${{__url_time_range}}",
        "targetBlank": False,
    }
    told = "The newest 500 visits that began in the time chosen; a click shows one above."
    return _table("Visits", told, Sql(ledger, VISITS), 12, [
        *JUDGED, by_name("visit", links=[chosen]),
    ])  # fmt: skip
