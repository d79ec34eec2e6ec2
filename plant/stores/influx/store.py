"""A store of samples at a server: `write` keeps what the server has confirmed, and only that."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import structlog
from numpy.typing import NDArray

from plant.stores.check import NO_NAME, NO_PLACE, NO_ROOM, NOT_KEPT, TIME_MS_MIN, refusal, sift
from plant.stores.influx import setup
from plant.stores.influx.answers import Answer, Meaning
from plant.stores.influx.births import Births
from plant.stores.influx.catalog import DAY_MS, Catalog, Key, Place
from plant.stores.influx.client import Client, Table
from plant.stores.influx.deliver import Delivery, Missing, of_lines
from plant.stores.influx.influxql import EARLIEST_MS
from plant.stores.influx.lines import arrange, encode
from plant.stores.influx.reading import Reading
from plant.stores.influx.victoria import KEPT_TYPES, VictoriaReading, run_of
from plant.stores.influx.windows import Windows, merge, windows
from plant.stores.store import (
    OWN_MEASUREMENTS,
    ROWS_MAX,
    Last,
    Means,
    Points,
    Refusal,
    Series,
    StoreRefuses,
    StoreUnavailable,
    StoreUnusable,
    TooManyRows,
)
from stations.declare import Type
from stations.samples import Samples, concat
from wire.clock import Clock, SystemClock
from wire.site import StoreConfig

SERIES_MAX = 200_000
CATALOG_AGE_S = 10.0
CLOCKS_MS = 2 * DAY_MS
MISSING_AGE_S = 1.0  # so often the list is read again for a series that is not in it

log = structlog.get_logger("store")


class InfluxStore:
    """A `Store` at InfluxDB 1 to 3 or VictoriaMetrics.

    `since_ms`: up to then another may have written (now). What was written is durable `settle_s`
    later, unless `run` has changed meanwhile.
    """

    def __init__(
        self,
        config: StoreConfig,
        clock: Clock | None = None,
        since_ms: int | None = None,
        series_max: int = SERIES_MAX,
    ) -> None:
        self._config, self._clock = config, clock or SystemClock()
        self._since_ms = self._clock.now_ms() if since_ms is None else since_ms
        self._series_max = series_max
        self.database = config.database
        self.requests = 0
        self.on_write: Callable[[Iterable[tuple[Place, int]]], None] = lambda minutes: None
        self._client = Client(config)
        self._is_victoria = config.version == "victoria"
        reading = VictoriaReading if self._is_victoria else Reading
        self._reading: Reading | VictoriaReading = reading(self._client)
        self.settle_s = config.settle_s
        self._catalog, self._births = Catalog(self._since_ms), Births()
        self._lock = threading.RLock()
        self._is_ready, self._kept_ms, self._listed_ms = False, 0, 0
        self._catalog_due = self._missing_due = 0.0
        try:
            with self._at_hand():
                log.debug("the store is there", address=self._client.address)
        except StoreRefuses as error:
            self.close()
            raise StoreUnusable(str(error)) from error
        except StoreUnavailable as error:
            log.warning("the store does not answer yet", why=str(error))

    def write(self, points: Sequence[Points]) -> list[list[Refusal]]:
        """Keep all that can be kept, durably; for each of `points` what was refused of it."""
        if not any(len(one.samples) for one in points):
            return [[] for _ in points]
        with self._at_hand():
            now_ms = self._clock.now_ms()
            tables = self._births.tables(points, now_ms, self._enter, self._resolve)
            parts, refused, series = [], [], []
            for one, table in zip(points, tables, strict=True):
                good, bad = sift(one, table.kinds, self._oldest_ms(now_ms))
                if one.measurement in OWN_MEASUREMENTS:  # the words beside our own numbers
                    bad = [of for of in bad if of.reason != NOT_KEPT]
                parts.append(replace(one, samples=good))
                refused.append(bad)
                series.append(table.series(good))
            self._deliver(parts, np.concatenate(series), refused)
            return refused

    def _deliver(
        self, parts: Sequence[Points], series: NDArray[np.int64], refused: list[list[Refusal]]
    ) -> None:
        """Send the rows of all parts at once; add to `refused` what the server does not take."""
        if not len(series):
            return
        keys = self._catalog.keys
        rows = arrange(series, concat([part.samples for part in parts]), keys)
        self._catalog.tell(rows)
        ends = np.cumsum([len(part.samples) for part in parts])
        sending = Delivery(
            self._client.write, lambda some: encode(rows[some], keys), rows.series, self._probe
        )
        found = sending.run()
        self.requests += sending.requests
        for row, words in found.items():
            origin = int(rows.origin[row])
            part = int(np.searchsorted(ends, origin, side="right"))
            place = origin - int(ends[part]) + len(parts[part].samples)
            refused[part].append(refusal(parts[part], place, f"the store refuses it: {words}"))
        self.on_write(self._catalog.minutes(rows))

    def _probe(self, answer: Answer) -> None:
        """A refusal in unknown words may be of everything: then nothing is a dead letter."""
        key = next(iter(self._catalog.numbers))
        kind = self._catalog.kind(key.measurement, key.tag)
        assert kind is not None
        entry = self._catalog.entry(key, kind, self._clock.now_ms())
        if self._client.write(entry).meaning is not Meaning.DONE:
            raise StoreUnavailable(f"{self._client.address} refuses everything: {answer}")

    def _wait(self, answer: Answer) -> None:
        """No entry of ours is a bad line: what is refused in unknown words is tried again later."""
        raise StoreUnavailable(f"{self._client.address}: {answer}")

    def _oldest_ms(self, now_ms: int) -> int:
        """What is older than this the server would drop, with or without a word."""
        return now_ms - self._kept_ms if self._kept_ms else TIME_MS_MIN

    def _resolve(self, key: Key) -> tuple[int, int]:
        """The type that a series keeps, or why there is none, and its number."""
        number = self._catalog.numbers.get(key)
        if number is None:
            return NO_ROOM if key.is_writable else NO_NAME, -1
        kind = self._catalog.kind(key.measurement, key.tag)
        assert kind is not None
        is_kept = not self._is_victoria or kind in KEPT_TYPES
        return int(kind) if is_kept else NO_PLACE, number

    def run(self) -> str:
        """Which run of the server answers; with `settle_s`, another run has forgotten the rest."""
        return run_of(self._client) if self._is_victoria else ""

    def _enter(self, wanted: Mapping[Key, Type]) -> None:
        """Have all of these that are to be written in the store's own list of series."""
        catalog, now_ms = self._catalog, self._clock.now_ms()
        if any(key.is_writable and key not in catalog.numbers for key in wanted):
            self._learn(self._listed())  # another may have entered them
        unknown = [key for key in wanted if key.is_writable and key not in catalog.numbers]
        new = unknown[: max(0, self._series_max - len(catalog))]
        kinds = {key: catalog.kind(key.measurement, key.tag) or wanted[key] for key in new}
        due = catalog.due((key for key in wanted if key in catalog.numbers), now_ms)
        kinds |= {key: catalog.kind(key.measurement, key.tag) or wanted[key] for key in due}
        if not kinds:
            return
        entries = [catalog.entry(key, kind, now_ms) for key, kind in kinds.items()]
        refused = of_lines(self._client.write, entries, self._wait).run()
        for words in set(refused.values()):
            log.warning("the store takes no further series", why=words)
        if new:
            self._learn(self._listed())  # another may have been earlier
        kept = [key for row, key in enumerate(kinds) if row not in refused]
        for key in kept:
            catalog.add(key, now_ms, kinds[key])
        catalog.entered(kept, now_ms)

    def last(self, station: str, tag: str, measurement: str | None = None) -> Last:
        """The latest sample and the latest Good one."""
        return self._reading.last(self._found(station, tag, measurement))

    def range(
        self,
        station: str,
        tag: str,
        start_ms: int,
        end_ms: int,
        measurement: str | None = None,
        rows_max: int = ROWS_MAX,
    ) -> Samples:
        """The samples from `start_ms` to before `end_ms` in the order of time."""
        found = self._found(station, tag, measurement)
        return self._reading.range(found, start_ms, end_ms, rows_max)

    def mean(
        self, station: str, tag: str, start_ms: int, end_ms: int, window_ms: int,
        measurement: str | None = None,
    ) -> Means:  # fmt: skip
        """Means of the Good numbers; windows begin at multiples of `window_ms` since 1970."""
        if window_ms < 1:
            raise ValueError(f"a window has at least 1 ms, not {window_ms}")
        found = windows([])
        for one in self._found(station, tag, measurement):
            found = merge(found, self._reading.windows([one], start_ms, end_ms, window_ms)[0])
        if len(found) > ROWS_MAX:
            raise TooManyRows(f"{station} {tag}: more than {ROWS_MAX} windows; widen them")
        return Means(found.time, found.mean, found.count)

    def count(
        self, station: str | None = None, tag: str | None = None, measurement: str | None = None
    ) -> int:
        """How many samples there are: of all, of one station, of one tag."""
        return self._reading.count(self._found(station, tag, measurement))

    def series(self) -> list[Series]:
        """All series, in the order of station, measurement and tag."""
        return self._found(None, None, None, own=True)

    def at(self, place: Place) -> list[Series]:
        """The series of one station and measurement, as far as they are known here."""
        with self._lock:
            return self._catalog.at(place)

    def windows(
        self, series: Sequence[Series], start_ms: int, end_ms: int, window_ms: int
    ) -> list[Windows]:
        """Windows of the Good numbers of each of these, all of one station and measurement."""
        return self._reading.windows(series, start_ms, end_ms, window_ms)

    def write_means(self, lines: Sequence[bytes]) -> int:
        """Keep lines in the database of the means; how many of them were refused."""
        target = self.database + setup.MEANS
        try:
            refused = of_lines(lambda blob: self._client.write(blob, target), lines).run()
        except Missing:
            self._is_ready = False
            raise
        for words in set(refused.values()):
            log.warning("the store refuses means", why=words)
        return len(refused)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _found(
        self, station: str | None, tag: str | None, measurement: str | None, *, own: bool = False
    ) -> list[Series]:
        """The series that a reader asks for; the list is read anew when it may have grown."""
        with self._at_hand():
            now = self._clock.monotonic()
            found = self._catalog.find(station, tag, measurement)
            if not own and now < (self._catalog_due if found else self._missing_due):
                return found
        try:
            answer = self._listed()  # a write does not wait for this
        except Missing:
            self._is_ready = False
            raise
        with self._lock:
            self._learn(answer)
            self._catalog_due = now + CATALOG_AGE_S
            if own:
                return self._catalog.series()
            self._missing_due = now + MISSING_AGE_S
            return self._catalog.find(station, tag, measurement)

    def _listed(self) -> tuple[int, list[Table]]:
        """What the store's list has got since it was read last, and when that was asked.

        All of it the first time, which takes long at a store of months. Clocks may differ.
        """
        now_ms, since_ms = self._clock.now_ms(), self._listed_ms
        since_ms = min(since_ms, now_ms) - CLOCKS_MS if since_ms else EARLIEST_MS
        return now_ms, self._reading.catalog(since_ms)

    def _learn(self, listed: tuple[int, list[Table]]) -> None:
        asked_ms, answer = listed
        self._catalog.learn(answer)
        self._listed_ms = asked_ms

    @contextmanager
    def _at_hand(self) -> Iterator[None]:
        """The server with its databases, for this thread alone."""
        with self._lock:
            try:
                if not self._is_ready:
                    keep_ms, means_ms = self._config.kept_ms, self._config.means_kept_ms
                    self._kept_ms = setup.prepare(self._client, keep_ms, means_ms)
                    self._listed_ms = 0
                    self._learn(self._listed())
                    self._is_ready = True
                yield
            except Missing:
                self._is_ready = False
                self._catalog, self._births = Catalog(self._since_ms), Births()
                raise
