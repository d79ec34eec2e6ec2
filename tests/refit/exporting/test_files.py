"""What comes out of a store into a file comes back out of the file as it was."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant.stores.sqlite import SqliteStore
from plant.stores.store import TooManyRows
from refit.exporting.choose import Chosen, choose
from refit.exporting.csv import cell, times
from refit.exporting.files import whole_file
from refit.exporting.giving import Asked, Nothing, give
from refit.exporting.reading import values_of, windows
from refit.status_words import words
from refit.times import text_of
from stations.declare import Type
from stations.samples import Samples, build
from stations.status import GOOD
from tests.plant.points import T0, TYPE_OF, Row, angles, points
from tests.plant.store_contract import ROWS, expected
from wire.site import Site

SITE = Site(name="flins-vo")
SPAN = (T0 - 1, T0 + 100_000)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    made = SqliteStore(tmp_path / "samples.db")
    yield made
    made.close()


def text(store: SqliteStore, **asked: Any) -> str:
    """A CSV of what was asked for."""
    file = io.BytesIO()
    give(store, SITE, Asked(*SPAN, **asked), file, lambda share: None)
    return file.getvalue().decode()


def parquet(store: SqliteStore, **asked: Any) -> Any:
    """A Parquet table of what was asked for."""
    file = io.BytesIO()
    give(store, SITE, Asked(*SPAN, format="parquet", **asked), file, lambda share: None)
    return pq.read_table(io.BytesIO(file.getvalue()))


def cells(line: str) -> Iterator[tuple[str, bool]]:
    """The cells of CSV lines, and whether each stood in quotes; a line's end is ("\\n", False)."""
    at = 0
    while at < len(line):
        if is_quoted := line[at] == '"':
            end = at + 1
            while line[end] != '"' or line[end : end + 2] == '""':
                end += 2 if line[end] == '"' else 1
            value, at = line[at + 1 : end].replace('""', '"'), end + 1
        else:
            end = min(line.find(sign, at) for sign in (",", "\r\n") if sign in line[at:])
            value, at = line[at:end], end
        yield value, is_quoted
        if line[at] == ",":
            at += 1
        else:
            yield "\n", False
            at += 2


def back(value: str, is_quoted: bool, kind: Type) -> Any:
    """A value out of its cell."""
    if not value and not is_quoted:
        return None
    match kind:
        case Type.TEXT:
            return value
        case Type.INTS | Type.FLOATS:
            return json.loads(value)
        case Type.BOOL:
            return {"true": True, "false": False}[value]
        case Type.INT:
            return int(value)
    return float(value)


@given(rows=ROWS)
def test_a_csv_holds_every_sample_exactly(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row]
) -> None:
    store = SqliteStore(tmp_path_factory.mktemp("store") / "samples.db")
    store.write([points(rows)])
    if not rows:
        with pytest.raises(Nothing, match="no samples from 2023-11-14T"):
            text(store)
        return
    lines: list[list[tuple[str, bool]]] = [[]]
    for one in cells(text(store)):
        lines.append([]) if one == ("\n", False) else lines[-1].append(one)
    assert [value for value, _ in lines[0]] == [
        "time", "station", "tag", "value", "unit", "quality", "status",
    ]  # fmt: skip
    found = {
        (line[2][0], line[0][0]): (int(line[6][0]), back(*line[3], TYPE_OF[line[2][0]]))
        for line in lines[1:-1]
    }
    wanted = {(tag, text_of(time)): one for (tag, time), one in expected(rows).items()}
    assert found == wanted
    assert len(lines) - 2 == len(wanted), "each sample once"
    store.close()


@given(rows=ROWS.filter(bool), is_wide=st.booleans())
def test_a_parquet_file_holds_every_sample_exactly(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], is_wide: bool
) -> None:
    store = SqliteStore(tmp_path_factory.mktemp("store") / "samples.db")
    store.write([points(rows)])
    wanted = expected(rows)
    table = parquet(store, is_wide=is_wide)
    found: dict[tuple[str, int], Any] = {}
    for row in table.to_pylist():
        time = round(row["time"].timestamp() * 1000)
        if is_wide:
            for tag in TYPE_OF:
                name = f"studio-1/{tag}"
                if name in row and row[f"{name} quality"] is not None:
                    found[tag, time] = (row[f"{name} quality"], row[name])
        else:
            names = [name for name in row if name.startswith("value")]
            values = [row[name] for name in names if row[name] is not None]
            assert len(values) <= 1
            found[row["tag"], time] = (row["quality"], values[0] if values else None)
    assert found == {key: (words(status), value) for key, (status, value) in wanted.items()}
    store.close()


def test_a_wide_csv_has_a_row_for_each_time(store: SqliteStore) -> None:
    rows: list[Row] = [
        ("angle", T0, GOOD, 1.5), ("state", T0, GOOD, 3), ("visit", T0 + 1, GOOD, "a,\"b\""),
        ("angle", T0 + 1, 0x808C_0000, None),
    ]  # fmt: skip
    store.write([points(rows)])
    lines = list(csv.reader(io.StringIO(text(store, is_wide=True), newline="")))
    assert lines == [
        ["time", "studio-1/angle", "studio-1/angle quality", "studio-1/state",
         "studio-1/state quality", "studio-1/visit", "studio-1/visit quality"],
        [text_of(T0), "1.5", "Good", "3", "Good", "", ""],
        [text_of(T0 + 1), "", "BadSensorFailure", "", "", 'a,"b"', "Good"],
    ]  # fmt: skip


def test_means_are_those_of_whole_windows(store: SqliteStore) -> None:
    store.write([angles([1.0, 2.0, 3.0, 6.0], start_ms=T0, step_ms=1_000)])
    store.write([points([("visit", T0, GOOD, "v-1"), ("angle", T0 + 500, 0x8000_0000, None)])])
    begin = text_of(T0 // 2_000 * 2_000)
    long = text(store, every_ms=2_000).splitlines()
    assert long[0] == "time,station,tag,mean,unit,count"
    assert long[1] == f"{begin},studio-1,angle,1.5,,2"
    assert len(long) == 3
    wide = text(store, every_ms=2_000, is_wide=True).splitlines()
    assert wide == ["time,studio-1/angle", f"{begin},1.5", f"{text_of(T0 + 2_000)},4.5"]
    assert parquet(store, every_ms=2_000).column("count").to_pylist() == [2, 2]
    with pytest.raises(Nothing):
        text(store, tags=["visit"], every_ms=2_000)


def test_a_parquet_file_says_what_its_columns_are(store: SqliteStore) -> None:
    store.write([angles([1.0])])
    about = json.loads(parquet(store).schema.metadata[b"refit"])
    assert (about["site"], about["from"]) == ("flins-vo", text_of(SPAN[0]))
    assert about["tags"] == {"studio-1/angle": {"type": "float", "line": "line-1"}}
    assert "StatusCode" in about["status"]
    field = parquet(store, is_wide=True).schema.field("studio-1/angle")
    assert field.metadata == {b"type": b"float", b"line": b"line-1"}


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, ""), (True, "true"), (0.1 + 0.2, "0.30000000000000004"), (-0.0, "-0.0"),
        (math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity"), (5e-324, "5e-324"),
        ("", '""'), ("=1+1", '"=1+1"'), ('a"b', '"a""b"'), ([1.5, math.nan], '"[1.5, null]"'),
        (2**63 - 1, "9223372036854775807"),
    ],
)  # fmt: skip
def test_cells(value: Any, wanted: str) -> None:
    assert cell(value) == wanted


@given(st.floats())
def test_every_float_comes_back_from_its_cell(value: float) -> None:
    again = float(cell(value))
    assert again == value or (math.isnan(again) and math.isnan(value))
    assert math.copysign(1, again) == math.copysign(1, value) or math.isnan(value)


@given(st.lists(st.integers(-(2**62), 2**62) | st.integers(T0, T0 + 2**40), max_size=5))
def test_whole_columns_of_times_are_written_as_each_of_them(moments: list[int]) -> None:
    assert list(times(moments)) == [text_of(one) for one in moments]


@given(
    moments=st.lists(st.integers(0, 10_000), max_size=200, unique=True),
    most=st.integers(1, 40),
    span=st.integers(1, 20_000),
)
def test_windows_give_every_sample_once_and_no_more_than_fit(
    moments: list[int], most: int, span: int
) -> None:
    class Counting:
        """A store of one series, as far as reading goes."""

        def range(self, *asked: Any) -> Samples:
            _, _, start, end, _, rows_max = asked
            inside = sorted(time for time in moments if start <= time < end)
            if len(inside) > rows_max:
                raise TooManyRows
            return build([(0, time, GOOD, Type.INT, time) for time in inside])

    one = Chosen(series_of(SITE))
    found = list(windows(Counting(), [one], 0, span, 100 * most))  # type: ignore[arg-type]
    assert [time for w in found for time in values_of(w.samples[0])] == sorted(
        time for time in moments if time < span
    )
    assert [w.start_ms for w in found] == [0, *(w.end_ms for w in found[:-1])]
    assert found[-1].end_ms == span


def series_of(site: Site) -> Any:
    from plant.stores.store import Series

    return Series(site.name, "line-1", "studio-1", "studio", "state", Type.INT)


def test_a_long_range_is_read_in_bounded_windows(store: SqliteStore) -> None:
    store.write([angles(np.arange(5_000.0).tolist(), step_ms=7)])
    chosen = choose(SITE, store.series(), [], [], None)
    found = list(windows(store, chosen, T0, T0 + 1_000_000, rows_max=400))
    assert max(window.rows for window in found) <= 400
    assert len(found) < 60, "and they are not much smaller than they may be"
    values = [value for window in found for value in values_of(window.samples[0])]
    assert values == np.arange(5_000.0).tolist()


def test_a_station_that_was_of_two_kinds_is_two_columns(store: SqliteStore) -> None:
    row: list[Row] = [("angle", T0, GOOD, 1.0)]
    store.write([points(row), points(row, measurement="table")])
    names = {one.name for one in choose(SITE, store.series(), [], [], None)}
    assert names == {"studio-1/angle (studio)", "studio-1/angle (table)"}
    only = choose(SITE, store.series(), [], [], "table")
    assert [one.name for one in only] == ["studio-1/angle"]


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("before")
    with pytest.raises(RuntimeError), whole_file(path) as file:
        file.write(b"half")
        raise RuntimeError
    assert [one.name for one in tmp_path.iterdir()] == ["out.csv"]
    assert path.read_text() == "before"
    with whole_file(path) as file:
        file.write(b"whole")
    assert path.read_text() == "whole"
