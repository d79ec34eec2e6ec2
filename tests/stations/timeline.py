"""Golden cases: a timeline in a TOML file, played through the agent's own machinery.

    doc = "What the case shows."
    start = "2026-11-22T08:00:00Z"
    kinds = ["studio.session"]          # records of other kinds are not compared; default: all are
    timeline = [
      { s = 0, state = "EMPTY", visit = "" },              # at second 0, values by tag name
      { s = 9, until = 15, every = 0.5, angle = [0, 36] },  # a ramp, both ends included
      { s = 20, lost = ["angle"] },                        # no value, status BAD_NO_COMMUNICATION
      { s = 21, status = "UNCERTAIN", angle = 30.0 },      # a name out of stations.status
    ]
    [[record]]                          # the records expected, in order, none left out
    kind = "studio.state"
    s = 0                               # its time
    visit = "v-1"                       # none by default
    data = { from = "EMPTY" }           # keys that are not named here are not compared
    none = ["spin.taken"]               # dotted names whose value must be null

A dot inside a key is written as a slash: `measurements.brake/efficiency.value`. A state is written
by its name; a number that no state has, as the number.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from stations import kinds, status
from stations.declare import Station, Tag, Type
from stations.kinds import Kind
from stations.records import Draft
from stations.samples import Samples, build
from stations.watch import Watch

FOLDER = Path(kinds.__file__).parent
ROW_KEYS = {"s", "until", "every", "lost", "status"}
RECORD_KEYS = {"kind", "s", "visit", "data", "none", "version"}
CASE_KEYS = {"doc", "start", "kinds", "timeline", "record"}
Row = tuple[float, str, int, Any]


def case_files() -> list[Path]:
    """Every golden case of every kind."""
    return sorted(FOLDER.glob("*/cases/*.toml"))


@dataclasses.dataclass(frozen=True)
class Case:
    """One golden case, read and checked."""

    kind: Kind
    start_ms: int
    samples: Samples
    compared: tuple[str, ...]
    expected: list[dict[str, Any]]

    @property
    def tags(self) -> dict[int, Tag[Any]]:
        """The numbers of the tags, as an agent would give them."""
        return dict(enumerate(self.kind.station.tags, start=1))


def load(path: Path) -> Case:
    """The case of a file; KeyError or ValueError when it names what does not exist."""
    text = tomllib.loads(path.read_text())
    _only(text, CASE_KEYS, "case")
    for record in text["record"]:
        _only(record, RECORD_KEYS, "record")
    kind = kinds.find(path.parent.parent.name)
    start_ms = round(datetime.fromisoformat(text["start"]).timestamp() * 1000)
    rows = [part for row in text["timeline"] for part in _rows(kind.station, row)]
    numbers = {tag.name: number for number, tag in enumerate(kind.station.tags, start=1)}
    samples = build(
        (numbers[name], start_ms + round(s * 1000), code, kind.station.tag(name).value_type, value)
        for s, name, code, value in sorted(rows, key=lambda row: row[0])
    )
    return Case(kind, start_ms, samples, tuple(text.get("kinds", ())), text["record"])


def play(case: Case, samples: Samples, *, restart: bool = False) -> list[Draft]:
    """The drafts of these samples, fed moment by moment; `restart`: memory goes through JSON."""
    watch = Watch(case.kind, case.tags)
    drafts: list[Draft] = []
    cuts = np.flatnonzero(np.diff(samples.time)) + 1
    for start, end in zip([0, *cuts.tolist()], [*cuts.tolist(), len(samples)], strict=True):
        drafts += watch.feed(samples[start:end])
        if restart:
            stored = orjson.loads(orjson.dumps(dataclasses.asdict(watch.memory)))
            restored = case.kind.memory(**stored)
            assert restored == watch.memory
            watch.memory = restored
    return drafts


def compare(case: Case, drafts: list[Draft]) -> None:
    """Fail with the first record that differs from what the case expects."""
    made = [draft for draft in drafts if not case.compared or draft.kind in case.compared]
    got = [_brief(draft, case.start_ms) for draft in made]
    expected = [
        (record["kind"], record["s"], record.get("visit"), record.get("version", 1))
        for record in case.expected
    ]
    assert got == expected
    for draft, record in zip(made, case.expected, strict=True):
        where = f"{draft.kind} at {record['s']} s"
        same(draft.data, record.get("data", {}), where)
        for name in record.get("none", ()):
            assert find(draft.data, name) is None, f"{where}: {name} is not null"


def same(got: Any, expected: Any, where: str) -> None:
    """Every key that is expected is there with that value; numbers to six digits."""
    if isinstance(expected, dict):
        assert isinstance(got, dict), f"{where} is {got!r}"
        for key, value in expected.items():
            assert key in got, f"{where} has no {key}, it has {sorted(got)}"
            same(got[key], value, f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(got) == len(expected), f"{where} is {got!r}"
        for index, value in enumerate(expected):
            same(got[index], value, f"{where}[{index}]")
    elif isinstance(expected, float) or (
        isinstance(expected, int) and not isinstance(expected, bool) and isinstance(got, float)
    ):
        assert got == pytest.approx(expected, rel=1e-6, abs=1e-9), f"{where} is {got!r}"
    else:
        assert got == expected, f"{where} is {got!r}"
        assert type(got) is type(expected), f"{where} is {got!r}"


def find(data: Any, name: str) -> Any:
    """The value at a dotted name; a key with a dot in it is written with `/` in its place."""
    for part in name.split("."):
        data = data[part.replace("/", ".")]
    return data


def _brief(draft: Draft, start_ms: int) -> tuple[str, float, str | None, int]:
    return draft.kind, (draft.time_ms - start_ms) / 1000, draft.visit, draft.version


def _rows(station: type[Station], row: dict[str, Any]) -> Iterator[Row]:
    code = getattr(status, row.get("status", "GOOD"))
    values = {name: value for name, value in row.items() if name not in ROW_KEYS}
    for name in row.get("lost", ()):
        station.tag(name)
        lost = code if "status" in row else status.BAD_NO_COMMUNICATION
        yield row["s"], name, lost, None
    for name, value in values.items():
        tag = station.tag(name)
        if "until" in row:
            yield from ((s, name, code, tag.kind(v)) for s, v in _ramp(row, value))
        else:
            yield row["s"], name, code, _value(tag, value)


def _ramp(row: dict[str, Any], ends: list[float]) -> Iterator[tuple[float, float]]:
    count = round((row["until"] - row["s"]) / row["every"])
    for step in range(count + 1):
        yield row["s"] + step * row["every"], ends[0] + (ends[1] - ends[0]) * step / count


def _value(tag: Tag[Any], value: Any) -> Any:
    if tag.states is not None:
        return tag.states[value].value if isinstance(value, str) else value
    match tag.value_type:
        case Type.FLOAT:
            return float(value)
        case Type.FLOATS | Type.INTS:
            return value if isinstance(value, list) else [value] * tag.length
        case _:
            assert type(value) is tag.kind, f"{tag.name} is a {tag.kind.__name__}, not {value!r}"
            return value


def _only(table: dict[str, Any], known: set[str], what: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise KeyError(f"a {what} has no key {', '.join(unknown)}; known are {sorted(known)}")
