"""The runs that a command asks for, one after the other, and what is kept of them."""

from __future__ import annotations

import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import repeat
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from refit.chaos.chaos_plant import ChaosPlant
from refit.chaos.counting import CountingPlant
from refit.chaos.fault import KERNEL, ROOT, Fault, Needs
from refit.chaos.small_disk import can_be_made
from refit.chaos.small_site import Size
from refit.chaos.trial import Outcome, Round, chosen, run

TOGETHER = "combinations"
PACKAGES = ("asyncua", "pymodbus", "paho-mqtt", "iotcore")
Told = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for."""

    seed: int
    rate: float = 500.0
    minutes: float = 3.0
    times: int | None = None
    longest_s: float = 20.0
    store: str = "sqlite"
    broker: str = "embedded"
    folder: Path | None = None
    machine: str = ""
    kernel: bool = False


def has(store: str, broker: str, machine: str = "", kernel: bool = False) -> Needs:
    """What a plant with these can be put to."""
    machines = "machine" if machine else "simulators"
    found = {"sqlite" if store == "sqlite" else "influxdb", broker, machines}
    found |= {KERNEL} if kernel else set()
    return frozenset(found | ({ROOT} if can_be_made() else set()))


def all_of(
    wish: Wish, faults: Sequence[Fault], each: bool, told: Told
) -> Iterator[tuple[str, Outcome]]:
    """One run with all of them mixed, or one for each."""
    if not each:
        yield TOGETHER, _one(wish, "all", chosen(faults, Random(wish.seed)), told)
        return
    for number, fault in enumerate(faults):
        alone = replace(wish, times=wish.times or 1)

        def so_far(what: str, share: float, number: int = number) -> None:
            told(what, (number + share) / len(faults))

        yield fault.name, _one(alone, fault.name, repeat((fault,)), so_far)


def _one(wish: Wish, name: str, rounds: Iterator[tuple[Fault, ...]], told: Told) -> Outcome:
    """One run in a folder of its own, which is kept when it was asked for or not all is well."""
    if wish.folder is None:
        folder = Path(tempfile.mkdtemp(prefix="refit-chaos-"))
    else:
        folder = wish.folder / name
        if folder.exists() and any(folder.iterdir()):
            raise FileExistsError(17, "is not empty; give another --dir", str(folder))
    began = time.monotonic()

    def share(done: int) -> float:
        if wish.times is not None:
            return done / wish.times
        return (time.monotonic() - began) / (60 * wish.minutes)

    seen = 0

    def is_over(done: int) -> bool:
        nonlocal seen
        seen = done
        return share(done) >= 1

    plant = _plant(wish, folder)
    outcome = run(plant, rounds, wish.longest_s, is_over, lambda what: told(what, share(seen)))
    if not outcome.is_clean:
        outcome.folder = str(folder)
    elif wish.folder is None:
        shutil.rmtree(folder, ignore_errors=True)
    return outcome


def _plant(wish: Wish, folder: Path) -> ChaosPlant:
    store, broker, kernel = wish.store, wish.broker, wish.kernel
    if wish.machine:
        return CountingPlant(
            folder, wish.seed, wish.rate, wish.machine, store=store, broker=broker, kernel=kernel
        )
    return ChaosPlant(
        folder, wish.seed, Size.of(wish.rate), store=store, broker=broker, kernel=kernel
    )


def line(name: str, outcome: Outcome) -> str:
    """A run in one line."""
    one = outcome.account
    verdict = "clean" if outcome.is_clean else "NOT CLEAN"
    return (
        f"{name}: {verdict}; {len(outcome.rounds)} rounds in {outcome.seconds:.0f} s,"
        f" {outcome.values_per_s:.0f} values/s, {one.acknowledged} acknowledged, {one.stored}"
        f" stored, {one.refused} dead letters, {one.lost} lost, {one.duplicates} doubled,"
        f" {one.told} missing as gap records say ({one.gaps} records);"
        f" live again after {_middle(outcome.rounds, 'live_s')}, caught up after"
        f" {_middle(outcome.rounds, 'caught_up_s')}"
    )


def _middle(rounds: Sequence[Round], name: str) -> str:
    found = [value for one in rounds if (value := getattr(one, name)) is not None]
    return f"{median(found):.1f} s" if found else "-"


def keep(file: Path, name: str, wish: Wish, outcome: Outcome) -> None:
    """Append a run as a line of JSON: what was asked for, what came of it, and where."""
    told = {
        "name": name, "rate": wish.rate, "store": wish.store if wish.store == "sqlite" else
        "influxdb", "broker": wish.broker, "machine": "own" if not wish.machine else "counting",
        "on": about(), **outcome.as_json(),
    }  # fmt: skip
    text = json.dumps({key: value for key, value in told.items() if key != "folder"})
    with file.open("a", encoding="utf-8") as lines:
        lines.write(text.replace(outcome.folder or "?", "DIR") + "\n")


def about() -> dict[str, Any]:
    """The machine and the versions, without anything that names it."""
    return {
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("refit", *PACKAGES)},
        "date": datetime.now(UTC).date().isoformat(),
    }
