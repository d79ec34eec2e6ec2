"""Captures in the agent: from the controller's tags and the cameras' files to a record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.studio import folder_camera, operator, session
from edge.studio.processing import untouched
from edge.studio.shelf import Shelf
from stations.studio.jobs import Arrived, Shot
from stations.studio.manifest import Manifest, PictureSet
from stations.studio.records import Capture
from tests.edge.studio.bench import Bench
from tests.edge.studio.pictures import deliver, jpeg
from tests.edge.studio.steps import (
    STEPS,
    arrive,
    began,
    release,
    review,
    wheels,
    whole,
)
from tests.edge.studio.stills import Stills
from tests.simulators.helpers import eventually
from tests.studio.capture_case import JOB, tags
from wire.media.protocol import RESTRICTED


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(session, "TICK_S", 0.01)
    monkeypatch.setattr(session, "AGAIN_S", 0.01)
    monkeypatch.setattr(folder_camera, "ABANDONED_LOOKS", 3)
    stills = Stills()
    yield Bench(tmp_path, stills)
    stills.close()


async def test_a_whole_capture_becomes_one_record_with_its_files(bench: Bench) -> None:
    async with bench.running():
        await whole(bench)
        data = await bench.recorded()
        await bench.answered("set_result_ready", result_ready=True)
        await bench.answered("release", state="LEAVING")
        assert not list(bench.session.problems())
    assert Capture.model_validate(data).complete
    ((draft, files, contents),) = bench.records
    assert draft.kind == "studio.capture" and draft.visit == "v-1"
    assert data["pictures"] == {"detail": 2, "spin": 40, "wheel": 2}
    manifest = Manifest.model_validate_json(contents["manifest.json"])
    assert files[-1].name == "manifest.json" and len(files) == 45
    by_file = {one.file: one for one in manifest.pictures}
    assert by_file["spin/spin_003_030.0.jpg"].trigger == 4
    assert contents["spin/spin_003_030.0.jpg"] == jpeg("ring 4")
    assert contents["detail/detail_001.jpg"] == jpeg("hand 2")
    assert "?s=wheel&i=1&v=v-1" in bench.stills.asked[-1]
    shelf = Shelf(bench.folder / "studio")
    assert not shelf.waiting() and not list(shelf.captures.iterdir())


@pytest.mark.parametrize("killed_after", range(len(STEPS)), ids=lambda at: STEPS[at].__name__)
async def test_an_agent_that_is_killed_goes_on(bench: Bench, killed_after: int) -> None:
    async with bench.running():
        for one in STEPS[: killed_after + 1]:
            await one(bench)
    bench.controller.values.pop("start", None)
    async with bench.running():
        for one in STEPS[killed_after + 1 :]:
            await one(bench)
        data = await bench.recorded()
    assert data["complete"], data["reasons"]
    assert len(bench.records) == 1


async def test_frames_that_came_while_the_agent_was_dead_count(bench: Bench) -> None:
    async with bench.running():
        for one in STEPS[:3]:
            await one(bench)
    bench.shoot("ring", 20)
    bench.plc |= tags({"latched": 40})
    async with bench.running():
        bench.show(latched=40)
        await bench.taken()
        for one in STEPS[4:]:
            await one(bench)
        data = await bench.recorded()
    assert data["complete"], data["reasons"]


async def test_the_operator_sees_the_frame_that_failed_and_chooses(bench: Bench) -> None:
    async with bench.running() as studio:
        for one in STEPS[:3]:
            await one(bench)
        bench.show(latched=40)
        bench.shoot("ring", 18)
        bench.counts["ring"] += 1
        deliver(bench.card, "ring", bench.counts["ring"], "ring 38")
        bench.shoot("ring", 1)
        await bench.taken()
        for one in STEPS[4:6]:
            await one(bench)
        bench.show(state="REVIEW")
        folder = studio.shelf.operator
        await eventually(lambda: operator.asked(folder), "the question")
        asks = operator.asked(folder)
        assert asks is not None and asks.about == ("repeated.spin_038",)
        assert [one.name for one in asks.failed] == ["spin_038"]
        assert asks.failed[0].file.read_bytes() == jpeg("ring 38")
        assert any("has to choose" in one for one in studio.problems())
        operator.answer(folder, operator.Choice(capture="v-0-1", choice="again"))
        await eventually(lambda: not (folder / operator.CHOICE).exists(), "it is taken")
        choice = operator.Choice(capture="v-1-1", choice="go_on", why="the hall closes")
        operator.answer(folder, choice)
        data = await bench.recorded()
        await eventually(lambda: operator.asked(folder) is None, "the question is gone")
    assert not data["complete"] and data["bad"] == 1
    assert data["reasons"] == ["repeated.spin_038", "operator: the hall closes"]


async def test_the_next_vehicle_comes_while_the_first_result_waits(bench: Bench) -> None:
    bench.refuses = 1 << 30
    async with bench.running() as studio:
        await whole(bench)
        await eventually(lambda: "waiting_max" in "".join(studio.problems()), "that it waits")
        bench.show(state="LEAVING")
        bench.show(state="EMPTY", visit="", job="")
        bench.controller.values.pop("start", None)
        bench.controller.given.clear()
        arrive(bench, "v-2")
        bench.show(state="SECURING", locked=False)
        for one in STEPS[1:]:
            await one(bench)
        bench.refuses = 0
        await bench.recorded(2)
    first, second = (one[0].data for one in bench.records)
    assert (first["visit"], second["visit"]) == ("v-1", "v-2")
    assert first["complete"] and second["complete"]
    assert bench.records[0][2]["spin/spin_000_000.0.jpg"] == jpeg("ring 1")
    assert bench.records[1][2]["spin/spin_000_000.0.jpg"] == jpeg("ring 41")


async def test_a_full_disk_holds_the_vehicle_and_loses_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, full = Shelf.remember, {"is": False}

    def remember(self: Shelf, memory: Any) -> None:
        if full["is"]:
            raise OSError(28, "No space left on device")
        real(self, memory)

    monkeypatch.setattr(Shelf, "remember", remember)
    async with bench.running() as studio:
        for one in STEPS[:6]:
            await one(bench)
        full["is"] = True
        bench.show(state="REVIEW")
        await eventually(lambda: "No space" in studio.disk.problem, "the disk is full")
        assert "set_acquisition_done" not in bench.controller.values
        full["is"] = False
        for one in STEPS[6:]:
            await one(bench)
        assert (await bench.recorded())["complete"]
        assert not studio.disk.problem


async def test_a_clock_that_is_set_changes_nothing(bench: Bench) -> None:
    async with bench.running():
        for at, one in enumerate(STEPS):
            bench.clock.wall_ms += 3_600_000 * (-1) ** at * (at + 1)
            await one(bench)
        data = await bench.recorded()
    assert data["complete"] and data["reasons"] == ["clock_set"]


async def test_a_controller_out_of_reach_hears_it_when_it_is_back(bench: Bench) -> None:
    async with bench.running() as studio:
        for one in STEPS[:3]:
            await one(bench)
        studio.link(False)
        bench.controller.up = False
        bench.shoot("ring", 20)
        await bench.taken()
        bench.controller.up = True
        bench.show(latched=40)
        for one in STEPS[4:]:
            await one(bench)
        assert (await bench.recorded())["complete"]


async def test_what_nobody_has_masked_is_restricted_and_that_is_said(bench: Bench) -> None:
    bench.prepare = untouched
    async with bench.running():
        await whole(bench)
        data = await bench.recorded()
    assert not data["complete"] and data["reasons"] == ["unmasked"]
    files = bench.records[0][1]
    assert {one.type for one in files[:-1]} == {RESTRICTED}
    assert files[-1].type == "application/json"


async def test_a_restricted_picture_that_is_taken_again_stays_restricted(bench: Bench) -> None:
    vin = Shot(set=PictureSet.VIN, index=0, camera="hand", restricted=True)
    bench.job = JOB.model_copy(update={"shots": (*JOB.shots[:-1], vin, JOB.shots[-1])})
    async with bench.running() as studio:
        for one in STEPS[:4]:
            await one(bench)
        bench.show(state="DETAILS")
        await eventually(lambda: "hand" in (began(bench) or {}), "the details begin")
        for count, content in enumerate(("one", "two", "two"), 1):
            bench.counts["hand"] = count
            deliver(bench.card, "hand", count, content)
        await bench.taken()
        await wheels(bench)
        bench.show(state="REVIEW")
        folder = studio.shelf.operator
        await eventually(lambda: operator.asked(folder), "the question")
        asks = operator.asked(folder)
        assert asks is not None and asks.about == ("repeated.vin_000",)
        operator.answer(folder, operator.Choice(capture="v-1-1", choice="again"))
        await eventually(lambda: taken_again(bench) == ("vin_000",), "it alone is taken again")
        bench.counts["hand"] = 4
        deliver(bench.card, "hand", 4, "the vin")
        await review(bench)
        await release(bench)
        data = await bench.recorded()
    _, files, contents = bench.records[0]
    assert data["complete"] and data["restricted"] == 1
    (secret,) = [one for one in files if one.type == RESTRICTED]
    assert secret.name == "vin/vin_000.jpg" and contents[secret.name] == jpeg("the vin")
    shown = [contents[one.name] for one in files if one.type != RESTRICTED]
    assert jpeg("one") in shown and jpeg("the vin") not in shown


def taken_again(bench: Bench) -> tuple[str, ...]:
    running = bench.session.memory.running
    return running.rest.again if running else ()


async def test_a_stray_is_kept_for_a_person(bench: Bench) -> None:
    async with bench.running() as studio:
        bench.shoot("ring", 2)
        await bench.taken()
        await eventually(lambda: len(list(studio.shelf.strays.iterdir())) == 2, "the strays")
        await whole(bench)
        assert (await bench.recorded())["complete"]


async def test_a_fault_of_ours_begins_anew_and_is_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = session.step, [1]

    def step(job: Any, memory: Any, given: Any) -> Any:
        if isinstance(given, Arrived) and given.frame.count == 7 and left:
            left.pop()
            raise RuntimeError("a mistake of ours")
        return real(job, memory, given)

    monkeypatch.setattr(session, "step", step)
    async with bench.running() as studio:
        for one in STEPS[:2]:
            await one(bench)
        bench.shoot("ring", 20)
        await eventually(lambda: not left, "the fault")
        await eventually(lambda: "failed 1 times" in "".join(studio.problems()), "that it is told")
        bench.show(latched=20)
        await bench.taken()
        for one in STEPS[3:]:
            await one(bench)
        assert (await bench.recorded())["complete"]


async def test_a_plan_that_changed_under_the_vehicle_is_said(bench: Bench) -> None:
    async with bench.running():
        for one in STEPS[:6]:
            await one(bench)
    bench.job = bench.job.model_copy(update={"version": 4, "shots": bench.job.shots[1:]})
    async with bench.running() as studio:
        bench.show(state="REVIEW")
        await eventually(lambda: operator.asked(studio.shelf.operator), "the question")
        why = operator.Choice(capture="v-1-1", choice="go_on", why="new plan")
        operator.answer(studio.shelf.operator, why)
        data = await bench.recorded()
    assert data["recipe"] == "full-360@3" and not data["complete"]
    assert "recipe_unknown" in data["reasons"]
