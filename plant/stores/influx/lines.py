"""From columns to line protocol: bytes of `measurement,tags field=value,... time`, times in ms.

Samples of one station with one time share a line, which costs a server far less than a line for
each. No Python code runs per value of a number: whole columns become text at once (orjson writes
the shortest text that reads back as the same float), and the pieces are joined once. Texts and
arrays are taken one by one. `benchmarks/influx_lines.py` measures it against influxdb-client.

Field of a tag is its name; its status is `<name>_q`. A name that would be taken for one of those,
or for a tag of the line, gets `_` at its end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import orjson
from numpy.typing import NDArray

from stations.declare import Type
from stations.samples import Samples

NO_VALUE = 1 << 32
"""Added to the StatusCode in `<tag>_q` where there is no value; also hides an older one there."""
STATUS = "_q"
NAME_BYTES_MAX = 1_000
_RESERVED = re.compile(r"(?s:time|site|line|station|.*_q)_*\Z")
# A backslash before what is escaped cannot be told apart; a line break ends a line; # begins a
# comment, which a server drops without a word.
_IMPOSSIBLE = re.compile(r"[\\\x00-\x1f\x7f\ud800-\udfff]|\A#")
_HEADS = 4

Scalar = bool | int | float | str


def is_writable(name: str) -> bool:
    """Whether a name can stand in a line as measurement, tag or field and be read back."""
    return _IMPOSSIBLE.search(name) is None and len(name.encode()) <= NAME_BYTES_MAX


def field_of(tag: str) -> str:
    """The field in which the values of a tag stand."""
    return f"{tag}_" if _RESERVED.match(tag) else tag


def head(measurement: str, tags: Mapping[str, str]) -> bytes:
    """How a line begins; a tag without value is left out."""
    told = [f",{key}={_escaped(value)}" for key, value in sorted(tags.items()) if value]
    return (measurement.replace(",", "\\,").replace(" ", "\\ ") + "".join(told)).encode()


def line(
    measurement: str, tags: Mapping[str, str], fields: Mapping[str, Scalar], time_ms: int
) -> bytes:
    """One line, for where lines are few."""
    told = [f"{_escaped(key)}={_scalar(value)}" for key, value in fields.items()]
    return b"%s %s %d\n" % (head(measurement, tags), ",".join(told).encode(), time_ms)


def _escaped(name: str) -> str:
    return name.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")


def _scalar(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value.encode()).decode()
    return f"{value}i" if isinstance(value, int) else repr(value)


def _quoted(text: bytes) -> bytes:
    """A string field: within quotes only these two are escaped; a line break stays as it is."""
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


class Keys:
    """How the lines of each series begin, by its number; series only come to it."""

    def __init__(self) -> None:
        self._groups_of: dict[bytes, int] = {}
        self._groups: list[int] = []
        self._heads: list[bytes] = []
        self._status: list[bytes] = []
        self._columns: tuple[NDArray[np.int64], NDArray[np.object_], NDArray[np.object_]] | None
        self._columns = None

    def __len__(self) -> int:
        return len(self._groups)

    def add(self, measurement: str, tags: Mapping[str, str], tag: str) -> int:
        """The number of a new series."""
        begin = head(measurement, tags)
        field = _escaped(field_of(tag)).encode()
        status = field + STATUS.encode()
        self._groups.append(self._groups_of.setdefault(begin, len(self._groups_of)))
        self._heads += [b",%s=" % field, b",%s=" % status]
        self._heads += [b"%s %s=" % (begin, field), b"%s %s=" % (begin, status)]
        self._status.append(b",%s=" % status)
        self._columns = None
        return len(self._groups) - 1

    def group(self, number: int) -> int:
        """The group of a series: those of one group share their lines."""
        return self._groups[number]

    def columns(self) -> tuple[NDArray[np.int64], NDArray[np.object_], NDArray[np.object_]]:
        """Group, four heads and status head of each: series of one group share their lines.

        The heads: a further value, a further status alone, a first value, a first status alone.
        """
        if self._columns is None:
            groups = np.array(self._groups, np.int64)
            self._columns = (groups, _column(self._heads), _column(self._status))
        return self._columns


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Samples that are to be written, by series number, each (series, time) once.

    `code` is what stands in `<tag>_q`; `told` says where that is written; `origin` is the caller's.
    """

    series: NDArray[np.int64]
    code: NDArray[np.int64]
    told: NDArray[np.bool_]
    origin: NDArray[np.int64]
    samples: Samples

    def __len__(self) -> int:
        return len(self.series)

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Rows:
        return Rows(
            self.series[rows], self.code[rows], self.told[rows], self.origin[rows],
            self.samples[rows],
        )  # fmt: skip


def arrange(series: NDArray[np.int64], samples: Samples, keys: Keys) -> Rows:
    """Rows in the order of lines; of one series and time the last stays. No status is told yet."""
    groups = keys.columns()[0]
    order = np.lexsort((series, samples.time, groups[series]))
    series, times = series[order], samples.time[order]
    again = np.zeros(len(order), np.bool_)
    again[:-1] = (series[1:] == series[:-1]) & (times[1:] == times[:-1])
    if again.any():
        order, series = order[~again], series[~again]
    samples = samples[order]
    code = samples.status.astype(np.int64)
    code[samples.type == Type.NONE] += NO_VALUE
    return Rows(series, code, np.zeros(len(order), np.bool_), order, samples)


def encode(rows: Rows, keys: Keys) -> tuple[bytes, int]:
    """Lines of rows in the order that `arrange` gives, and how many lines these are."""
    size = len(rows)
    if not size:
        return b"", 0
    groups, heads, status_heads = keys.columns()
    times, empty = rows.samples.time, rows.samples.type == Type.NONE
    of = groups[rows.series]
    first = np.ones(size, np.bool_)
    first[1:] = (of[1:] != of[:-1]) | (times[1:] != times[:-1])
    last = np.append(first[1:], True)
    tails = np.full(size, b"", object)
    tails[last] = _column(_times(times[last]))
    told = rows.told & ~empty
    width = 5 if told.any() else 3
    pieces = [b""] * (width * size)
    pieces[0::width] = heads[_HEADS * rows.series + 2 * first + empty].tolist()
    pieces[1::width] = _values(rows)
    if width == 5:
        names, codes = np.full(size, b"", object), np.full(size, b"", object)
        names[told] = status_heads[rows.series[told]]
        codes[told] = _column(_numbers(rows.code[told], b"i"))
        pieces[2::width], pieces[3::width] = names.tolist(), codes.tolist()
    pieces[width - 1 :: width] = tails.tolist()
    return b"".join(pieces), int(np.count_nonzero(first))


def _values(rows: Rows) -> list[bytes]:
    """The text of each value; of a row without value that of its status."""
    samples = rows.samples
    kinds = np.flatnonzero(np.bincount(samples.type, minlength=len(Type))).tolist()
    if kinds == [Type.FLOAT]:
        return _numbers(samples.floats)
    values = np.empty(len(rows), object)
    for kind in kinds:
        at = np.flatnonzero(samples.type == kind)
        match kind:
            case Type.FLOAT:
                values[at] = _column(_numbers(samples.floats[at]))
            case Type.INT:
                values[at] = _column(_numbers(samples.ints[at], b"i"))
            case Type.BOOL:
                values[at] = _BOOLS[(samples.value[at] != 0).astype(np.int64)]
            case Type.NONE:
                values[at] = _column(_numbers(rows.code[at], b"i"))
            case _:
                values[at] = _column([_side(samples, row, kind) for row in at.tolist()])
    return list(values.tolist())


def _side(samples: Samples, row: int, kind: int) -> bytes:
    entry = samples.side[int(samples.value[row])]
    if kind == Type.TEXT:
        return _quoted(entry)
    elements = np.frombuffer(entry, "<i8" if kind == Type.INTS else "<f8")
    return b'"' + orjson.dumps(elements, option=orjson.OPT_SERIALIZE_NUMPY) + b'"'


def _numbers(values: NDArray[np.int64] | NDArray[np.float64], suffix: bytes = b"") -> list[bytes]:
    text = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
    if suffix:
        text = text.replace(b",", suffix + b",") + suffix
    return text.split(b",")


def _times(times: NDArray[np.int64]) -> list[bytes]:
    text = orjson.dumps(np.ascontiguousarray(times), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
    return (b" " + text.replace(b",", b"\n, ") + b"\n").split(b",")


def _column(pieces: list[bytes]) -> NDArray[np.object_]:
    column = np.empty(len(pieces), object)
    column[:] = pieces
    return column


_BOOLS = _column([b"false", b"true"])
