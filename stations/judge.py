"""How the rules of a kind see its values: each tag's latest reading, and what came since.

A kind's `rules.py` has three names:
    TRIGGERS   the tags whose every sample makes the rules look (few, slow: the state, the visit)
    Memory     a frozen dataclass of plain values, with defaults, carried from look to look
    judge(memory: Memory, now: Now) -> tuple[Memory, list[Draft]]
The rules are asked once per sample of a trigger, in the order of time, after that sample has been
applied to `now`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from stations.declare import Tag
from stations.status import BAD_WAITING_FOR_INITIAL_DATA, is_good

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """A value with its source time (UTC ms) and StatusCode. Only a Good value can be relied on."""

    value: T
    time_ms: int
    status: int

    @property
    def is_good(self) -> bool:
        """True when the severity of the status is Good."""
        return is_good(self.status)


class Missing(LookupError):
    """A tag that has not been read yet was asked for its value."""


@dataclass(frozen=True, slots=True)
class Now:
    """The station as it is known at one moment: `now[Studio.angle].value` is a float.

    `trigger` is the name of the tag that made the rules look, `time_ms` the time of its sample.
    `series` gives times (i8, ms) and values (f8) of a number's Good samples since the last look.
    """

    time_ms: int
    trigger: str
    readings: Mapping[str, Reading[Any]]
    columns: Mapping[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = field(
        default_factory=dict
    )

    def __getitem__(self, tag: Tag[T]) -> Reading[T]:
        """The latest reading; Missing when the tag was never read or has no value just now."""
        reading = self.readings.get(tag.name)
        if reading is None or reading.value is None:
            raise Missing(f"{tag.name} has no value yet")
        if tag.states is not None and not isinstance(reading.value, tag.states):
            state = cast(T, tag.states(reading.value))
            return Reading(state, reading.time_ms, reading.status)
        return reading

    def get(self, tag: Tag[T]) -> T | None:
        """The value of a Good reading, otherwise None."""
        try:
            reading = self[tag]
        except (Missing, ValueError):
            return None
        return reading.value if reading.is_good else None

    def status(self, tag: Tag[Any]) -> int:
        """The StatusCode of the latest reading."""
        reading = self.readings.get(tag.name)
        return BAD_WAITING_FOR_INITIAL_DATA if reading is None else reading.status

    def series(self, tag: Tag[Any]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Times and values of this tag's Good samples since the rules last looked; may be empty."""
        nothing = (np.empty(0, np.int64), np.empty(0, np.float64))
        return self.columns.get(tag.name, nothing)
