"""What no store takes, decided once for all: whole columns in, the good rows and refusals out.

An agent's pipeline lets nearly nothing of this through; a foreign edge may. NaN inside an array is
an element without value, and is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plant.stores.store import Points, Refusal
from stations.declare import Type
from stations.samples import Samples

TIME_MS_MIN = 631_152_000_000  # 1990-01-01
FUTURE_MS_MAX = 86_400_000
TEXT_BYTES_MAX = 64 * 1024
ARRAY_BYTES_MAX = 512 * 1024
VALUE_TEXT_MAX = 200

TIME_ABSURD = "a time before 1990"
TIME_FUTURE = "a time more than one day ahead of its arrival"
NOT_A_NUMBER = "a value that is not a finite number"
TEXT_LONG = f"a text longer than {TEXT_BYTES_MAX} bytes"
TEXT_WRONG = "a text that is not UTF-8"
ARRAY_WRONG = f"an array that is torn or longer than {ARRAY_BYTES_MAX} bytes"
UNKNOWN_TAG = "a tag that no birth has named"
WRONG_TYPE = "a type other than that of its series"
TOO_MANY_SERIES = "one series more than the store keeps"
TOO_OLD = "a time before all that the store keeps"
NAME_WRONG = "a name that the store cannot keep"
NOT_KEPT = "a type that the store does not keep"
_REASONS = (
    "", UNKNOWN_TAG, WRONG_TYPE, TIME_ABSURD, TIME_FUTURE, NOT_A_NUMBER,
    TEXT_LONG, TEXT_WRONG, ARRAY_WRONG, TOO_MANY_SERIES, TOO_OLD, NAME_WRONG, NOT_KEPT,
)  # fmt: skip
_CODE = {reason: code for code, reason in enumerate(_REASONS)}
NO_ROOM = -1
NO_NAME = -2
NO_PLACE = -3
_NO_SERIES = {NO_ROOM: TOO_MANY_SERIES, NO_NAME: NAME_WRONG, NO_PLACE: NOT_KEPT}


def sift(
    points: Points, types: Mapping[int, int], oldest_ms: int = TIME_MS_MIN
) -> tuple[Samples, list[Refusal]]:
    """The rows that can be stored, and the others with the reason.

    `types` has the `Type` that the series of each tag number keeps, or why there can be no such
    series: NO_ROOM, NO_NAME, NO_PLACE; a tag number that it lacks is unknown. What is older than
    `oldest_ms` is no longer kept.
    """
    samples = points.samples
    if not len(samples):
        return samples, []
    codes = np.zeros(len(samples), np.uint8)
    _mark_sides(samples, codes)
    wrong_number = (samples.type == Type.FLOAT) & ~np.isfinite(samples.floats)
    codes[wrong_number] = _CODE[NOT_A_NUMBER]
    codes[is_ahead(samples, points.received_ms)] = _CODE[TIME_FUTURE]
    codes[samples.time < oldest_ms] = _CODE[TOO_OLD]
    codes[samples.time < TIME_MS_MIN] = _CODE[TIME_ABSURD]
    _mark_types(samples, types, codes)
    if not codes.any():
        return samples, []
    rows = np.flatnonzero(codes).tolist()
    return samples[codes == 0], [refusal(points, row, _REASONS[codes[row]]) for row in rows]


def is_ahead(samples: Samples, received_ms: int) -> NDArray[np.bool_]:
    """Which rows have a time that cannot be: nothing that comes after would ever be newer."""
    return samples.time > received_ms + FUTURE_MS_MAX


def _mark_types(samples: Samples, types: Mapping[int, int], codes: NDArray[np.uint8]) -> None:
    unknown = 255
    tags, places = np.unique(samples.tag, return_inverse=True)
    kept = np.array([types.get(tag, unknown) for tag in tags.tolist()], np.int16)[places]
    codes[(samples.type != kept) & (samples.type != Type.NONE)] = _CODE[WRONG_TYPE]
    for number, reason in _NO_SERIES.items():
        codes[kept == number] = _CODE[reason]
    codes[kept == unknown] = _CODE[UNKNOWN_TAG]


def _mark_sides(samples: Samples, codes: NDArray[np.uint8]) -> None:
    """Texts and arrays lie in the side list, so they are looked at one by one."""
    if not samples.side:
        return
    for row in np.flatnonzero(samples.in_side).tolist():
        entry = samples.side[int(samples.value[row])]
        kind = samples.type[row]
        if kind == Type.TEXT:
            codes[row] = _text_code(entry)
        elif len(entry) % 8 or len(entry) > ARRAY_BYTES_MAX:
            codes[row] = _CODE[ARRAY_WRONG]
        elif kind == Type.FLOATS and np.isinf(np.frombuffer(entry, "<f8")).any():
            codes[row] = _CODE[NOT_A_NUMBER]


def _text_code(entry: bytes) -> int:
    if len(entry) > TEXT_BYTES_MAX:
        return _CODE[TEXT_LONG]
    try:
        entry.decode()
    except UnicodeDecodeError:
        return _CODE[TEXT_WRONG]
    return 0


def refusal(points: Points, row: int, reason: str) -> Refusal:
    """One row of these points as it is refused."""
    samples = points.samples
    number = int(samples.tag[row])
    name = points.names.get(number)
    kind = int(samples.type[row])
    return Refusal(
        station=points.station,
        tag=name.name if name is not None else f"number {number}",
        time_ms=int(samples.time[row]),
        status=int(samples.status[row]),
        type=Type(kind).name.lower() if kind in set(Type) else f"type {kind}",
        value=value_text(samples, row),
        reason=reason,
    )


def value_text(samples: Samples, row: int) -> str:
    """What a person can read of a value that may be anything, at most VALUE_TEXT_MAX long."""
    kind = int(samples.type[row])
    if kind in (Type.TEXT, Type.INTS, Type.FLOATS):
        entry = samples.side[int(samples.value[row])]
        return _side_text(entry, kind)[:VALUE_TEXT_MAX]
    if kind in set(Type):
        value: Any = samples.row(row)
        return "" if value is None else str(value)
    return f"{int(samples.value[row]):#x}"


def _side_text(entry: bytes, kind: int) -> str:
    if kind == Type.TEXT:
        return entry[: 4 * VALUE_TEXT_MAX].decode(errors="replace")
    head = entry[: min(len(entry) // 8 * 8, 8 * VALUE_TEXT_MAX)]
    return str(np.frombuffer(head, "<i8" if kind == Type.INTS else "<f8").tolist())
