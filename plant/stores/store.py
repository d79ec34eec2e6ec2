"""What a store of samples is: one protocol, and the columns that go in and come out.

Every implementation passes `tests/plant/store_contract.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from stations.declare import Type
from stations.samples import Samples
from wire.sparkplug.metrics import MetricName

EDGE_HEALTH = "edge_health"
STATION_STATE = "station_state"
STATION_CYCLE = "station_cycle"
STATION_STOP = "station_stop"
STATION_GAP = "station_gap"
STOP_REASON = "stop_reason"
STATION_KPI = "station_kpi"
LINE_KPI = "line_kpi"
OWN_MEASUREMENTS = (
    EDGE_HEALTH, STATION_STATE, STATION_CYCLE, STATION_STOP, STATION_GAP, STOP_REASON, STATION_KPI,
    LINE_KPI,
)  # fmt: skip
ROWS_MAX = 1_000_000


class StoreUnavailable(Exception):
    """The store cannot take or give anything now: try again later, acknowledge nothing."""


class StoreRefuses(StoreUnavailable):
    """The store takes nothing until a person has done something: an account, a setting."""


class StoreUnusable(ValueError):
    """What is at the store's address is no store of ours, or one of a newer version."""


class TooManyRows(ValueError):
    """A range has more rows than the caller allowed; ask for a shorter one."""


@dataclass(frozen=True, slots=True)
class Points:
    """Samples of one station on their way into a store.

    `names` says what the numbers in `samples.tag` stand for; `received_ms` is when they arrived.
    """

    site: str
    line: str
    station: str
    measurement: str
    names: Mapping[int, MetricName]
    samples: Samples
    received_ms: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """One sample that a store does not take, and why; `value` is its text, cut short."""

    station: str
    tag: str
    time_ms: int
    status: int
    type: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class Series:
    """What a store keeps of one tag of one station."""

    site: str
    line: str
    station: str
    measurement: str
    tag: str
    type: Type


@dataclass(frozen=True, slots=True)
class Sample:
    """One stored sample; `value` is None where there was none."""

    time_ms: int
    status: int
    value: Any


@dataclass(frozen=True, slots=True)
class Last:
    """The latest sample, and the latest whose status is Good."""

    latest: Sample | None
    good: Sample | None


@dataclass(frozen=True, slots=True, eq=False)
class Means:
    """Windows that have Good numbers: begin in UTC ms (i8), mean (f8), number of samples (i8)."""

    time: NDArray[np.int64]
    mean: NDArray[np.float64]
    count: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.time)


class Store(Protocol):
    """Where samples end. (measurement, station, tag, time) is the key: the last one written wins.

    Where no measurement is given, those of the historian itself (OWN_MEASUREMENTS) are left out.
    Every method raises StoreUnavailable when the store cannot be reached.
    """

    def write(self, points: Sequence[Points]) -> list[list[Refusal]]:
        """Keep all that can be kept, durably; for each of `points` what was refused of it."""
        ...

    def last(self, station: str, tag: str, measurement: str | None = None) -> Last:
        """The latest sample and the latest Good one."""
        ...

    def range(
        self,
        station: str,
        tag: str,
        start_ms: int,
        end_ms: int,
        measurement: str | None = None,
        rows_max: int = ROWS_MAX,
    ) -> Samples:
        """The samples from `start_ms` to before `end_ms` in the order of time, tag number 0.

        TooManyRows when there are more than `rows_max`.
        """
        ...

    def mean(
        self,
        station: str,
        tag: str,
        start_ms: int,
        end_ms: int,
        window_ms: int,
        measurement: str | None = None,
    ) -> Means:
        """Means of the Good numbers; windows begin at multiples of `window_ms` since 1970."""
        ...  # fmt: skip

    def count(
        self, station: str | None = None, tag: str | None = None, measurement: str | None = None
    ) -> int:
        """How many samples there are: of all, of one station, of one tag."""
        ...

    def series(self) -> list[Series]:
        """All series, also those of the historian itself."""
        ...

    def close(self) -> None:
        """Give the store back; closing twice is harmless."""
        ...
