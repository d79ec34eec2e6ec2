"""A Modbus device that resets, is late, mixes its answers up, or refuses."""

from __future__ import annotations

from collections.abc import Callable

from refit.chaos.fault import Fault
from refit.chaos.scene import Scene

LASTS_S = (2.0, 10.0)
CODES = (4, 6)
SPOILED = ("reset", "late", "wrong-id", "exception")
SENTENCES = {
    "reset": "a Modbus device resets the connection instead of answering, again and again",
    "late": "a Modbus device answers 1.6 s late, after the agent has given it up",
    "wrong-id": "a Modbus device answers with a wrong transaction id",
    "exception": "a Modbus device answers exceptions: device failure, or busy",
    "refuse": "a Modbus device refuses four registers in the middle of a block",
}


def _spoiled(how: str) -> Callable[[Scene], None]:
    def act(scene: Scene) -> None:
        relay = scene.plant.modbus(scene.random.choice(("meter", "cabinet")))
        share = scene.random.choice((0.1, 0.5, 1.0))
        relay.spoil(how, scene.random, share, scene.random.choice(CODES))
        scene.pause(*LASTS_S)
        relay.mend()

    return act


def _refused(scene: Scene) -> None:
    relay = scene.plant.modbus("meter")
    relay.spoil("refuse", scene.random, 1.0)
    scene.pause(*LASTS_S)
    relay.mend()


FAULTS = (
    *(
        Fault(f"modbus-{how}", SENTENCES[how], _spoiled(how), frozenset({"modbus"}),
              frozenset({"simulators"}))
        for how in SPOILED
    ),
    Fault("modbus-refuses", SENTENCES["refuse"], _refused, frozenset({"modbus"}),
          frozenset({"simulators"})),
)  # fmt: skip
