"""Records and clocks for the tests of the ledger."""

from __future__ import annotations

from typing import Any

from stations.records import AgentInfo, Record, record_id

START_MS = 1_790_000_000_000


class HandClock:
    """A clock that goes on by one millisecond each time it is read."""

    def __init__(self) -> None:
        self.ms = START_MS

    def now_ms(self) -> int:
        self.ms += 1
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000


def record(number: int, **changes: Any) -> Record:
    """The record with this number; equal numbers make equal records."""
    fields: dict[str, Any] = {
        "id": record_id(START_MS + number, "test", str(number)),
        "kind": "studio.session",
        "version": 1,
        "site": "flins",
        "line": "line-1",
        "station": "studio-1",
        "visit": f"v-2026-{number:06d}",
        "time": "2026-09-21T14:00:00.000Z",
        "agent": AgentInfo(name="pc-1", version="0.1.0"),
        "data": {"angle_deg": number + 0.5, "text": "Größe", "cells": [1, 2.5, None]},
    }
    return Record(**fields | changes)


def cycle(number: int, visit: str, station: str, began: str, ended: str, **changes: Any) -> Record:
    """The record of a cycle on 21 September 2026; `began` and `ended` are times of day."""
    kind = {"studio": "studio.session", "battery": "battery.qualification"}.get(
        station.partition("-")[0], "inspection.report"
    )
    data = {
        "visit": visit,
        "started": f"2026-09-21T{began}.000Z",
        "ended": f"2026-09-21T{ended}.000Z",
        "cycle_s": 60.5,
        "complete": True,
        "flaws": [],
        "phases": {"spinning": 45.0},
    }
    time = data["ended"]
    return record(number, kind=kind, station=station, visit=visit, time=time, data=data | changes)
