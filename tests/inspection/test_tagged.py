"""Machines whose results are tags of the station."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import numpy as np

from edge.inspection.ears import WATCHED
from edge.inspection.session import InspectionSession
from edge.inspection.shelf import Shelf
from edge.sources.source import Report
from stations.declare import Tag
from stations.inspection.codes import ITEMS, MachineKind
from stations.inspection.facts import MachineConfig, Memory, Plan, StepName
from stations.inspection.session_record import draft
from stations.inspection.station import Inspection
from stations.inspection.tagged import PARTS, flags_of, message_of
from stations.records import Draft
from stations.samples import EMPTY, build
from stations.status import GOOD
from tests.inspection.machine_ways import until
from tests.inspection.session_case import order
from wire.clock import SystemClock

SLIP = MachineConfig(name="plate", kind=MachineKind.SLIP, serial="SP-1")
PLAN = Plan(machines={"plate": SLIP}, inspectors={"anna": "1"})
TAGS: dict[int, Tag[Any]] = dict(enumerate(Inspection.tags, 1))
NUMBERS = {tag.name: number for number, tag in TAGS.items()}


def report(**values: Any) -> Report:
    samples = build(
        (NUMBERS[name], 1, GOOD, TAGS[NUMBERS[name]].value_type, value)
        for name, value in values.items()
    )
    return Report(samples, np.zeros(len(samples), np.int64), 1, False, False, lambda: None)


def test_every_tag_and_item_of_a_part_is_known() -> None:
    for kind, parts in PARTS.items():
        for part in parts:
            assert {item for item, _, _ in part.items} <= ITEMS[MachineKind(kind)].keys()
            for tag in part.tags:
                assert Inspection.tag(tag).name in WATCHED
    assert flags_of(StepName.PARKING_BRAKE) == {"parking_measured"}
    assert flags_of(StepName.TREAD) == frozenset()


def test_the_word_of_a_bench_counts_once_it_has_been_taken_back(tmp_path: Path) -> None:
    async def work() -> None:
        records: list[Draft] = []

        async def put(station: str, made: Draft, files: Any) -> None:
            records.append(made)

        session = InspectionSession(
            "inspection-1", PLAN, Shelf(tmp_path), SystemClock(), [], put, draft,
            tagged=frozenset(("plate",)),
        )  # fmt: skip
        lane, plate = session.ear("opcua"), session.ear("slip")
        lane.declare({NUMBERS["visit"]: TAGS[NUMBERS["visit"]]}, EMPTY)
        plate.declare(
            {NUMBERS[one]: TAGS[NUMBERS[one]] for one in PARTS[MachineKind.SLIP][0].tags}, EMPTY
        )
        task = asyncio.create_task(session.run())

        def values() -> dict[str, float]:
            running = session.memory.session
            held = {} if running is None else running.steps[StepName.SIDE_SLIP].values
            return {item: float(one.value.value) for item, one in held.items()}  # type: ignore[arg-type]

        # What the plate says before it takes its word back is of the vehicle before.
        plate.hear(report(slip_measured=True, slip_front=9.0, slip_rear=9.0))
        session.memory = Memory(orders={"v-1": order({"order": "v-1"})})
        session.shelf.remember(session.memory)
        lane.hear(report(visit="v-1"))
        await until(lambda: session.memory.session is not None)
        plate.hear(report(slip_measured=False))
        await until(lambda: session.memory.cleared == ("slip_measured",))
        assert values() == {}
        plate.hear(report(slip_front=-3.4, slip_rear=60.0))
        plate.hear(report(slip_measured=True))
        await until(lambda: bool(values()))
        assert values() == {"slip.axle1.slip": -3.4}
        assert session.memory.machines["plate"].taken == 1
        lane.hear(report(visit=""))
        await until(lambda: bool(records) and not session.memory.ended)
        assert records[0].data["session"]["marks"] == [["slip.axle2.slip", "out_of_range"]]
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(work())


def test_what_has_no_value_is_left_out() -> None:
    (part,) = PARTS[MachineKind.SLIP]
    values = {"slip_measured": True, "slip_front": None, "slip_rear": 1.0}
    memory = Memory(cleared=("slip_measured",))
    assert message_of(part, SLIP, values, memory, 0, 1) is None
