"""SIGSTOP: a process that stands still with every connection open, and goes on later."""

from __future__ import annotations

from functools import partial

from refit.chaos.chaos_plant import MACHINES
from refit.chaos.fault import Fault
from refit.chaos.scene import OURS, Scene
from refit.chaos.small_site import AGENT

FROZEN_S = (5.0, 60.0)
SAID = {AGENT: "agent", MACHINES: "machines"}


def _frozen(names: tuple[str, ...], scene: Scene) -> None:
    stopped = [name for name in names if scene.has(name)]
    for name in stopped:
        scene.plant.freeze(name)
    scene.pause(*FROZEN_S)
    scene.random.shuffle(stopped)
    for name in stopped:
        scene.plant.thaw(name)


def _one(name: str) -> Fault:
    said = SAID.get(name, name)
    stands = "stand still and go" if name == MACHINES else "stands still and goes"
    return Fault(
        f"{said}-frozen",
        f"the {said} {stands} on after 5 to 60 s",
        partial(_frozen, (name,)),
        frozenset({name}),
        frozenset({"influxdb"} if name == "store" else ()),
    )


FAULTS = (
    *map(_one, OURS),
    Fault(
        "all-frozen",
        "everything but the machines stands still at once and goes on in any order",
        partial(_frozen, tuple(name for name in OURS if name != MACHINES)),
        frozenset(OURS),
    ),
)
