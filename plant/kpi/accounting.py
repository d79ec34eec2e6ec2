"""The worker that works hours out: off the way of the samples, with reads of its own.

Bounded: a set of hours that wait, some of them in each round, and a queue of the historian that may
say no; then the hours wait on. At the start, and after points found no room, the facts of the last
day are told again from the ledger, and of longer when the store was away for longer: some of them
may not have reached it.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import orjson
import structlog

from plant.kpi.facts import Facts
from plant.kpi.hours import Hours
from plant.kpi.marks import LATE_HOURS_MAX, Mark
from plant.ledger import Entry, Ledger, LedgerError
from plant.stores.store import Points, StoreUnavailable, TooManyRows
from stations.kpi import HOUR_MS
from stations.records import Record
from wire.clock import Clock

EVERY_S = 60.0  # how often the present hour is worked out
LATE_S = 10.0  # late data of one time comes in many messages: gather before working out again
AGAIN_HOURS = 24
ENTRIES_AT_ONCE = 500
HOURS_A_ROUND = 48
WAITING_MAX = 100_000
STOP_S = 5.0

log = structlog.get_logger("accounting")
Say = Callable[[Points, tuple[Mark, ...]], bool]


class Accounting:
    """One site's accounts. `start` begins, `stop` ends; `turn` is one round of its work.

    `say` hands points to the historian, with the hours to work out once they are written; it
    answers False when there is no room.
    """

    def __init__(self, hours: Hours, facts: Facts, ledger: Ledger, say: Say, clock: Clock) -> None:
        self.counts: Counter[str] = Counter()
        self.problem = ""
        self._hours, self._facts, self._ledger = hours, facts, ledger
        self._say, self._clock = say, clock
        self._lines = sorted({plan.line for plan in hours.planned.values()})
        self._waiting: dict[tuple[str, int], bool] = {}
        self._lock = threading.Lock()  # of what waits and of the facts; never held for I/O
        self._must_tell = True
        self._untold_ms = math.inf  # since when facts found no room
        self._is_first = True  # what an earlier process has told only the store knows
        self._tell_due = 0.0
        self._present_due = 0.0
        self._late_due = 0.0
        self._last_hour = 0
        self._stopping = threading.Event()
        self._worker = threading.Thread(target=self._run, name="accounting", daemon=True)

    @property
    def waiting(self) -> int:
        """How many hours of a line are to be worked out."""
        return len(self._waiting)

    def start(self) -> None:
        """Begin to work, on a thread of its own."""
        self._worker.start()

    def stop(self) -> None:
        """End the worker; what it has not worked out is worked out after the next start."""
        self._stopping.set()
        if self._worker.is_alive():
            self._worker.join(STOP_S)

    def recorded(self, records: Iterable[Record]) -> None:
        """Records that the ledger has taken; from any thread."""
        self._told(records)

    def _told(self, records: Iterable[Record]) -> bool:
        """Whether there was room for all that follows from these records."""
        now_ms = self._clock.now_ms()
        with self._lock:
            facts = [fact for record in records for fact in self._facts.of(record, now_ms)]
        refused = [fact for fact in facts if not self._say(fact.points, fact.marks)]
        if refused:
            self.counts["facts without room"] += len(refused)
            self._untold_ms = min(self._untold_ms, now_ms)
            self._must_tell = True
        return not refused

    def mark(self, marks: Iterable[Mark]) -> None:
        """Hours of which something has been written to the store; from any thread."""
        with self._lock:
            for one in marks:
                key = (one.line, one.hour_ms)
                if key in self._waiting or len(self._waiting) < WAITING_MAX:
                    self._waiting[key] = self._waiting.get(key, False) or one.fill
                else:
                    self.counts["hours without room"] += 1

    def turn(self) -> None:
        """One round: what must be told again, hours that are due, the present hour."""
        now, now_ms = self._clock.monotonic(), self._clock.now_ms()
        if self._must_tell and now >= self._tell_due:
            self._must_tell, self._tell_due = False, now + LATE_S
            self._tell_again()
        if now >= self._present_due:
            self._present_due = now + EVERY_S
            self._mark_present(now_ms)
            self._late_due = now
        if now >= self._late_due:
            self._late_due = now + LATE_S
            self._work(now_ms)

    def _mark_present(self, now_ms: int) -> None:
        """The present hour, and those since it was looked at last: at the start, a day."""
        present = now_ms // HOUR_MS * HOUR_MS
        since = self._last_hour or present - AGAIN_HOURS * HOUR_MS
        since = max(since, present - AGAIN_HOURS * HOUR_MS)
        self._last_hour = present
        hours = range(min(since, present), present + 1, HOUR_MS)
        self.mark(Mark(line, hour) for line in self._lines for hour in hours)

    def _work(self, now_ms: int) -> None:
        for line, hours in self._due().items():
            try:
                found = list(
                    self._hours.points(line, hours, now_ms, [h for h, f in hours.items() if f])
                )
            except (StoreUnavailable, TooManyRows) as error:
                self._again(line, hours, str(error))
                continue
            except Exception as error:  # a fault of ours loses none of the hours of this round
                self.counts["failed rounds"] += 1
                log.exception("hours cannot be worked out", line=line)
                self._again(line, hours, repr(error))
                continue
            self.problem = ""
            self.counts["hours"] += len(hours)
            if not all([self._say(points, ()) for points in found]):
                self._again(line, hours, "the store takes no points")

    def _due(self) -> dict[str, dict[int, bool]]:
        """Some of the hours that wait, the latest first, by line."""
        with self._lock:
            keys = sorted(self._waiting, key=lambda key: -key[1])[:HOURS_A_ROUND]
            due: dict[str, dict[int, bool]] = {}
            for line, hour in keys:
                due.setdefault(line, {})[hour] = self._waiting.pop((line, hour))
        return due

    def _again(self, line: str, hours: dict[int, bool], why: str) -> None:
        if why != self.problem:
            log.warning("hours cannot be worked out now; they wait", line=line, why=why)
        self.problem = why
        self.mark(Mark(line, hour, fill) for hour, fill in hours.items())

    def _tell_again(self) -> None:
        """The facts since the store had all of them, from the ledger: of a day at least."""
        try:
            for station, plan in self._facts.planned.items():
                since_ms = self._since_ms(station)
                for kind in (plan.scheme.kind, "gap"):
                    for page in self._pages(station, kind, since_ms):
                        if not self._told(map(_record, page)):
                            return  # the rest would find no room either
        except (LedgerError, StoreUnavailable, TooManyRows) as error:
            self._must_tell = True
            if str(error) != self.problem:
                log.warning("what was recorded cannot be told again now", why=str(error))
            self.problem = str(error)
        if not self._must_tell:
            self._untold_ms, self._is_first = math.inf, False

    def _since_ms(self, station: str) -> float:
        """From when on what was recorded of a station may be missing in the store."""
        now_ms = self._clock.now_ms()
        told_ms = self._hours.told_ms(station) if self._is_first else math.inf
        since_ms = min(told_ms, self._untold_ms, now_ms - AGAIN_HOURS * HOUR_MS)
        return max(since_ms, now_ms - LATE_HOURS_MAX * HOUR_MS)

    def _pages(self, station: str, kind: str, since_ms: float) -> Iterator[list[Entry]]:
        """What the ledger has got since; the latest pages first, each in its order."""
        before, is_more = None, True
        while is_more:
            found = self._ledger.find(
                station=station, kind=kind, before=before, limit=ENTRIES_AT_ONCE
            )
            page = [one for one in found if one.recorded_ms >= since_ms]
            is_more = len(page) == ENTRIES_AT_ONCE
            before = found[-1].number if found else None
            yield page[::-1]

    def _run(self) -> None:
        while not self._stopping.wait(1.0):
            try:
                self.turn()
            except Exception:
                self.counts["failed rounds"] += 1
                log.exception("a round of the accounting failed")


def _record(entry: Entry) -> Record:
    return Record.model_validate(orjson.loads(entry.body))
