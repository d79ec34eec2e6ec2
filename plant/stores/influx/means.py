"""Means of a minute: computed from the store again whenever something was written to the minute.

They stand in a database of their own, `<database>_1m`, which is kept for years: fields `<tag>`
(mean of the Good numbers), `<tag>_min`, `<tag>_max`, `<tag>_count`, time = begin of the minute. So
they come out the same however often and however late; tasks of the store itself would miss what
comes late. A worker of its own does it: no acknowledgement ever waits for it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import structlog

from plant.stores.influx.catalog import Place
from plant.stores.influx.lines import field_of, line
from plant.stores.influx.store import InfluxStore
from plant.stores.influx.touched import MINUTE_MS, Minute, Touched
from plant.stores.influx.windows import Windows
from plant.stores.store import StoreUnavailable, TooManyRows
from stations.declare import Type
from wire.clock import Clock

EVERY_S = 5.0
AGAIN_MS = 60_000  # what fails comes after all others, so that it holds up none of them
MINUTES_A_ROUND = 2_000
SPAN_MINUTES_MAX = 240
STOP_S = 10.0
PARTS = ("_min", "_max", "_count")

log = structlog.get_logger("means")


def spans(minutes: Sequence[Minute]) -> Iterator[list[Minute]]:
    """Runs of minutes of one place that follow one another; `minutes` is in their order."""
    run: list[Minute] = []
    for one in minutes:
        follows = run and one == Minute(run[-1].place, run[-1].minute + 1)
        if run and (not follows or len(run) >= SPAN_MINUTES_MAX):
            yield run
            run = []
        run.append(one)
    if run:
        yield run


def lines(place: Place, found: Mapping[str, Windows]) -> list[bytes]:
    """Line protocol of the windows of a place's tags.

    Where a tag has the name of another one's part, such as `angle_min`, its own mean stands there.
    """
    rows: dict[int, dict[str, float | int]] = {}
    fields = {tag: field_of(tag) for tag in found}
    for tag, of in found.items():
        field = fields[tag]
        columns = (of.least.tolist(), of.greatest.tolist(), of.count.tolist())
        for row, (time, mean) in enumerate(zip(of.time.tolist(), of.mean.tolist(), strict=True)):
            told = rows.setdefault(time, {})
            told[field] = mean
            for part, column in zip(PARTS, columns, strict=True):
                if field + part not in fields.values():
                    told[field + part] = column[row]
    tags = {"site": place.site, "line": place.line, "station": place.station}
    return [line(place.measurement, tags, told, time) for time, told in rows.items()]


class Means:
    """The worker: takes minutes that were touched, reads their windows, writes them."""

    def __init__(self, store: InfluxStore, touched: Touched, clock: Clock) -> None:
        self.counts: Counter[str] = Counter()
        self.problem = ""
        self._store, self._touched, self._clock = store, touched, clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="means", daemon=True)
        store.on_write = self._wrote

    @property
    def waiting(self) -> int:
        """How many minutes are still to be computed."""
        return len(self._touched)

    @property
    def dropped(self) -> int:
        """How many minutes found no room in the list and keep the means that they had."""
        return self._touched.dropped

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def close(self) -> None:
        """End the work; what is left is done after the next start."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)
        self._touched.close()

    def round(self) -> int:
        """Compute what is due, a bounded part of it; how many minutes."""
        taken = self._touched.take(self._clock.now_ms(), MINUTES_A_ROUND)
        left = list(spans(taken))
        tried: Sequence[Minute] = ()
        try:
            while left:
                tried = left.pop(0)
                self._in_parts(tried)
                tried = ()
        finally:
            now_ms = self._clock.now_ms()
            self._touched.back(tried, now_ms + AGAIN_MS)
            self._touched.back((one for run in left for one in run), now_ms)
        return len(taken)

    def _in_parts(self, run: Sequence[Minute]) -> None:
        """Compute a run, by halves when it is too much: too many samples, too late an answer."""
        try:
            self._compute(run)
        except (StoreUnavailable, TooManyRows):
            if len(run) == 1 or self._stopping.is_set():
                raise
            self._in_parts(run[: len(run) // 2])
            self._in_parts(run[len(run) // 2 :])

    def _compute(self, run: Sequence[Minute]) -> None:
        here = self._store.at(run[0].place)
        series = [one for one in here if one.type in (Type.FLOAT, Type.INT)]
        start_ms, end_ms = run[0].minute * MINUTE_MS, (run[-1].minute + 1) * MINUTE_MS
        if series:
            found = self._store.windows(series, start_ms, end_ms, MINUTE_MS)
            tags = [one.tag for one in series]
            made = lines(run[0].place, dict(zip(tags, found, strict=True)))
            self.counts["refused"] += self._store.write_means(made)
        self._touched.done(run)
        self.counts["computed"] += len(run)

    def _wrote(self, minutes: Iterable[tuple[Place, int]]) -> None:
        touched = [Minute(place, minute) for place, minute in minutes]
        self._touched.add(touched, self._clock.now_ms())

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_S):
            try:
                while self.round() and not self._stopping.is_set():
                    self.problem = ""
            except StoreUnavailable as error:
                self._failed(str(error))
            except Exception as error:
                log.exception("means cannot be computed")
                self._failed(repr(error))

    def _failed(self, why: str) -> None:
        self.counts["failed"] += 1
        if why != self.problem:
            log.warning("means cannot be computed now; they come later", why=why)
        self.problem = why
