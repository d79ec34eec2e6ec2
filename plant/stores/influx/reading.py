"""Samples read back in InfluxQL: of what series, from when to when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from urllib3.exceptions import ReadTimeoutError

from plant.stores.influx.catalog import QUERY
from plant.stores.influx.client import Client, Table
from plant.stores.influx.influxql import (
    EARLIEST_MS,
    LATEST_MS,
    Row,
    between,
    fields,
    rows_of,
    samples,
    source,
)
from plant.stores.influx.lines import NO_VALUE
from plant.stores.influx.windows import Windows, merge, of_samples, spans, windows
from plant.stores.store import ROWS_MAX, Last, Sample, Series, StoreUnavailable, TooManyRows
from stations.declare import Type
from stations.samples import EMPTY, Samples, concat
from stations.status import UNCERTAIN, is_good

PAGES = (10, 1_000)
HOUR_MS = 3_600_000
CATALOG_S = 12.0  # nothing is written while the list is waited for
SLOW_CATALOG_S = 120.0  # all of it after months: InfluxDB 1 opens each series of each week
PING_S = 3.0
STATEMENTS_MAX = 200
FIELDS_MAX = 20
NUMBERS = (Type.FLOAT, Type.INT)


class Reading:
    """Asks one server; every method raises StoreUnavailable when it does not answer."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._is_slow = False

    def catalog(self, since_ms: int = EARLIEST_MS) -> list[Table]:
        """The store's own list of series, as far as entries were made since a time.

        The first try is short: its answer may never come, on a link that is dead on one side. Only
        a server that answers something else meanwhile is given long for the next one.
        """
        statement = f"{QUERY} WHERE {between(since_ms, LATEST_MS)} GROUP BY *"
        answer_s, self._is_slow = SLOW_CATALOG_S if self._is_slow else CATALOG_S, False
        try:
            return self._client.ask([statement], answer_s=answer_s)[0]
        except StoreUnavailable as error:
            self._is_slow = isinstance(error.__cause__, ReadTimeoutError) and self._answers()
            raise

    def _answers(self) -> bool:
        try:
            self._client.request("GET", "/ping", answer_s=PING_S)
        except StoreUnavailable:
            return False
        return True

    def last(self, series: Iterable[Series]) -> Last:
        """The latest sample of these series, and the latest that is Good."""
        latest: list[Sample] = []
        good: list[Sample] = []
        for one in series:
            found = self._last(one)
            latest += [found.latest] if found.latest is not None else []
            good += [found.good] if found.good is not None else []
        by_time = lambda sample: sample.time_ms  # noqa: E731
        return Last(max(latest, key=by_time, default=None), max(good, key=by_time, default=None))

    def _last(self, series: Series) -> Last:
        """InfluxQL cannot ask for rows in which a field is missing, so the latest are looked at."""
        latest: Sample | None = None
        value, status = fields(series)
        before = LATEST_MS
        for size in PAGES:
            rows = self._ask(
                f"SELECT {value}, {status} {source(series)} AND {between(0, before)}"
                f" ORDER BY time DESC LIMIT {size}"
            )
            found = samples(rows, series.type)
            for row in range(len(found)):
                sample = Sample(int(found.time[row]), int(found.status[row]), found.row(row))
                latest = latest or sample
                if is_good(sample.status):
                    return Last(latest, sample)
            if len(found) < size:
                return Last(latest, None)
            before = int(found.time[-1])
        return Last(latest, self._good_before(series, before))

    def _good_before(self, series: Series, end_ms: int) -> Sample | None:
        """The latest Good sample before a time, found by halving: there may be none for days."""
        width, start = HOUR_MS, end_ms
        while not self._good(series, start, end_ms):
            if start <= EARLIEST_MS:
                return None
            start, width = max(EARLIEST_MS, end_ms - width), 4 * width
        while end_ms - start > 1:
            middle = (start + end_ms) // 2
            if self._good(series, middle, end_ms):
                start = middle
            else:
                end_ms = middle
        found = self.range([series], start, end_ms, 1)
        return Sample(start, int(found.status[0]), found.row(0))

    def _good(self, series: Series, start_ms: int, end_ms: int) -> int:
        """How many Good samples: values, less those with a bad status, and Good without value."""
        value, status = fields(series)
        where = f"{source(series)} AND {between(start_ms, end_ms)}"
        empty = f"{status} >= {NO_VALUE} AND {status} < {NO_VALUE + UNCERTAIN}"
        answers = self._ask_all(
            [
                f"SELECT count({value}) {where}",
                f"SELECT count({value}) {where} AND {status} >= {UNCERTAIN}",
                f"SELECT count({status}) {where} AND {empty}",
            ]
        )
        values, bad, good = (sum(row[1] or 0 for row in rows_of(one)) for one in answers)
        return values - bad + good

    def range(self, series: Sequence[Series], start_ms: int, end_ms: int, rows_max: int) -> Samples:
        """All samples in the order of time; TooManyRows when there are more than `rows_max`."""
        parts = []
        for one in series:
            value, status = fields(one)
            rows = self._ask(
                f"SELECT {value}, {status} {source(one)} AND {between(start_ms, end_ms)}"
                f" LIMIT {rows_max + 1}"
            )
            parts.append(samples(rows, one.type))
            if sum(map(len, parts)) > rows_max:
                raise TooManyRows(
                    f"{one.station} {one.tag}: more than {rows_max} samples; shorten the range"
                )
        found = concat(parts) if parts else EMPTY
        return found if len(parts) < 2 else found[np.argsort(found.time, kind="stable")]

    def windows(
        self, series: Sequence[Series], start_ms: int, end_ms: int, window_ms: int
    ) -> list[Windows]:
        """Windows of the Good numbers of each series, all of one station and measurement.

        They begin at multiples of their length. The server computes those in which every sample is
        Good. Where a status is not, the samples are read: InfluxQL cannot leave out a value by a
        status that stands only at some times. Windows of true and false are read, too.
        """
        found: list[Windows] = []
        for start in range(0, len(series), FIELDS_MAX):
            found += self._windows(series[start : start + FIELDS_MAX], start_ms, end_ms, window_ms)
        return found

    def _windows(
        self, series: Sequence[Series], start_ms: int, end_ms: int, window_ms: int
    ) -> Iterator[Windows]:
        numbers = [one for one in series if one.type in NUMBERS]
        told = ", ".join(
            f"mean({value}), min({value}), max({value}), count({value}), max({status})"
            for value, status in map(fields, numbers)
        )
        rows = numbers and self._ask(
            f"SELECT {told} {source(series[0])} AND {between(start_ms, end_ms)}"
            f" GROUP BY time({window_ms}ms) fill(none)"
        )
        place = 1
        for one in series:
            if one.type not in NUMBERS:
                is_read = one.type is Type.BOOL
                yield self._read(one, start_ms, end_ms, window_ms) if is_read else windows([])
                continue
            columns = [(row[0], *row[place : place + 5]) for row in rows]
            place += 5
            found = windows([row[:5] for row in columns if (row[5] or 0) < UNCERTAIN and row[4]])
            tainted = [row[0] for row in columns if (row[5] or 0) >= UNCERTAIN]
            for begin, end in spans(tainted, window_ms):
                span = self._read(one, max(begin, start_ms), min(end, end_ms), window_ms)
                found = merge(found, span)
            yield found

    def _read(self, series: Series, start_ms: int, end_ms: int, window_ms: int) -> Windows:
        return of_samples(self.range([series], start_ms, end_ms, ROWS_MAX), window_ms)

    def count(self, series: Sequence[Series]) -> int:
        """How many samples these series have."""
        statements, hidden = [], []
        for one in series:
            value, status = fields(one)
            statements.append(f"SELECT count({value}), max({status}) {source(one)}")
        total = 0
        for one, answer in zip(series, self._ask_all(statements), strict=True):
            for _, values, code in rows_of(answer):
                total += values or 0
                if (code or 0) >= NO_VALUE:
                    hidden.append(one)
        statements = []
        for one in hidden:  # samples without a value, less the values that these hide
            value, status = fields(one)
            statements.append(
                f"SELECT count({status}), count({value}) {source(one)} AND {status} >= {NO_VALUE}"
            )
        for answer in self._ask_all(statements):
            for _, empty, covered in rows_of(answer):
                total += (empty or 0) - (covered or 0)
        return total

    def _ask(self, statement: str) -> list[Row]:
        return rows_of(self._client.ask([statement])[0])

    def _ask_all(self, statements: Sequence[str]) -> list[list[Table]]:
        found: list[list[Table]] = []
        for start in range(0, len(statements), STATEMENTS_MAX):
            found += self._client.ask(statements[start : start + STATEMENTS_MAX])
        return found
