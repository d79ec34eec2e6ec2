"""What happens to one vehicle, step by step; each step may come again after a kill."""

from __future__ import annotations

from typing import Any

from tests.edge.studio.bench import SAFE, Bench
from tests.simulators.helpers import eventually


def arrive(bench: Bench, visit: str) -> None:
    if bench.plc.get("visit") != visit:
        bench.base = dict(bench.counts)
    bench.show(
        state="LOADING", visit=visit, job=f"{visit}/1", recipe="full-360@3", simulated=True,
        stop_cause="NONE", latched=0, acquisition_done=False, result_ready=False, locked=True,
    )  # fmt: skip


async def drive_on(bench: Bench) -> None:
    arrive(bench, "v-1")
    bench.show(state="SECURING", locked=False, **SAFE)


async def start(bench: Bench) -> None:
    if bench.plc["state"] != "TURNING":
        await eventually(lambda: bench.controller.values.get("start"), "the start")
        bench.show(state="TURNING")
    await eventually(lambda: turns(bench) == 1, "the turn")


def turns(bench: Bench) -> int:
    running = bench.session.memory.running
    return running.turns if running else 0


async def first_half(bench: Bench) -> None:
    bench.show(latched=20)
    bench.upto("ring", 20)
    await bench.taken()


async def second_half(bench: Bench) -> None:
    bench.show(latched=40)
    bench.upto("ring", 40)
    await bench.taken()


async def details(bench: Bench) -> None:
    bench.show(state="HOMING")
    bench.show(state="DETAILS")
    await eventually(lambda: "hand" in (began(bench) or {}), "the details begin")
    bench.upto("hand", 2)
    await bench.taken()


def began(bench: Bench) -> dict[str, Any] | None:
    running = bench.session.memory.running
    return running.rest.base if running else None


async def wheels(bench: Bench) -> None:
    bench.show(state="WHEELS")

    def there() -> bool:
        running = bench.session.memory.running
        return running is not None and sum(one.set is not None for one in running.rest.frames) == 2

    await eventually(there, "the wheels")


async def review(bench: Bench) -> None:
    bench.show(state="REVIEW")
    given = bench.controller.given
    await eventually(lambda: ("set_acquisition_done", True) in given, "that it is done")


async def release(bench: Bench) -> None:
    if not bench.plc["acquisition_done"]:
        await bench.answered("set_acquisition_done", acquisition_done=True)
    await eventually(lambda: bench.controller.values.get("release"), "the release")


STEPS = (drive_on, start, first_half, second_half, details, wheels, review, release)


async def whole(bench: Bench) -> None:
    for one in STEPS:
        await one(bench)
