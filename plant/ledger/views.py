"""The views for people and for Grafana: what stands in them, and how they are made.

They are written once; only what the two databases spell differently is filled in. PostgreSQL has a
function of our own, `record_data`, because jsonb has no NUL, and because a record that is not as it
was must not keep a view from showing the others.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from plant.ledger.derive import RESULTS

TIME, TEXT, COUNT, NUMBER, TRUTH, JSON = (
    "time", "text", "whole number", "number", "true or false", "JSON",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ViewColumn:
    """One column: its name, what it holds, and whether it is searched quickly."""

    name: str
    type: str
    doc: str
    indexed: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """A view, one row per `row`."""

    name: str
    row: str
    columns: tuple[ViewColumn, ...]
    select: str


VEHICLE = View(
    "vehicle",
    "vehicle that was named and is not forgotten",
    (
        ViewColumn("vehicle", TEXT, "pseudonym: 16 random hexadecimal digits for each VIN", True),
        ViewColumn("visits", COUNT, "how often it was here"),
        ViewColumn("first_seen", TIME, "begin of its first visit"),
        ViewColumn("last_seen", TIME, "end of its last visit"),
    ),
    """
    SELECT i.vehicle, count(*) AS visits, min(t.began) AS first_seen, max(t.ended) AS last_seen
    FROM identity i LEFT JOIN tour t ON t.visit = i.visit
    GROUP BY i.vehicle
    """,
)
VISIT = View(
    "visit",
    "visit that a record mentions",
    (
        ViewColumn("visit", TEXT, "the visit", True),
        ViewColumn("vehicle", TEXT, "pseudonym of its vehicle; empty when nobody named it", True),
        ViewColumn("site", TEXT, "site of its first record"),
        ViewColumn("line", TEXT, "line of its first record"),
        ViewColumn(
            "began", TIME, "when it entered the first station or had its first record", True
        ),
        ViewColumn("ended", TIME, "when it left the last station or had its last record", True),
        ViewColumn("seconds", NUMBER, "from `began` to `ended`"),
        ViewColumn("stations", COUNT, "different stations that have records of it"),
        ViewColumn("station_visits", COUNT, "how many rows it has in `station_visit`"),
        ViewColumn("incomplete", COUNT, "how many of them are not complete"),
        ViewColumn("records", COUNT, "how many rows it has in `record`"),
        ViewColumn("last_station", TEXT, "station of its latest record"),
        ViewColumn(
            "result",
            TEXT,
            "the worst of the latest result of each station: NotOK, NotDecidable or OK; "
            "empty when nothing was judged",
        ),
    ),
    """
    SELECT t.visit, i.vehicle, t.site, t.line, t.began, t.ended,
        {seconds} AS seconds,
        (SELECT count(DISTINCT e.station) FROM entry e WHERE e.visit = t.visit) AS stations,
        t.station_visits, t.incomplete, t.records, t.last_station,
        CASE (
            SELECT max({rank}) FROM (
                SELECT c.result, row_number() OVER (
                    PARTITION BY e.line, e.station ORDER BY c.left_at DESC, c.number DESC
                ) AS latest
                FROM entry e JOIN cycle c ON c.number = e.number WHERE e.visit = t.visit
            ) judged WHERE latest = 1
        ) {words} END AS result
    FROM tour t LEFT JOIN identity i ON i.visit = t.visit
    """,
)
STATION_VISIT = View(
    "station_visit",
    "cycle of a vehicle at a station",
    (
        ViewColumn("number", COUNT, "number of the record in the ledger", True),
        ViewColumn("record", TEXT, "id of the record", True),
        ViewColumn("visit", TEXT, "the visit", True),
        ViewColumn("vehicle", TEXT, "pseudonym of the vehicle; empty when nobody named it", True),
        ViewColumn("site", TEXT, "site of the station"),
        ViewColumn("line", TEXT, "line of the station"),
        ViewColumn("station", TEXT, "the station"),
        ViewColumn("kind", TEXT, "first word of the record's kind: studio, inspection, battery"),
        ViewColumn("entered_at", TIME, "when the vehicle came", True),
        ViewColumn("left_at", TIME, "when the work was done, or the vehicle left before", True),
        ViewColumn("seconds", NUMBER, "what the record says of the time between the two"),
        ViewColumn("complete", TRUTH, "whether nothing is missing in the record"),
        ViewColumn("flaws", TEXT, "what is missing, as codes (records.md); empty when complete"),
        ViewColumn(
            "result",
            TEXT,
            "the worst of the record's measurements or gates: NotOK, NotDecidable or OK; "
            "empty when nothing is judged there",
        ),
    ),
    """
    SELECT c.number, e.id AS record, e.visit, i.vehicle, e.site, e.line, e.station,
        {first_word} AS kind,
        c.entered_at, c.left_at, c.seconds, c.complete, c.flaws, c.result
    FROM cycle c JOIN entry e ON e.number = c.number LEFT JOIN identity i ON i.visit = e.visit
    """,
)
RECORD = View(
    "record",
    "record in the ledger",
    (
        ViewColumn("number", COUNT, "its place in the chain: 1, 2, 3, ...", True),
        ViewColumn("id", TEXT, "its id, a UUID of version 7", True),
        ViewColumn("kind", TEXT, "its kind, such as studio.session", True),
        ViewColumn("version", COUNT, "version of the kind"),
        ViewColumn("site", TEXT, "site of the station"),
        ViewColumn("line", TEXT, "line of the station"),
        ViewColumn("station", TEXT, "the station", True),
        ViewColumn("visit", TEXT, "the visit; empty where there was no vehicle", True),
        ViewColumn("time", TIME, "when it happened", True),
        ViewColumn("recorded_at", TIME, "when it came into the ledger", True),
        ViewColumn("agent", TEXT, "the agent that made it"),
        ViewColumn("agent_version", TEXT, "version of that agent"),
        ViewColumn("data", JSON, "what it says (records.md); a NUL is shown as U+FFFD"),
        ViewColumn("files", COUNT, "how many files belong to it"),
        ViewColumn("complete", TRUTH, "as in `station_visit`; empty for other records"),
    ),
    """
    SELECT e.number, e.id, e.kind, f.version, e.site, e.line, e.station, e.visit,
        f.time, f.recorded_at, f.agent, f.agent_version, {data} AS data, f.files, c.complete
    FROM entry e LEFT JOIN fact f ON f.number = e.number LEFT JOIN cycle c ON c.number = e.number
    """,
)
VIEWS = (VEHICLE, VISIT, STATION_VISIT, RECORD)

RECORD_DATA = r"""
CREATE OR REPLACE FUNCTION record_data(body bytea) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT
AS $function$
DECLARE
    said text;
BEGIN
    said := convert_from(body, 'UTF8');
    IF position('\u0000' IN said) > 0 THEN
        said := regexp_replace(said, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g');
    END IF;
    RETURN said::jsonb -> 'data';
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END
$function$
"""
_RANK = "CASE c.result " + " ".join(
    f"WHEN '{word}' THEN {rank}" for rank, word in enumerate(RESULTS)
)
_WORDS = " ".join(f"WHEN {rank} THEN '{word}'" for rank, word in enumerate(RESULTS))
SPELLINGS = {
    "postgresql": {
        "seconds": "CAST(extract(epoch FROM t.ended - t.began) AS double precision)",
        "first_word": "split_part(e.kind, '.', 1)",
        "data": "record_data(e.body)",
    },
    "sqlite": {
        "seconds": "round((julianday(t.ended) - julianday(t.began)) * 86400, 3)",
        "first_word": "substr(e.kind, 1, instr(e.kind || '.', '.') - 1)",
        "data": "CASE WHEN json_valid(CAST(e.body AS TEXT))"
        " THEN json_extract(CAST(e.body AS TEXT), '$.data') END",
    },
}


def create_views(connection: Connection) -> None:
    """Make the views anew, in the spelling of this database."""
    dialect = connection.dialect.name
    if dialect == "postgresql":
        connection.exec_driver_sql(RECORD_DATA)
    for view in VIEWS:
        connection.exec_driver_sql(f"CREATE VIEW {view.name} AS {definition(view, dialect)}")


def drop_views(connection: Connection) -> None:
    """Remove the views, so that they can be made anew."""
    for view in reversed(VIEWS):
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {view.name}")


def definition(view: View, dialect: str) -> str:
    """The SELECT of a view in the spelling of a database."""
    rank = f"{_RANK.replace('c.result', 'judged.result')} END"
    return view.select.format(**SPELLINGS[dialect], rank=rank, words=_WORDS).strip()
