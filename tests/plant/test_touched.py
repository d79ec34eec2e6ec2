"""The list of minutes to be computed: on disk before anything is acknowledged, and bounded."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant.stores.influx.catalog import Place
from plant.stores.influx.means import SPAN_MINUTES_MAX, lines, spans
from plant.stores.influx.touched import MINUTE_MS, SETTLE_MS, Minute, Touched
from plant.stores.influx.windows import merge, of_samples, windows
from plant.stores.influx.windows import spans as window_spans
from plant.stores.store import StoreUnavailable
from stations.declare import Type
from stations.samples import build
from stations.status import BAD_SENSOR_FAILURE

HERE = Place("flins", "line-1", "studio-1", "studio")
THERE = Place("flins", "line-1", "studio-2", "studio")
NOW = 1_000 * MINUTE_MS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "means.db"


def test_a_minute_is_due_when_it_is_over_and_settled(path: Path) -> None:
    with closing(Touched(path)) as touched:
        touched.add([Minute(HERE, 1000), Minute(HERE, 3)], NOW)
        assert touched.take(NOW, 9) == []
        assert touched.take(NOW + SETTLE_MS, 9) == [Minute(HERE, 3)]
        assert touched.take(NOW + MINUTE_MS + SETTLE_MS, 9) == [Minute(HERE, 1000)]
        assert touched.take(NOW + 10 * MINUTE_MS, 9) == []


def test_what_was_not_done_is_there_after_a_restart(path: Path) -> None:
    minutes = [Minute(HERE, 1), Minute(HERE, 2), Minute(THERE, 1)]
    with closing(Touched(path)) as touched:
        touched.add(minutes, NOW)
        taken = touched.take(NOW + SETTLE_MS, 2)
        touched.done(taken[:1])
    with closing(Touched(path)) as again:
        assert again.take(NOW, 9) == minutes[1:]


def test_what_is_written_to_while_it_is_computed_is_computed_again(path: Path) -> None:
    one = Minute(HERE, 1)
    with closing(Touched(path)) as touched:
        touched.add([one], NOW)
        touched.take(NOW + SETTLE_MS, 9)
        touched.add([one], NOW)
        touched.done([one])
        assert len(touched) == 1
    with closing(Touched(path)) as again:
        assert again.take(NOW, 9) == [one]
        again.done([one])
    with closing(Touched(path)) as last:
        assert last.take(NOW, 9) == []


def test_what_could_not_be_computed_comes_again(path: Path) -> None:
    with closing(Touched(path)) as touched:
        touched.add([Minute(HERE, 1)], NOW)
        touched.back(touched.take(NOW + SETTLE_MS, 9), NOW)
        assert touched.take(NOW, 9) == []
        assert touched.take(NOW + SETTLE_MS, 9) == [Minute(HERE, 1)]


def test_what_the_disk_does_not_let_go_comes_again(path: Path) -> None:
    minutes = [Minute(HERE, 1), Minute(HERE, 2)]
    with closing(Touched(path)) as touched:
        touched.add(minutes, NOW)
        with closing(sqlite3.connect(path)) as other:
            other.execute(
                "CREATE TRIGGER full BEFORE DELETE ON touched BEGIN"
                " SELECT RAISE(ABORT, 'database or disk is full'); END"
            )
            taken = touched.take(NOW + SETTLE_MS, 9)
            with pytest.raises(StoreUnavailable, match="disk is full"):
                touched.done(taken)
            touched.back(taken, NOW)
            other.execute("DROP TRIGGER full")
        again = touched.take(NOW + SETTLE_MS, 9)
        assert again == minutes
        touched.done(again)
        touched.back(again, NOW)
        assert len(touched) == 0
    with closing(Touched(path)) as last:
        assert last.take(NOW, 9) == []


def test_the_list_is_bounded_and_counts(path: Path) -> None:
    with closing(Touched(path, rows_max=2)) as touched:
        touched.add([Minute(HERE, number) for number in range(5)], NOW)
        assert (len(touched), touched.dropped) == (2, 3)


@given(st.sets(st.integers(0, 40)), st.sets(st.integers(0, 40)))
def test_runs_hold_every_minute_once(here: set[int], there: set[int]) -> None:
    minutes = [Minute(HERE, one) for one in sorted(here)]
    minutes += [Minute(THERE, one) for one in sorted(there)]
    runs = list(spans(minutes))
    assert [one for run in runs for one in run] == minutes
    for run in runs:
        assert {one.place for one in run} == {run[0].place}
        assert [one.minute for one in run] == list(range(run[0].minute, run[-1].minute + 1))


def test_a_run_is_bounded() -> None:
    runs = list(spans([Minute(HERE, number) for number in range(SPAN_MINUTES_MAX + 1)]))
    assert [len(run) for run in runs] == [SPAN_MINUTES_MAX, 1]


def test_windows_of_samples_are_of_good_numbers() -> None:
    rows = [(0, 0, 0, Type.FLOAT, 1.0), (0, 500, 0, Type.FLOAT, 4.0), (0, 2100, 0, Type.FLOAT, 7.0)]
    bad = (0, 900, BAD_SENSOR_FAILURE, Type.FLOAT, 99.0)
    found = of_samples(build([*rows[:2], bad, *rows[2:]]), 1000)
    assert found.time.tolist() == [0, 2000]
    assert (found.mean.tolist(), found.least.tolist()) == ([2.5, 7.0], [1.0, 7.0])
    assert (found.greatest.tolist(), found.count.tolist()) == ([4.0, 7.0], [2, 1])
    bools = of_samples(build([(0, t, 0, Type.BOOL, t > 0) for t in range(4)]), 1000)
    assert bools.mean.tolist() == [0.75]
    assert len(of_samples(build([(0, 0, 0, Type.TEXT, "a")]), 1000)) == 0


def test_windows_of_two_series_are_merged() -> None:
    one, other = (
        windows([(0, 1.0, 0.0, 2.0, 3), (5, 1.0, 1.0, 1.0, 1)]),
        windows([(0, 5.0, 5.0, 5.0, 1)]),
    )
    both = merge(one, other)
    assert both.time.tolist() == [0, 5]
    assert both.mean.tolist() == [2.0, 1.0]
    assert (both.least.tolist(), both.greatest.tolist()) == ([0.0, 1.0], [5.0, 1.0])
    assert both.count.tolist() == [4, 1]


def test_spans_of_windows() -> None:
    assert list(window_spans([0, 10, 20, 50], 10)) == [(0, 30), (50, 60)]
    assert list(window_spans([], 10)) == []


def test_a_tag_with_the_name_of_a_part_keeps_its_own_mean() -> None:
    one = windows([(60_000, 1.5, 1.0, 2.0, 2)])
    assert lines(HERE, {"angle": one, "angle_min": one}) == [
        b"studio,line=line-1,site=flins,station=studio-1 angle=1.5,angle_max=2.0,angle_count=2i,"
        b"angle_min=1.5,angle_min_min=1.0,angle_min_max=2.0,angle_min_count=2i 60000\n"
    ]
