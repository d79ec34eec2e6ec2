"""Line protocol from columns: what stands on a line, what shares it, how it is escaped."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant.stores.influx.catalog import Catalog, Key
from plant.stores.influx.lines import arrange, encode, field_of, is_writable, line
from stations.declare import Type
from stations.samples import build
from stations.status import BAD_SENSOR_FAILURE, GOOD, UNCERTAIN
from tests.plant.points import T0

STUDIO = ("flins", "line-1", "studio-1", "studio")


class Lines:
    """A catalog with series that are made as they are named."""

    def __init__(self, since_ms: int = 0) -> None:
        self.catalog = Catalog(since_ms)

    def make(self, *rows: tuple[str, int, int, Type, Any], of: tuple[str, ...] = STUDIO) -> str:
        """The lines of samples: tag, time after T0, status, type, value."""
        tags = sorted({row[0] for row in rows})
        for tag in tags:
            self.catalog.add(Key(*of, tag), T0, Type.FLOAT)
        number = {tag: self.catalog.numbers[Key(*of, tag)] for tag in tags}
        samples = build([(0, T0 + time, *rest) for _, time, *rest in rows])
        series = np.array([number[row[0]] for row in rows], np.int64)
        arranged = arrange(series, samples, self.catalog.keys)
        self.catalog.tell(arranged)
        blob, lines = encode(arranged, self.catalog.keys)
        told = blob.decode().replace("studio,line=line-1,site=flins,station=studio-1", "S")
        assert lines == len(set(row[1] for row in rows))
        return told.replace(f" {str(T0)[:-3]}", " +")


def test_samples_of_one_station_and_time_share_a_line() -> None:
    lines = Lines()
    made = lines.make(
        ("b", 1, GOOD, Type.FLOAT, 2.5), ("a", 1, GOOD, Type.INT, -(2**63)),
        ("a", 0, GOOD, Type.INT, 2**63 - 1), ("c", 1, GOOD, Type.BOOL, True),
    )  # fmt: skip
    assert made == (
        "S a=9223372036854775807i,a_q=0i +000\n"
        "S a=-9223372036854775808i,b=2.5,b_q=0i,c=true,c_q=0i +001\n"
    )
    assert lines.make(("a", 2, GOOD, Type.INT, 1), ("b", 2, GOOD, Type.FLOAT, 1.0)) == (
        "S a=1i,b=1.0 +002\n"
    )


def test_a_status_is_written_where_it_is_not_good_and_where_it_changes() -> None:
    lines = Lines()
    bad, uncertain = BAD_SENSOR_FAILURE, UNCERTAIN
    rows = [
        (0, GOOD),
        (1, GOOD),
        (2, bad),
        (3, bad),
        (4, GOOD),
        (5, GOOD),
        (6, uncertain),
        (7, 0x480),
    ]
    made = lines.make(*[("a", time, status, Type.FLOAT, 1.0) for time, status in rows])
    assert [text.split()[1] for text in made.splitlines()] == [
        "a=1.0,a_q=0i", "a=1.0", f"a=1.0,a_q={bad}i", f"a=1.0,a_q={bad}i", "a=1.0,a_q=0i",
        "a=1.0", f"a=1.0,a_q={uncertain}i", "a=1.0,a_q=1152i",
    ]  # fmt: skip


def test_a_status_is_written_where_an_older_one_may_stand() -> None:
    lines = Lines()
    lines.make(("a", 5, BAD_SENSOR_FAILURE, Type.FLOAT, 1.0))
    assert lines.make(("a", 6, GOOD, Type.FLOAT, 1.0)) == "S a=1.0,a_q=0i +006\n"
    assert lines.make(("a", 5, GOOD, Type.FLOAT, 1.0)) == "S a=1.0,a_q=0i +005\n"
    assert lines.make(("a", 7, GOOD, Type.FLOAT, 1.0)) == "S a=1.0 +007\n"
    again = Lines(since_ms=T0 + 10)  # another process, which knows nothing of what was written
    again.make(("a", 9, GOOD, Type.FLOAT, 1.0))
    assert again.make(("a", 10, GOOD, Type.FLOAT, 1.0)) == "S a=1.0,a_q=0i +010\n"
    assert again.make(("a", 11, GOOD, Type.FLOAT, 1.0)) == "S a=1.0 +011\n"


def test_a_sample_without_value_is_a_status_alone() -> None:
    assert Lines().make(("a", 0, BAD_SENSOR_FAILURE, Type.FLOAT, None)) == (
        f"S a_q={BAD_SENSOR_FAILURE + 2**32}i +000\n"
    )


def test_of_one_time_the_last_stays() -> None:
    made = Lines().make(("a", 0, GOOD, Type.FLOAT, 1.0), ("a", 0, GOOD, Type.FLOAT, 2.0))
    assert made == "S a=2.0,a_q=0i +000\n"


def test_texts_and_arrays_are_strings() -> None:
    made = Lines().make(
        ("a", 0, GOOD, Type.TEXT, 'say "no" \\ é\n\0'), ("b", 0, GOOD, Type.TEXT, ""),
        ("c", 0, GOOD, Type.INTS, [1, -2]), ("d", 0, GOOD, Type.FLOATS, [0.5, math.nan]),
    )  # fmt: skip
    assert made == (
        'S a="say \\"no\\" \\\\ é\n\0",a_q=0i,b="",b_q=0i,c="[1,-2]",c_q=0i,'
        'd="[0.5,null]",d_q=0i +000\n'
    )


def test_names_are_escaped() -> None:
    made = Lines().make(
        ("a tag,b=c", 0, GOOD, Type.FLOAT, 1.0), of=("works", "", "press 1,a=b", "kind, of it")
    )
    assert made == (
        "kind\\,\\ of\\ it,site=works,station=press\\ 1\\,a\\=b"
        " a\\ tag\\,b\\=c=1.0,a\\ tag\\,b\\=c_q=0i +000\n"
    )


@pytest.mark.parametrize("name", ["a\\", "a\nb", "a\0", "#a", "\x7f", "é" * 501])
def test_a_name_that_cannot_be_written(name: str) -> None:
    assert not is_writable(name)


@given(st.lists(st.text("_qtime", min_size=1, max_size=8), unique=True))
def test_fields_of_tags_and_statuses_never_meet(tags: list[str]) -> None:
    fields = [field_of(tag) for tag in tags]
    written = fields + [f"{field}_q" for field in fields]
    assert len(set(written)) == len(written)
    assert not {"time", "site", "line", "station"} & set(written)


def test_one_line_for_where_lines_are_few() -> None:
    assert line(
        "m x", {"b": "y", "a": "", "c": "z=1"}, {"f": 1, "g": 0.5, "h": True, "i": 'q"'}, 7
    ) == (b'm\\ x,b=y,c=z\\=1 f=1i,g=0.5,h=true,i="q\\"" 7\n')
