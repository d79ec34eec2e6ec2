"""What is known of a plant from the historian's answers: rows, stations, agents, what is wrong.

No network, no terminal, no clock of its own: times are passed in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from refit.status_words import GOOD, severity, words

RECENT = 32
RATE_S = 10.0
NO_VALUE = "no value yet"


@dataclass(slots=True, eq=False)
class Row:
    """One tag: what it is, its latest sample, its last numbers."""

    station: str
    tag: str
    place: int
    type: str = ""
    unit: str = ""
    doc: str = ""
    states: Mapping[str, str] = field(default_factory=dict)
    value: Any = None
    status: int | None = None
    time_ms: int | None = None
    count: int = 0
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))
    counts: deque[tuple[float, int]] = field(default_factory=deque)
    is_counted: bool = False  # false until the first answer: what came before has no time

    def take(self, told: Mapping[str, Any], now_s: float) -> None:
        """A newer sample of the same tag; `told` has what an answer says of a value."""
        fresh = max(told["count"] - self.count, 0)
        self.value, self.status, self.time_ms = told["value"], told["status"], told["time_ms"]
        numbers = [float("nan") if one is None else one for one in told["recent"]]
        if fresh and numbers:
            self.recent.extend(numbers[-fresh:])
        if told["count"] != self.count and self.is_counted:
            self.counts.append((now_s, self.count))
            self._forget(now_s)
        self.count, self.is_counted = told["count"], True

    def per_s(self, now_s: float, since_s: float) -> float:
        """Samples a second over the last RATE_S; `since_s` is when the count began."""
        self._forget(now_s)
        window = min(now_s - since_s, RATE_S)
        return (self.count - self.counts[0][1]) / window if self.counts and window > 0 else 0.0

    def _forget(self, now_s: float) -> None:
        """Let go of counts that no rate needs: a row may never be drawn."""
        while self.counts and self.counts[0][0] <= now_s - RATE_S:
            self.counts.popleft()

    @property
    def sample(self) -> tuple[Any, ...]:
        """The latest sample, to be compared."""
        return self.time_ms, self.status, self.value

    @property
    def quality(self) -> str:
        """The quality in words."""
        return NO_VALUE if self.status is None else words(self.status)

    @property
    def severity(self) -> str:
        """Good, Uncertain or Bad; "" without any sample."""
        return "" if self.status is None else severity(self.status)

    @property
    def state(self) -> str:
        """The name of the state that the value is; "" when the tag has none."""
        return self.states.get(str(self.value), "").lower() if self.states else ""


@dataclass(frozen=True, slots=True)
class Place:
    """A station or an agent, and whether it is there."""

    name: str
    online: bool
    why: str
    since_ms: int | None
    line: str = ""
    kind: str = ""
    agent: str = ""
    backlog: int | None = None


class Board:
    """Takes answers of /stations; tells rows and troubles."""

    def __init__(self) -> None:
        self.site = ""
        self.token = ""  # for the next question
        self.rows: dict[tuple[str, str], Row] = {}
        self.stations: dict[str, Place] = {}
        self.agents: dict[str, Place] = {}
        self.away = ""  # why the historian does not answer
        self.away_since_s: float | None = None
        self.begun_s: float | None = None
        self.changed: list[Row] = []  # by the last answer: whoever was away is told nothing twice
        self._connected, self._store = True, ""
        self._ahead_ms = 0.0  # the historian's time less the caller's

    def take(self, answer: Mapping[str, Any], now_s: float) -> None:
        """An answer has come at `now_s` (seconds since 1970 here)."""
        self.away, self.away_since_s = "", None
        self.site, self.token = answer["site"], answer["token"]
        self._connected, self._store = answer["connected"], answer["store"]
        self._ahead_ms = answer["time_ms"] - now_s * 1000
        self.begun_s = now_s if self.begun_s is None else self.begun_s
        self.agents = {name: _place(name, told) for name, told in answer["agents"].items()}
        self.stations = {name: _place(name, told) for name, told in answer["stations"].items()}
        told = list(self._rows(answer, now_s))
        self.changed = [row for row, is_new in told if is_new]
        if not answer["partial"]:
            there = {(row.station, row.tag) for row, _ in told}
            self.rows = {key: row for key, row in self.rows.items() if key in there}

    def _rows(self, answer: Mapping[str, Any], now_s: float) -> Iterator[tuple[Row, bool]]:
        """Each row of an answer, and whether that says anything new of it."""
        place = 0
        for station, told in answer["stations"].items():
            for tag, about in told["tags"].items():
                row = self.rows.get((station, tag))
                is_new = row is None or row.sample != _sample(about)
                if row is None:
                    row = self.rows[station, tag] = Row(station, tag, len(self.rows))
                if not answer["partial"]:
                    row.place, place = place, place + 1
                if "type" in about:
                    row.type, row.unit, row.doc = about["type"], about["unit"], about["doc"]
                    row.states = about.get("states", {})
                if about["count"] < row.count:  # another historian, which has counted anew
                    row.count, row.is_counted = 0, False
                    row.counts.clear()
                    row.recent.clear()
                row.take(about, now_s)
                yield row, is_new

    def lost(self, why: str, now_s: float) -> None:
        """The historian does not answer; what is known stays, and is old from now on."""
        self.away = why
        self.away_since_s = now_s if self.away_since_s is None else self.away_since_s
        self.changed = []

    def age_s(self, row: Row, now_s: float) -> float | None:
        """How old the latest sample of a row is, by the historian's clock."""
        if row.time_ms is None:
            return None
        return max((now_s * 1000 + self._ahead_ms - row.time_ms) / 1000, 0.0)

    def since_s(self, place: Place, now_s: float) -> float | None:
        """How long a station or an agent is as it is."""
        if place.since_ms is None:
            return None
        return max((now_s * 1000 + self._ahead_ms - place.since_ms) / 1000, 0.0)

    def is_old(self, row: Row) -> bool:
        """True when nothing new can come: the value is the last one that was heard."""
        station = self.stations.get(row.station)
        return bool(self.away) or not self._connected or station is None or not station.online

    def per_s(self, row: Row, now_s: float) -> float:
        """Samples a second of a row."""
        return row.per_s(now_s, self.begun_s or now_s)

    def troubles(self) -> list[str]:
        """What the historian itself has trouble with."""
        found = []
        if not self._connected:
            found.append("the historian has no connection to the broker: nothing new can come")
        if self._store:
            found.append(f"the store takes no samples: {self._store}")
        return found

    def good(self) -> int:
        """How many tags have a Good value."""
        return sum(row.severity == GOOD for row in self.rows.values())


def _sample(about: Mapping[str, Any]) -> tuple[Any, ...]:
    return about["time_ms"], about["status"], about["value"]


def _place(name: str, told: Mapping[str, Any]) -> Place:
    return Place(
        name, told["online"], told["why"], told["since_ms"], told.get("line", ""),
        told.get("kind", ""), told.get("agent", ""), told.get("backlog_samples"),
    )  # fmt: skip
