"""VictoriaMetrics: takes line protocol, keeps numbers only, and is read back by /api/v1/export.

It has no log of what it was sent: after a SIGKILL the last seconds are gone although they were
answered with 204. So a write is settled 15 s later, if the server has not been started anew
meanwhile; `run` tells that. Texts and arrays it would turn into zeros: they are refused before they
are sent. A float keeps about 12 digits. What is written again at the same time needs
`-dedup.minScrapeInterval=1ms`, and then newer versions keep the larger value, not the last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

import numpy as np
import orjson
import structlog

from plant.stores.influx.answers import words_of
from plant.stores.influx.catalog import MEASUREMENT
from plant.stores.influx.client import Client, Table
from plant.stores.influx.influxql import EARLIEST_MS, LATEST_MS, samples
from plant.stores.influx.lines import STATUS, field_of
from plant.stores.influx.windows import Windows, of_samples
from plant.stores.store import ROWS_MAX, Last, Sample, Series, StoreUnavailable, TooManyRows
from stations.declare import Type
from stations.samples import EMPTY, Samples, concat
from stations.status import SEVERITY

YOUNG_S = 2
KEPT_TYPES = (Type.BOOL, Type.INT, Type.FLOAT)
DAY_MS = 86_400_000
_UNITS_MS = {"h": 3_600_000, "d": DAY_MS, "w": 7 * DAY_MS, "y": 365 * DAY_MS, "": 31 * DAY_MS}
_RETENTION = re.compile(r'^-retentionPeriod="(\d+)([hdwy]?)"', re.MULTILINE)
_DEDUP = re.compile(r'^-dedup.minScrapeInterval="1ms"', re.MULTILINE)
_START = re.compile(rb"^vm_app_start_timestamp (\S+)", re.MULTILINE)
_UPTIME = re.compile(rb"^vm_app_uptime_seconds (\S+)", re.MULTILINE)

log = structlog.get_logger("store")


def kept_ms(client: Client) -> int:
    """How long this server keeps samples; older ones it drops without a word."""
    status, body = client.request("GET", "/flags")
    if status != 200:
        raise client.trouble(status, words_of(body))
    flags = body.decode(errors="replace")
    if not _DEDUP.search(flags):
        log.warning(
            "this VictoriaMetrics doubles what is written twice;"
            " start it with -dedup.minScrapeInterval=1ms"
        )
    found = _RETENTION.search(flags)
    number, unit = found.groups() if found else ("1", "")
    return int(number) * _UNITS_MS[unit]


def run_of(client: Client) -> str:
    """Which run of the server answers: another one has forgotten what was not settled.

    It says its start in whole seconds. So nothing is written to a run in its first seconds, and two
    runs that are written to never have the same start.
    """
    status, body = client.request("GET", "/metrics")
    start, uptime = _START.search(body), _UPTIME.search(body)
    if status != 200 or start is None or uptime is None:
        raise StoreUnavailable(f"{client.address}/metrics does not say when it was started")
    if float(uptime[1]) < YOUNG_S:
        raise StoreUnavailable(f"{client.address} was started only just now")
    return start[1].decode()


class VictoriaReading:
    """Reads whole ranges and computes here; a new series is seen about 10 s after its write."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def catalog(self, since_ms: int = EARLIEST_MS) -> list[Table]:
        """The store's own list of series, as far as entries were made since a time."""
        return [
            {"tags": one["metric"], "values": [[one["timestamps"][0], int(one["values"][0])]]}
            for one in self._export(f"{MEASUREMENT}_type", {}, since_ms, LATEST_MS)
        ]

    def last(self, series: Iterable[Series]) -> Last:
        """The latest sample of these series, and the latest that is Good."""
        found = self.range(list(series), EARLIEST_MS, LATEST_MS, ROWS_MAX)
        good = np.flatnonzero((found.status & SEVERITY) == 0)
        return Last(
            _sample(found, len(found) - 1) if len(found) else None,
            _sample(found, int(good[-1])) if len(good) else None,
        )

    def range(self, series: Sequence[Series], start_ms: int, end_ms: int, rows_max: int) -> Samples:
        """All samples in the order of time; TooManyRows when there are more than `rows_max`."""
        parts = [self._range(one, start_ms, end_ms) for one in series]
        found = concat(parts) if parts else EMPTY
        if len(found) > rows_max:
            raise TooManyRows(
                f"{series[0].station} {series[0].tag}: more than {rows_max} samples;"
                " shorten the range"
            )
        return found if len(parts) < 2 else found[np.argsort(found.time, kind="stable")]

    def windows(
        self, series: Sequence[Series], start_ms: int, end_ms: int, window_ms: int
    ) -> list[Windows]:
        """Windows of the Good numbers of each series."""
        found = (self.range([one], start_ms, end_ms, ROWS_MAX) for one in series)
        return [of_samples(one, window_ms) for one in found]

    def count(self, series: Sequence[Series]) -> int:
        """How many samples these series have."""
        return sum(len(self._range(one, EARLIEST_MS, LATEST_MS)) for one in series)

    def _range(self, series: Series, start_ms: int, end_ms: int) -> Samples:
        tags = {"site": series.site, "line": series.line, "station": series.station}
        field = f"{series.measurement}_{field_of(series.tag)}"
        values = self._column(field, tags, start_ms, end_ms)
        codes = self._column(field + STATUS, tags, start_ms, end_ms)
        rows = [
            (time, values.get(time), int(codes.get(time, 0)))
            for time in sorted(values.keys() | codes.keys())
        ]
        return samples(rows, series.type)

    def _column(
        self, name: str, tags: dict[str, str], start_ms: int, end_ms: int
    ) -> dict[int, float]:
        return {
            time: value
            for one in self._export(name, tags, start_ms, end_ms)
            for time, value in zip(one["timestamps"], one["values"], strict=True)
            if start_ms <= time < end_ms
        }

    def _export(
        self, name: str, tags: dict[str, str], start_ms: int, end_ms: int
    ) -> Iterator[dict[str, Any]]:
        labels = {"__name__": name, "db": self._client.database} | tags
        told = ",".join(f"{key}={orjson.dumps(value).decode()}" for key, value in labels.items())
        form = {
            "match[]": f"{{{told}}}",
            "start": max(start_ms, EARLIEST_MS) / 1000,
            "end": min(end_ms, LATEST_MS) / 1000,
        }
        status, body = self._client.request("GET", f"/api/v1/export?{urlencode(form)}")
        if status != 200:
            raise self._client.trouble(status, words_of(body))
        return map(orjson.loads, body.splitlines())


def _sample(found: Samples, row: int) -> Sample:
    return Sample(int(found.time[row]), int(found.status[row]), found.row(row))
