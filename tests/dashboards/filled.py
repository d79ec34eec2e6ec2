"""A real InfluxDB and a real PostgreSQL, filled with a day of the demo's line by its models.

The models are stepped for some hours, which takes a while; what the historian made of these hours
is written for the hours before too, with earlier times, until it is a day.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from plant.dashboards.names import sources
from plant.ledger import Appended, Ledger
from plant.stores.influx.means import Means
from plant.stores.influx.store import InfluxStore
from plant.stores.influx.touched import Touched
from plant.stores.store import Points, Refusal
from stations.records import Record, record_id
from tests.dashboards.made import site
from tests.dashboards.proof import Stores
from tests.day import Filled, fill
from tests.servers import InfluxDB, Postgres
from wire.clock import SystemClock
from wire.site import StoreConfig

DAY_H = 24
HOUR_MS = 3_600_000
SAMPLES_A_WRITE = 20_000
RECORDS_A_WRITE = 500
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@dataclass(frozen=True, slots=True)
class Day:
    """The servers, from when to when the day is, and how many samples and records it has."""

    stores: Stores
    start_ms: int
    end_ms: int
    simulated_ms: int
    samples: int
    records: int


class KeptStore:
    """A store that also keeps in memory what was written to it."""

    def __init__(self, store: InfluxStore) -> None:
        self.store = store
        self.points: list[Points] = []

    def write(self, points: Sequence[Points]) -> list[list[Refusal]]:
        """Write, and remember."""
        self.points += points
        return self.store.write(points)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def repeat(self, by_ms: int) -> None:
        """Write all of it again with times that are earlier."""
        waiting: list[Points] = []
        rows = 0
        for one in self.points:
            samples = replace(one.samples, time=one.samples.time - by_ms)
            waiting.append(replace(one, samples=samples))
            rows += len(samples)
            if rows >= SAMPLES_A_WRITE:
                self.store.write(waiting)
                waiting, rows = [], 0
        self.store.write(waiting)


class KeptLedger:
    """A ledger that also keeps in memory what was appended to it."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.records: list[Record] = []

    def append(self, records: Sequence[Record]) -> Appended:
        """Append, and remember."""
        self.records += records
        return self.ledger.append(records)

    def repeat(self, by_ms: int) -> None:
        """Append all of it again with times that are earlier, about other visits."""
        earlier = [_earlier(one, by_ms) for one in self.records]
        for first in range(0, len(earlier), RECORDS_A_WRITE):
            self.ledger.append(earlier[first : first + RECORDS_A_WRITE])


def _earlier(record: Record, by_ms: int) -> Record:
    def shifted(match: re.Match[str]) -> str:
        moved = datetime.fromisoformat(match[0]) - timedelta(milliseconds=by_ms)
        return moved.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    text = TIME.sub(shifted, record.canonical().decode())
    if record.visit:
        text = text.replace(record.visit, f"{record.visit}-{by_ms // HOUR_MS}")
    moved = Record.model_validate_json(text)
    time_ms = round(datetime.fromisoformat(moved.time).timestamp() * 1000)
    return moved.model_copy(update={"id": record_id(time_ms, record.id, str(by_ms))})


class _Later:
    """A clock for the means, which wait until a minute has come to rest."""

    ahead_ms = 0

    def now_ms(self) -> int:
        return int(time.time() * 1000) + self.ahead_ms

    def monotonic(self) -> float:
        return time.monotonic()


@contextmanager
def day(folder: Path, hours: int) -> Iterator[Day]:
    """A day that ends with the last full hour, of which `hours` (a part of 24) are simulated."""
    end_ms = int(time.time() * 1000) // HOUR_MS * HOUR_MS
    with InfluxDB(folder / "influx") as influx, Postgres(folder, fsync=False) as postgres:
        url = postgres.database()
        kept, filled = _filled(influx, postgres, url, folder, end_ms, hours)
        times, simulated_ms = DAY_H // hours, filled.start_ms
        where = sources(site().name)
        names = {where.samples.uid: "refit", where.means.uid: "refit_1m"}
        stores = Stores(influx.port, names, postgres.connect(url.rpartition("/")[2]))
        start_ms = simulated_ms - (DAY_H - hours) * HOUR_MS
        samples, records = filled.samples * times, filled.records * times
        yield Day(stores, start_ms, end_ms, simulated_ms, samples, records)
        stores.close()
        kept.store.close()


def _filled(
    influx: InfluxDB, postgres: Postgres, url: str, folder: Path, end_ms: int, hours: int
) -> tuple[KeptStore, Filled]:
    """The store, and what was simulated of what is in it."""
    clock, version = _Later(), "1.8" if influx.speaks_v2 else "1"
    config = StoreConfig(url=f"influxdb://127.0.0.1:{influx.port}/refit", version=version)
    store = KeptStore(InfluxStore(config))
    means = Means(store.store, Touched(folder / "touched.db"), clock)
    ledger = Ledger(url, SystemClock(), head=folder / "head", password=lambda: postgres.password)
    kept = KeptLedger(ledger)
    filled = fill(store, kept, site(), end_ms, hours=hours)  # type: ignore[arg-type]
    for earlier_h in range(hours, DAY_H, hours):
        store.repeat(earlier_h * HOUR_MS)
        kept.repeat(earlier_h * HOUR_MS)
    clock.ahead_ms = HOUR_MS
    while means.round():
        pass
    means.close()
    ledger.close()
    return store, filled
