"""Damage in the outbox: found, put aside and named; what can be read goes on."""

from __future__ import annotations

import sqlite3
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import numpy as np
import pytest

from edge.outbox import Outbox
from edge.outbox_damage import LOST_SINCE, since_of
from edge.outbox_file import SOURCE, Batch, Lost, OutboxDamaged
from edge.outbox_place import set_aside
from edge.outbox_salvage import salvage
from stations.declare import Type
from stations.samples import build
from tests.edge.reports import START_MS
from tests.edge.test_outbox import NOW, waiting

PAGE = 4096
BATCHES = 200  # of each of two stations
EVER = 1 << 40
TAGS = [("force", Type.FLOAT), ("visit", Type.TEXT)]


@pytest.fixture
def path(scratch: Path) -> Path:
    """A closed outbox of 400 batches of two stations, records among them."""
    path = scratch / "outbox.db"
    with closing(Outbox(path)) as outbox:
        assert outbox.numbers("press-1", TAGS) == {"force": 1, "visit": 2}
        outbox.numbers("press-2", TAGS)
        for number in range(BATCHES):
            at = 10_000 * number
            pair = [batch(at, number, rows=9), batch(at + 5_000, number, "press-2", rows=9)]
            outbox.commit(pair, START_MS + at, [(f"r-{number}", b"{%d}" % number)])
        outbox.next_bd_seq()
    return path


def batch(at: int, value: float, station: str = "press-1", rows: int = 1) -> Batch:
    """A batch of the tag `force` of a station."""
    tag = {"press-1": 1, "press-2": 3}[station]
    samples = build((tag, START_MS + at + i, 0, Type.FLOAT, value) for i in range(rows))
    source = np.zeros(rows, SOURCE)
    source["ticks"] = samples.time * 10_000
    return Batch(station, samples, source)


def altered(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        assert db.execute(statement, values).rowcount == 1


def telling(outbox: Outbox) -> list[Lost]:
    """What the outbox has told; each makes a record."""
    told: list[Lost] = []

    def tell(lost: object) -> list[tuple[str, bytes]]:
        told.extend(lost)  # type: ignore[call-overload]
        return [(f"gap-{len(told)}", b"gap")] if lost else []

    outbox.tell = tell  # type: ignore[assignment]
    return told


@pytest.mark.parametrize(
    ("column", "value"), [("station", "press-9"), ("first_ms", 1), ("count", 8), ("last_ms", 2**45)]
)
def test_a_row_that_says_something_else_is_not_sent(path: Path, column: str, value: object) -> None:
    altered(path, f"UPDATE batch SET {column} = ? WHERE position = 7", value)
    with closing(Outbox(path)) as outbox:
        told = telling(outbox)
        found, lost = outbox.waiting(EVER, set(), 500)
        assert [one.position for one in found] == [*range(1, 7), *range(8, 401)]
        right = batch(30_000, 3.0, rows=9).lost("outbox damaged")
        assert lost == told == [right]
        assert outbox.records(500)[-1] == ("gap-1", b"gap")


def test_the_record_of_a_damaged_batch_is_kept_with_its_removal(path: Path) -> None:
    altered(path, "UPDATE batch SET samples = zeroblob(9) WHERE position = 7")
    with closing(Outbox(path)) as outbox:
        telling(outbox)
        outbox.waiting(EVER, set(), 500)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM record WHERE body = 'gap'").fetchone()[0] == 0
        (found,) = db.execute("SELECT about, first FROM spoiled").fetchall()
        assert found == ("batch 7 of press-1", bytes(9))
        assert db.execute("SELECT count(*) FROM batch WHERE position = 7").fetchone()[0] == 0
        assert db.execute("SELECT count(*) FROM record WHERE id = 'gap-1'").fetchone()[0] == 1


def test_a_record_goes_out_with_its_own_bytes_or_not_at_all(path: Path) -> None:
    altered(path, "UPDATE record SET body = ? WHERE id = 'r-3'", b"{4}")
    with closing(Outbox(path)) as outbox:
        told = telling(outbox)
        assert "r-3" not in dict(outbox.records(500))
        assert len(told) == 1
        assert len(dict(outbox.records(500))) == 200  # one less, and the one that says so


def test_an_altered_name_of_a_tag_is_no_other_tag(path: Path) -> None:
    content = path.read_bytes()
    at = content.index(b"press-2force")  # in the table; the index beside it has its own copy
    path.write_bytes(content[: at + 7] + b"torce" + content[at + 12 :])
    with pytest.raises(OutboxDamaged, match="tag"):
        Outbox(path)
    opened, mended = Outbox.opened(path, NOW)
    with closing(opened) as outbox:
        assert mended is not None and mended.salvaged is not None
        told = telling(outbox)
        assert {one.station for one in outbox.waiting(EVER, set(), 500)[0]} <= {
            "press-1",
            "press-2",
        }
        assert ("press-2", "torce", Type.FLOAT) not in outbox.all_tags().values()
        outbox.say_lost()
        assert len(outbox.waiting(EVER, set(), 500)[0]) + len(told) == 400


def pages(path: Path) -> Iterator[int]:
    yield from range(path.stat().st_size // PAGE)


def test_whatever_page_is_torn_the_rest_goes_on_and_the_loss_is_named(
    path: Path, seed: int, request: pytest.FixtureRequest
) -> None:
    random, sound = Random(seed), path.read_bytes()
    length = request.config.getoption("--length")
    tried = list(pages(path))
    for page in random.sample(tried, min(len(tried), round(15 * length))):
        torn = bytearray(sound)
        start = page * PAGE + random.choice((0, 512, 2048))
        torn[start : page * PAGE + PAGE] = random.randbytes(page * PAGE + PAGE - start)
        path.write_bytes(torn)
        check(path, f"page {page} from {start - page * PAGE}")


def test_whatever_bit_is_turned_the_rest_goes_on_and_the_loss_is_named(
    path: Path, seed: int, request: pytest.FixtureRequest
) -> None:
    random, sound = Random(seed), path.read_bytes()
    for _ in range(round(20 * request.config.getoption("--length"))):
        bit = random.randrange(len(sound) * 8)
        torn = bytearray(sound)
        torn[bit // 8] ^= 1 << bit % 8
        path.write_bytes(torn)
        check(path, f"bit {bit % 8} of byte {bit // 8}")


def check(path: Path, what: str) -> None:
    """Open it as an agent does; each batch and record is there as it was, or its loss is named."""
    outbox, _ = Outbox.opened(path, NOW + 9_000_000)
    told = telling(outbox)
    outbox.say_lost()
    for _ in range(9):
        try:
            found, _ = outbox.waiting(EVER, set(), 500)
            records = dict(outbox.records(500))
        except sqlite3.Error as error:  # as the publisher and the keeper do
            outbox.suspect = str(error)
        if not outbox.suspect:
            break
        assert outbox.look_after(NOW + 9_000_000) is not None
        outbox.say_lost()
    there = {(one.station, int(one.samples.time[0])): one for one in found}
    for number in range(BATCHES):
        for station, at in (("press-1", 10_000 * number), ("press-2", 10_000 * number + 5_000)):
            one = there.pop((station, START_MS + at), None)
            right = batch(at, number, station, rows=9)
            if one is None:
                span = right.lost("")
                assert any(
                    lost.station in ("", station)
                    and lost.from_ms <= span.from_ms
                    and span.to_ms <= lost.to_ms
                    for lost in told
                ), f"{what}: {station} at {at} is lost and not named: {told[:5]}"
            else:
                assert one.samples.to_bytes() == right.samples.to_bytes(), what
        body = records.pop(f"r-{number}", None)
        assert body == b"{%d}" % number or (body is None and told), f"{what}: record {number}"
    assert not there, f"{what}: never written: {there.keys()}"
    assert all(id.startswith("gap-") for id in records), what
    placed = outbox.commit([batch(0, 1.0)], NOW)
    assert placed[0].position > max((one.position for one in found), default=0)
    assert waiting(outbox)[-1] == placed[0].position
    outbox.close()
    for file in path.parent.iterdir():
        file.unlink()


def test_a_torn_log_is_noticed_and_the_outbox_counts_anew(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    first = Outbox(path)
    first.numbers("press-1", TAGS)
    for number in range(5):
        first.commit([batch(number, number)], NOW)
    log = Path(f"{path}-wal")
    content = bytearray(log.read_bytes())
    content[-3 * (PAGE + 24) + 100] ^= 1  # in a page of an older commit than the last
    other = tmp_path / "other.db"
    other.write_bytes(path.read_bytes())
    Path(f"{other}-wal").write_bytes(content)
    second = Outbox(other)
    told = telling(second)
    second.say_lost()
    assert 0 < len(waiting(second)) < 5
    assert [(one.station, one.count) for one in told] == [("", None)]
    assert second.id != first.id, "positions of lost batches may have been confirmed"
    assert since_of(second.memories()[LOST_SINCE]) == told[0].from_ms, "kept after it is said"
    first.close()
    second.close()


def test_a_log_that_ends_in_the_middle_of_a_commit_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    first = Outbox(path)
    for number in range(5):
        first.commit([batch(number, number)], NOW)
    other = tmp_path / "other.db"
    other.write_bytes(path.read_bytes())
    Path(f"{other}-wal").write_bytes(Path(f"{path}-wal").read_bytes()[:-1000])
    with closing(Outbox(other)) as second:
        told = telling(second)
        second.say_lost()
        assert (waiting(second), told, second.id) == ([1, 2, 3, 4], [], first.id)
    first.close()


def test_what_was_aside_is_listed_until_somebody_takes_it(path: Path) -> None:
    path.write_bytes(b"no database at all, but a text" * 500)
    outbox, mended = Outbox.opened(path, NOW)
    assert mended is not None and mended.aside is not None
    assert set_aside(path) == [mended.aside]
    assert mended.aside.read_bytes().startswith(b"no database")
    samples = build([(1, NOW, 0, Type.FLOAT, 1.0)])
    assert len(samples) == 1
    told = telling(outbox)
    assert outbox.say_lost() == told
    assert [(one.station, one.from_ms, one.to_ms) for one in told if not one.station] != []
    outbox.close()


def test_of_more_rows_than_are_asked_for_the_oldest_are_named_as_lost(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.outbox_salvage.PROBES_MAX", 50)
    found = salvage(path, path.with_name("new.db"), NOW)
    (lost,) = found.lost
    assert (found.batches, lost.station, lost.from_ms) == (51, "", 0)
    assert lost.to_ms >= START_MS + 10_000 * (BATCHES - 26)


def test_with_all_of_the_older_let_go_nothing_is_lost(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.outbox_salvage.PROBES_MAX", 50)
    with closing(Outbox(path)) as outbox:
        outbox.confirmed([(1, 349)], b"")
    assert salvage(path, path.with_name("new.db"), NOW).lost == []


def test_the_state_after_a_long_absence_is_read_a_batch_at_a_time(scratch: Path) -> None:
    with closing(Outbox(scratch / "outbox.db")) as outbox:
        outbox.numbers("press-1", TAGS)
        for number in range(30):
            outbox.commit([batch(100_000 * number, number, rows=20_000)], NOW)
        tracemalloc.start()
        state, lost = outbox.state()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert lost == [] and state.last_ms([1]) == START_MS + 2_900_000 + 19_999
    assert peak < 6 * 20_000 * 40, "not all of them at once"
