"""Hours that have to be worked out again."""

from __future__ import annotations

from dataclasses import dataclass

LATE_HOURS_MAX = 14 * 24  # what comes later than this changes no hour any more


@dataclass(frozen=True, slots=True)
class Mark:
    """An hour of a line that has to be worked out again; `fill`: its states came late."""

    line: str
    hour_ms: int
    fill: bool = False
