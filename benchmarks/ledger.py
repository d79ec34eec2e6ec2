"""The ledger with a million records in each database: appending, verifying, and the views of a day.

The records are those of a line: 180 vehicles a day go through five stations, each of which tells
its changes of state and, at the end, what it did.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import text

from benchmarks import machine
from benchmarks.figure import Context, Figure, medians
from plant.ledger import Ledger
from stations.cycle import utc_text
from stations.records import AgentInfo, Record, record_id
from wire.clock import SystemClock

RECORDS, SHORT_RECORDS = 1_000_000, 3_000
RECORDS_A_COMMIT = 200  # as the historian takes them
T0_MS = 1_767_225_600_000  # 2026-01-01
DAY_MS = 86_400_000
VEHICLES_A_DAY = 180
STATIONS = ("studio-1", "brakes-1", "lights-1", "gas-1", "battery-1")
KINDS = {"studio-1": ("studio", "session"), "battery-1": ("battery", "qualification")}
STATES = ("entering", "positioning", "measuring", "rotating", "leaving")
STEP_MS = 9_000
RECORDS_A_VEHICLE = len(STATIONS) * (len(STATES) + 1)
QUERIES_REPEATED = 5
MEASUREMENTS = {f"bench.value_{n}": {"value": n / 7, "unit": "N", "result": "OK", "reason": None}
                for n in range(12)}  # fmt: skip
AGENT = AgentInfo(name="line-pc-1", version="0.1.0")
QUERIES = {
    "visits of a day": "SELECT * FROM visit WHERE began BETWEEN :since AND :until ORDER BY began",
    "station visits of a day": "SELECT * FROM station_visit WHERE entered_at BETWEEN :since AND"
    " :until ORDER BY entered_at",
    "mean cycle by station of a day": "SELECT station, count(*), avg(seconds) FROM station_visit"
    " WHERE entered_at BETWEEN :since AND :until GROUP BY station",
    "the records of one visit": "SELECT * FROM record WHERE visit = :visit ORDER BY number",
    "the latest hundred records": "SELECT * FROM record ORDER BY number DESC LIMIT 100",
}


def records() -> Iterator[Record]:
    """The records of the line, one vehicle after the other, for ever."""
    vehicle = 0
    while True:
        at_ms = T0_MS + vehicle * (DAY_MS // VEHICLES_A_DAY)
        visit = f"v-2026-{vehicle:06d}"
        for station in STATIONS:
            began_ms = at_ms
            kind, last = KINDS.get(station, ("inspection", "report"))
            for state in STATES:
                said = {"from": None, "to": state, "reason": "reported", "lasted_s": 9.0}
                yield _record(f"{kind}.state", station, visit, at_ms, said)
                at_ms += STEP_MS
            data = {
                "visit": visit, "started": utc_text(began_ms), "ended": utc_text(at_ms),
                "cycle_s": (at_ms - began_ms) / 1000, "complete": True, "flaws": [],
                "phases": dict.fromkeys(STATES, 9.0), "measurements": MEASUREMENTS,
            }  # fmt: skip
            yield _record(f"{kind}.{last}", station, visit, at_ms, data)
        vehicle += 1


def _record(kind: str, station: str, visit: str, at_ms: int, data: dict[str, Any]) -> Record:
    return Record.model_construct(
        id=record_id(at_ms, station, kind, visit), kind=kind, version=1, site="works",
        line="line-1", station=station, visit=visit, time=utc_text(at_ms), agent=AGENT, data=data,
        files=(),
    )  # fmt: skip


def one(ledger: Ledger, count: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Fill a ledger, verify it, ask the views and derive them anew; what each took."""
    append_s, stream = 0.0, islice(records(), count)
    while some := list(islice(stream, RECORDS_A_COMMIT)):
        began = time.perf_counter()
        ledger.append(some)
        append_s += time.perf_counter() - began
    say(f"{count:,} records appended in {append_s:.1f} s")
    began, cpu = time.perf_counter(), time.process_time()
    verdict = ledger.verify()
    verify_s, verify_cpu_s = time.perf_counter() - began, time.process_time() - cpu
    if not verdict.sound or verdict.entries != count:
        raise RuntimeError(f"the ledger is not as it was written: {verdict.faults[:1]}")
    say(f"verified in {verify_s:.1f} s")
    views_ms = asked(ledger, count)
    began = time.perf_counter()
    ledger.rebuild()
    rebuild_s = time.perf_counter() - began
    say(f"the views derived anew in {rebuild_s:.1f} s")
    return {
        "append_per_s": round(count / append_s),
        "verify_s": round(verify_s, 2),
        "verify_cpu_s": round(verify_cpu_s, 2),
        "verify_per_s": round(count / verify_s),
        "rebuild_s": round(rebuild_s, 2),
        "views_ms": views_ms,
    }


def asked(ledger: Ledger, count: int) -> dict[str, float]:
    """Milliseconds that each query takes, the median of five, for the last whole day."""
    vehicles = count // RECORDS_A_VEHICLE
    until_ms = T0_MS + max(vehicles // VEHICLES_A_DAY, 1) * DAY_MS
    values = {
        "since": utc_text(until_ms - DAY_MS), "until": utc_text(until_ms),
        "visit": f"v-2026-{vehicles // 2:06d}",
    }  # fmt: skip
    taken = {}
    with ledger.reading() as connection:
        for name, query in QUERIES.items():
            times = []
            for _ in range(QUERIES_REPEATED):
                began = time.perf_counter()
                connection.execute(text(query), values).all()
                times.append(time.perf_counter() - began)
            taken[name] = round(median(times) * 1000, 1)
    return taken


def measure(context: Context) -> dict[str, Any]:
    """Every database, with fresh files each time."""
    count = SHORT_RECORDS if context.short else RECORDS
    with ExitStack() as stack:
        table = {}
        for name, opened in (("SQLite", _file), ("PostgreSQL", _server)):
            runs = []
            for _ in range(context.repeats):
                others = machine.wait_until_quiet(context.patience_s)
                with opened(context.trial("ledger"), stack) as ledger:
                    runs.append(one(ledger, count, context.say) | {"cores_of_others": others})
            table[name] = {"median": medians(runs), "runs": runs}
    return {"settings": _settings(context, count), "databases": table}


def _settings(context: Context, count: int) -> dict[str, Any]:
    return context.settings | {
        "records": count, "vehicles_a_day": VEHICLES_A_DAY, "stations": len(STATIONS),
        "records_a_vehicle": RECORDS_A_VEHICLE, "records_a_commit": RECORDS_A_COMMIT,
    }  # fmt: skip


def _file(folder: Path, _: ExitStack) -> Ledger:
    return Ledger(f"sqlite:{folder / 'ledger.db'}", SystemClock())


def _server(folder: Path, stack: ExitStack) -> Ledger:
    from tests.servers import Postgres

    server = stack.enter_context(Postgres(folder))
    return Ledger(
        server.database(), SystemClock(), head=folder / "head", password=lambda: server.password
    )


FIGURE = Figure("ledger", "a ledger of a million records in each database", measure)
