"""The outbox: what is committed is there again, positions are unique, bounds are kept and said."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from edge.outbox import Batch, Outbox
from edge.outbox_file import SOURCE, OutboxDamaged, OutboxError
from edge.pipeline import Pipeline
from stations.declare import Type
from stations.samples import build
from tests.edge.reports import START_MS, TAGS, report, rows_of

NOW = START_MS + 60_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


def batch(at: int, value: float, station: str = "press-1", rows: int = 1) -> Batch:
    samples = build((1, START_MS + at + i, 0, Type.FLOAT, value) for i in range(rows))
    source = np.zeros(rows, SOURCE)
    source["ticks"] = samples.time * 10_000
    return Batch(station, samples, source)


def waiting(outbox: Outbox) -> list[int]:
    return [one.position for one in outbox.waiting(1 << 40, set(), 1000)[0]]


def test_what_is_committed_is_there_after_a_restart_that_nobody_announced(path: Path) -> None:
    first = Outbox(path)
    placed = first.commit([batch(0, 1.0), batch(1, 2.0, "press-2")], NOW, [("r-1", b"{}")])
    assert [one.position for one in placed] == [1, 2]
    second = Outbox(path)  # The first was never closed, as after a kill.
    again, lost = second.waiting(1 << 40, set(), 10)
    assert not lost
    assert [(one.station, rows_of(one.samples)) for one in again] == [
        (one.station, rows_of(one.samples)) for one in placed
    ]
    assert again[0].source["ticks"].tolist() == placed[0].source["ticks"].tolist()
    assert second.records(10) == [("r-1", b"{}")]
    assert second.id == first.id


def test_a_position_is_never_given_twice(path: Path) -> None:
    outbox = Outbox(path)
    outbox.commit([batch(0, 1.0)], NOW)
    outbox.confirmed([(1, 1)])
    outbox.close()
    assert Outbox(path).commit([batch(1, 2.0)], NOW)[0].position == 2


def test_where_a_station_stood_is_known_when_it_is_declared_no_longer(path: Path) -> None:
    Outbox(path).places([("press-1", "line/1", "press"), ("press-2", "", "device")])
    found = Outbox(path).places([("press-2", "line-2", "device")])
    assert found == {"press-1": ("line/1", "press"), "press-2": ("line-2", "device")}


def test_tag_numbers_are_for_ever_and_a_new_type_is_a_new_tag(path: Path) -> None:
    outbox = Outbox(path)
    numbers = outbox.numbers("press-1", [("force", Type.FLOAT), ("visit", Type.TEXT)])
    assert numbers == {"force": 1, "visit": 2}
    outbox.close()
    outbox = Outbox(path)
    assert outbox.numbers("press-1", [("force", Type.FLOAT)]) == {"force": 1}
    assert outbox.numbers("press-1", [("force", Type.INT)]) == {"force": 3}
    assert outbox.all_tags()[1] == ("press-1", "force", Type.FLOAT)


def test_confirmed_ranges_are_forgotten_and_others_stay(path: Path) -> None:
    outbox = Outbox(path)
    outbox.commit([batch(i, float(i)) for i in range(6)], NOW)
    assert outbox.confirmed([(1, 2), (5, 5), (90, 99)]) == 3
    assert waiting(outbox) == [3, 4, 6]
    assert [one.position for one in outbox.waiting(5, {3}, 10)[0]] == [4]
    assert outbox.confirmed([(1, 2)]) == 0


def test_the_state_is_that_of_the_last_commit_even_when_its_batches_are_gone(path: Path) -> None:
    outbox, pipeline = Outbox(path), Pipeline()
    pipeline.declare(TAGS)
    for at in range(4):
        kept = pipeline.run(report([("force", at * 10_000, float(at)), ("visit", at, f"v-{at}")]))
        outbox.commit([Batch("press-1", kept.samples, kept.source)], NOW)
        if at == 2:
            assert outbox.needs_state(3)
            outbox.confirmed([(1, 3)], pipeline.state.to_bytes())
            assert not outbox.needs_state(3)
    state, lost = Outbox(path).state()
    assert not lost
    assert state.to_bytes() == pipeline.state.to_bytes()


def test_a_damaged_batch_is_named_and_the_rest_goes_on(path: Path) -> None:
    outbox = Outbox(path)
    outbox.commit([batch(0, 1.0, rows=5), batch(9, 2.0)], NOW)
    with sqlite3.connect(path) as other:
        blob = bytearray(
            other.execute("SELECT samples FROM batch WHERE position = 1").fetchone()[0]
        )
        blob[40] ^= 4
        other.execute("UPDATE batch SET samples = ? WHERE position = 1", (bytes(blob),))
    other.close()
    found, lost = outbox.waiting(1 << 40, set(), 10)
    assert [one.position for one in found] == [2]
    assert [(one.station, one.count, one.reason) for one in lost] == [
        ("press-1", 5, "outbox damaged")
    ]
    assert (lost[0].from_ms, lost[0].to_ms) == (START_MS, START_MS + 4)
    assert waiting(outbox) == [2]


def test_the_bounds_drop_the_oldest_samples_and_never_a_record(path: Path) -> None:
    outbox = Outbox(path, bytes_max=20_000)
    for at in range(30):
        outbox.commit([batch(at * 100, 1.0, rows=50)], NOW + at, [(f"r-{at}", b"{}")])
    lost = outbox.bound(NOW, bytes)
    assert outbox.fill().bytes <= 20_000
    assert [one.reason for one in lost] == ["outbox full"]
    assert lost[0].count + outbox.fill().samples == 30 * 50
    assert lost[0].from_ms == START_MS
    assert waiting(outbox)[-1] == 30
    assert outbox.fill().records == 30
    assert outbox.bound(NOW, bytes) == []


def test_samples_older_than_the_bound_are_dropped(path: Path) -> None:
    outbox = Outbox(path, age_ms_max=1000)
    outbox.commit([batch(0, 1.0)], NOW)
    outbox.commit([batch(1, 1.0)], NOW + 900)
    assert [one.count for one in outbox.bound(NOW + 1500, bytes)] == [1]
    assert waiting(outbox) == [2]


def test_records_wait_in_order_until_the_ledger_has_them(path: Path) -> None:
    outbox = Outbox(path)
    outbox.commit([], NOW, [("b", b"1"), ("a", b"2")])
    outbox.commit([], NOW, [("a", b"2"), ("c", b"3")], memories=[("press-1", b"m")])
    assert [id for id, _ in outbox.records(10)] == ["b", "a", "c"]
    assert outbox.records_confirmed(["a", "x"]) == 1
    assert [id for id, _ in outbox.records(10)] == ["b", "c"]
    assert outbox.memories() == {"press-1": b"m"}


def test_bd_seq_goes_on_after_a_restart_and_wraps(path: Path) -> None:
    outbox = Outbox(path)
    assert [outbox.next_bd_seq() for _ in range(3)] == [0, 1, 2]
    outbox = Outbox(path)
    assert outbox.bd_seq_ahead() == 3
    assert [outbox.next_bd_seq() for _ in range(255)][-3:] == [255, 0, 1]


def test_a_newer_outbox_is_refused_with_a_word(path: Path) -> None:
    Outbox(path).close()
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(OutboxError, match="newer version"):
        Outbox(path)


def test_a_file_that_is_no_outbox_is_refused_with_a_word(path: Path) -> None:
    path.write_bytes(b"This is a text, not a database. " * 100)
    with pytest.raises(OutboxDamaged, match="damaged"):
        Outbox(path)
