"""Points for tests, from rows that a person can read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plant.stores.store import Points
from stations.declare import Type
from stations.samples import build
from stations.status import GOOD
from wire.sparkplug.metrics import MetricName

T0 = 1_700_000_000_000
NUMBERS = {
    Type.BOOL: (1, "guard"),
    Type.INT: (2, "state"),
    Type.FLOAT: (3, "angle"),
    Type.TEXT: (4, "visit"),
    Type.INTS: (5, "counts"),
    Type.FLOATS: (6, "cells"),
}
TYPE_OF = {name: kind for kind, (_, name) in NUMBERS.items()}
Row = tuple[str, int, int, Any]  # tag, time, status, value


def points(
    rows: Sequence[Row],
    *,
    station: str = "studio-1",
    measurement: str = "studio",
    received_ms: int = T0 + 1000,
    types: dict[str, Type] | None = None,
) -> Points:
    """Points with the tags of NUMBERS; `types` lets a sample have another type than its tag."""
    names = {
        number: MetricName(number, station, name, kind) for kind, (number, name) in NUMBERS.items()
    }
    numbers = {name.name: number for number, name in names.items()}
    kinds = TYPE_OF | (types or {})
    samples = build(
        [(numbers[tag], time, status, kinds[tag], value) for tag, time, status, value in rows]
    )
    return Points("flins-vo", "line-1", station, measurement, names, samples, received_ms)


def angles(
    values: Sequence[float], start_ms: int = T0, step_ms: int = 100, station: str = "studio-1"
) -> Points:
    """Good samples of the tag `angle` at even intervals, received a second after the last."""
    rows: list[Row] = [
        ("angle", start_ms + step_ms * i, GOOD, value) for i, value in enumerate(values)
    ]
    received_ms = max(T0, start_ms + step_ms * len(values)) + 1000
    return points(rows, station=station, received_ms=received_ms)
