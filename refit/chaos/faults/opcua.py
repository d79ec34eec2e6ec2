"""An OPC UA server that closes what it has opened, stalls, or has its clock set."""

from __future__ import annotations

from functools import partial

from refit.chaos.chaos_plant import MACHINES
from refit.chaos.fault import Fault
from refit.chaos.scene import Scene
from simulators import control

STATIONS = ("press-1", "studio-1")
PRESS = frozenset({"press"})
MACHINE = frozenset({"simulators"})
STEP_S = 5.0


def _fault(name: str, scene: Scene) -> None:
    port = scene.plant.ports["control"]
    control.fault(port, scene.random.choice(STATIONS), name)


def _stall(scene: Scene) -> None:
    port = scene.plant.ports["control"]
    control.fault(port, "press-1", "stall")
    scene.pause(0.5, 12.0)
    control.clear(port, "press-1", "stall")


def _clock(scene: Scene) -> None:
    port = scene.plant.ports["control"]
    control.set_clock(port, STEP_S)
    scene.pause(2.0, 4.0)
    control.set_clock(port, 0.0)
    scene.pause(STEP_S + 3.0)


FAULTS = (
    Fault("session-closed", "the OPC UA server closes the session with its subscriptions",
          partial(_fault, "drop"), PRESS, MACHINE),
    Fault("subscription-closed", "the OPC UA server deletes the subscription, the session stays",
          partial(_fault, "unsubscribe"), PRESS, MACHINE),
    Fault("opcua-reset", "the OPC UA server resets the connection, the session stays",
          partial(_fault, "reset"), PRESS, MACHINE),
    Fault("opcua-stalls", "the OPC UA server takes requests and answers nothing for 0.5 to 12 s",
          _stall, PRESS, MACHINE),
    Fault("clock-stepped", "the OPC UA server's clock is set 5 s ahead, and back again",
          _clock, frozenset({MACHINES, *PRESS}), MACHINE, alone=True),
)  # fmt: skip
