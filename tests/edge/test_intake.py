"""The way to the disk: order of commit, acknowledgement and publishing, gaps, disks that say no."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import orjson
import pytest

from edge import intake as rooms
from edge.arrivals import Arrival
from edge.intake import Intake
from edge.lane import RESTARTED, Lane
from edge.outbox import Outbox
from edge.outbox_damage import LOST_SINCE
from edge.outbox_file import Batch, Lost
from edge.packing import BATCH_ROWS_MAX, BATCH_SIDE_BYTES_MAX
from edge.pipeline import Pipeline
from edge.sources.source import Gap
from stations.kinds import Kind
from stations.model import Model
from stations.records import BYTES_MAX, AgentInfo, Draft
from stations.samples import Samples
from stations.upsets import rfc3339
from stations.watch import Watch
from tests.edge.reports import NUMBERS, START_MS, TAGS, Press, report


@dataclass(frozen=True)
class Step:
    """A memory of rules."""

    number: int = 0


class Clock:
    """A clock that stands where it is put."""

    ms = START_MS + 1000

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000


class Road:
    """An intake over a real outbox, and a list of all that happened, in order."""

    def __init__(self, path: Path) -> None:
        self.events: list[Any] = []
        self.outbox, self.pipeline = Outbox(path, bytes_max=1 << 20), Pipeline()
        self.pipeline.state, _ = self.outbox.state()
        self.pipeline.declare(TAGS)
        agent = AgentInfo(name="pc-1", version="0")
        self.lane = Lane("site", "line-1", "press-1", agent, TAGS, {"": tuple(TAGS), "b": (1,)})
        self.refuse: list[Exception] = []
        self.intake = Intake(
            self.outbox, self.pipeline, [self.lane], Clock(), self.blocking, self.fresh
        )

    async def blocking(self, work: Callable[..., Any], *args: Any) -> Any:
        if self.refuse:
            raise self.refuse.pop(0)
        result = work(*args)
        self.events.append("commit")
        return result

    def fresh(self, batches: Sequence[Batch], has_records: bool) -> None:
        self.events += [("sent", batch.position, len(batch.samples)) for batch in batches]

    async def bring(self, *whats: Any) -> None:
        task = asyncio.create_task(self.intake.run())
        for what in whats:
            await self.intake.put(
                what if isinstance(what, rooms.Tick | Arrival) else Arrival(self.lane, "", what)
            )
        await asyncio.sleep(0)
        while not self.intake.idle:  # noqa: ASYNC110
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    def records(self, kind: str) -> list[dict[str, Any]]:
        bodies = [orjson.loads(body) for _, body in self.outbox.records(100)]
        return [body["data"] for body in bodies if body["kind"] == kind]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "GROUP_S", 0)
    monkeypatch.setattr(rooms, "RETRY_S", (0,))


@pytest.fixture
def road(tmp_path: Path) -> Road:
    return Road(tmp_path / "outbox.db")


async def test_disk_first_then_the_acknowledgement_then_the_wire(road: Road) -> None:
    done = lambda: road.events.append("done")  # noqa: E731
    await road.bring(report([("force", 0, 1.0)], done=done), report([("force", 9, 2.0)], done=done))
    assert road.events == ["commit", "done", "done", ("sent", 1, 2)]


async def test_a_repeat_is_acknowledged_although_nothing_is_kept(road: Road) -> None:
    once = report([("force", 0, 1.0)])
    again = report([("force", 0, 1.0)], done=lambda: road.events.append("done"))
    await road.bring(once, again)
    await road.bring(again)
    assert road.events.count("done") == 2
    assert road.outbox.fill().samples == 1


async def test_a_disk_that_says_no_holds_everything_back_until_it_says_yes(road: Road) -> None:
    road.refuse = [sqlite3.OperationalError("database or disk is full")] * 3
    await road.bring(report([("force", 0, 1.0)], done=lambda: road.events.append("done")))
    assert road.events == ["commit", "done", ("sent", 1, 1)]
    assert road.intake.tally.commit_failures == 3
    assert road.intake.problem is None


async def test_a_restart_leaves_a_gap_record_for_what_it_may_have_missed(tmp_path: Path) -> None:
    before = Road(tmp_path / "outbox.db")
    await before.bring(report([("force", 0, 1.0)]))
    assert before.records("gap") == []  # The very first report: nothing can be missing.
    after = Road(tmp_path / "outbox.db")
    await after.bring(report([("force", 50_000_000, 2.0)]), report([("force", 60_000_000, 3.0)]))
    (gap,) = after.records("gap")
    assert gap["reason"] == RESTARTED
    assert (gap["began"][-10:], gap["ended"][-10:]) == ("13:20.000Z", "13:25.000Z")
    assert gap["tags"] == []
    assert gap["count"] is None


async def test_with_nothing_left_of_a_lost_outbox_the_gap_begins_with_the_loss(road: Road) -> None:
    road.intake.memos = {LOST_SINCE: b"%d" % START_MS}
    await road.bring(report([("force", 0, 1.0)]))
    (gap,) = road.records("gap")
    assert (gap["began"], gap["reason"]) == (rfc3339(START_MS), RESTARTED)
    assert road.intake.lost_since_ms == START_MS, "another connection has not been heard yet"
    await road.bring(Arrival(road.lane, "b", report([("force", 9, 2.0)])))
    assert road.intake.lost_since_ms is None
    assert road.outbox.memories()[LOST_SINCE] == b""


async def test_a_gap_of_a_source_is_recorded_with_its_tags(road: Road) -> None:
    await road.bring(report([("force", 0, 1.0)]))
    numbers = (NUMBERS["force"], NUMBERS["visit"])
    await road.bring(Gap(numbers, START_MS, START_MS + 2000, 7, "queue overflow"))
    (gap,) = road.records("gap")
    assert (gap["tags"], gap["count"], gap["reason"]) == (["force", "visit"], 7, "queue overflow")


async def test_a_clock_that_jumps_back_makes_one_record(road: Road) -> None:
    back = [report([("force", at, float(at))], received_ms=START_MS + 200_000) for at in (7, 8)]
    await road.bring(report([("force", 1_000_000_000, 1.0)]), *back)
    (step,) = road.records("clock_step")
    assert step["tags"] == ["force"]
    assert step["by_ms"] == 99_999


async def test_what_is_confirmed_is_trimmed_and_the_state_survives(tmp_path: Path) -> None:
    road = Road(tmp_path / "outbox.db")
    await road.bring(report([("force", 0, 1.0)]), report([("visit", 0, "v-1")]))
    road.intake.confirm([(1, 1)])
    await road.bring(rooms.Tick())
    assert road.intake.tally.acknowledged == 2
    assert road.outbox.fill().batches == 0
    again = Road(tmp_path / "outbox.db")
    await again.bring(report([("force", 0, 1.0)]))
    assert again.outbox.fill().samples == 0
    assert again.pipeline.counts.repeats == 1


async def test_a_full_outbox_drops_the_oldest_and_says_so(road: Road) -> None:
    road.outbox.bytes_max = 20_000
    for at in range(8):
        rows = [("force", (at * 200 + i) * 10_000, float(i)) for i in range(200)]
        await road.bring(report(rows))
    await road.bring(rooms.Tick())
    await road.bring(report([("force", 90_000_000, 1.0)]))
    (gap,) = road.records("gap")
    assert gap["reason"] == "outbox full"
    assert gap["count"] == 1601 - road.outbox.fill().samples
    assert road.outbox.fill().bytes < 20_000 + 3000


async def test_one_message_carries_no_more_than_it_can(road: Road) -> None:
    rows = [("force", i * 10_000, float(i)) for i in range(2 * BATCH_ROWS_MAX + 1)]
    await road.bring(report(rows))
    sizes = [event[2] for event in road.events if event[0] == "sent"]
    assert sum(sizes) == len(rows)
    assert max(sizes) <= BATCH_ROWS_MAX
    texts = [("visit", i * 10_000, f"{i:05}" * 800) for i in range(100)]
    road.events.clear()
    await road.bring(report(texts))
    assert [event[0] for event in road.events].count("sent") == 2


async def test_what_waits_at_the_end_is_committed(road: Road) -> None:
    await road.intake.put(Arrival(road.lane, "", report([("force", 0, 1.0)])))
    await road.intake.finish()
    assert road.outbox.fill().samples == 1
    assert not road.outbox.needs_state(1)


async def test_rules_that_fail_cost_their_records_and_no_sample(road: Road) -> None:
    class Failing:
        kind = Kind("press", Press, Model, (), dict, lambda memory, now: (memory, []))
        memory = Step()

        def feed(self, samples: Samples) -> list[Draft]:
            raise ValueError("a rule that was not thought through")

    road.lane.watch = cast(Watch, Failing())
    await road.bring(report([("force", 0, 1.0)]))
    assert road.outbox.fill().samples == 1
    assert road.lane.rule_failures == 1


async def test_a_failed_trim_is_tried_again_without_a_second_copy(road: Road) -> None:
    await road.bring(report([("force", 0, 1.0)]))
    road.intake.confirm([(1, 1)])
    road.refuse = [sqlite3.OperationalError("disk I/O error")]
    await road.bring(rooms.Tick())
    assert road.outbox.fill().batches == 0
    assert road.outbox.position == 1


async def test_an_end_in_the_middle_of_a_group_loses_none_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "GROUP_S", 0.01)
    road = Road(tmp_path / "outbox.db")
    task = asyncio.create_task(road.intake.run())
    await road.intake.put(Arrival(road.lane, "", report([("force", 0, 1.0)])))
    while road.pipeline.state.known.sum() == 0:  # noqa: ASYNC110
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await road.intake.finish()
    assert road.outbox.fill().samples == 1


async def test_a_state_that_no_batch_made_is_never_saved(road: Road) -> None:
    class Forgetful(Lane):
        def memory(self) -> bytes | None:
            raise TypeError("a memory that cannot be written")

    lane = Forgetful(*(getattr(road.lane, one) for one in ("site", "line", "station", "agent")),
                     road.lane.tags, road.lane.connections)  # fmt: skip
    road.intake.lanes["press-1"] = lane
    task = asyncio.create_task(road.intake.run())
    await road.intake.put(Arrival(lane, "", report([("force", 0, 1.0)])))
    with pytest.raises(TypeError):
        await task
    with pytest.raises(TypeError):
        await road.intake.finish()
    state, _ = road.outbox.state()
    assert not state.known.any()


async def test_the_end_does_not_wait_for_a_disk_that_goes_on_saying_no(road: Road) -> None:
    await road.intake.put(Arrival(road.lane, "", report([("force", 0, 1.0)])))
    road.refuse = [sqlite3.OperationalError("database or disk is full")] * 9
    with pytest.raises(sqlite3.OperationalError):
        await road.intake.finish()


async def test_what_was_given_up_last_is_still_said_at_the_end(road: Road) -> None:
    road.intake.lost([Lost("press-1", START_MS, START_MS + 1, 5, "outbox damaged")])
    await road.intake.finish()
    assert [gap["count"] for gap in road.records("gap")] == [5]


async def test_samples_go_only_together_with_the_record_that_says_so(road: Road) -> None:
    road.outbox.bytes_max = 1000
    rows = [("force", i * 10_000, float(i)) for i in range(200)]
    await road.bring(report(rows), rooms.Tick())
    (gap,) = road.records("gap")
    assert (gap["count"], road.outbox.fill().samples) == (200, 0)


async def test_a_gap_at_a_time_that_no_calendar_has_is_recorded(road: Road) -> None:
    await road.bring(report([("force", 0, 1.0)]))
    end_of_time = ((1 << 63) - 1 - 116_444_736_000_000_000) // 10_000
    await road.bring(Gap((1,), START_MS, end_of_time, None, "queue overflow"))
    (gap,) = road.records("gap")
    assert gap["ended"] == "9999-12-31T23:59:59.999Z"


async def test_large_values_that_come_together_are_cut_apart(road: Road) -> None:
    heavy = [("visit", i * 10_000, "x" * 4000) for i in range(200)]
    light = [("force", i * 10_000, float(i)) for i in range(3000)]
    await road.bring(report(heavy + light))
    batches, _ = road.outbox.waiting(99, set(), 99)
    assert sum(len(batch.samples) for batch in batches) == 3200
    for batch in batches:
        assert sum(map(len, batch.samples.side)) <= BATCH_SIDE_BYTES_MAX


def test_a_memory_of_other_rules_is_forgotten_and_costs_nothing_else(road: Road) -> None:
    road.lane.watch = Watch(Kind("press", Press, Model, (), Step, lambda m, now: (m, [])), TAGS)
    road.lane.remember(b'{"number": 3}')
    assert road.lane.watch.memory == Step(3)
    for foreign in (b'{"another": 4}', b"torn", b"[]"):
        road.lane.remember(foreign)
        assert road.lane.watch.memory == Step(3)


def test_a_record_that_no_ledger_takes_is_said_in_its_place(road: Road) -> None:
    long = Draft(kind="press.curve", time_ms=1, visit="v-1", data={"curve": "x" * BYTES_MAX})
    record = road.lane.record(long)
    assert (record.kind, record.visit, len(record.canonical()) < 1_000) == (
        "record_too_long", "v-1", True,
    )  # fmt: skip
    assert record.data["kind"] == "press.curve" and record.data["bytes"] > BYTES_MAX
