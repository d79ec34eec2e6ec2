"""Something is not there for a time; the scenes by which other systems were measured are here."""

from __future__ import annotations

from refit.chaos.chaos_plant import MACHINES
from refit.chaos.fault import Fault
from refit.chaos.scene import Scene
from refit.chaos.small_site import AGENT

AWAY_S, MACHINES_S = 20.0, 3.0
SESSIONS = "mosquitto.db"


def _away_s(scene: Scene) -> float:
    return min(AWAY_S, scene.longest_s)


def _restart(scene: Scene) -> None:
    scene.kill(AGENT)
    scene.start(AGENT)


def _broker(scene: Scene) -> None:
    scene.kill("broker")
    scene.pause(_away_s(scene))
    scene.start("broker")


def _broker_and_agent(scene: Scene) -> None:
    scene.kill("broker")
    scene.pause(_away_s(scene) / 2)
    _restart(scene)
    scene.pause(_away_s(scene) / 2)
    scene.start("broker")


def _store(scene: Scene) -> None:
    if scene.has("store"):
        scene.kill("store")
        scene.pause(_away_s(scene))
        scene.start("store")
    else:
        with scene.plant.locked(scene.plant.site.store.path):
            scene.pause(_away_s(scene))


def _machines(scene: Scene) -> None:
    scene.kill(MACHINES)
    scene.pause(MACHINES_S)
    scene.start(MACHINES)


def _forgets(scene: Scene) -> None:
    scene.kill("broker")
    (scene.plant.folder / "mosquitto" / SESSIONS).unlink(missing_ok=True)
    scene.pause(0.0, 5.0)
    scene.start("broker")


FAULTS = (
    Fault("agent-restarted", "the agent is killed and started again at once", _restart,
          frozenset({AGENT})),
    Fault("broker-away", "the broker is killed and comes back after 20 s", _broker,
          frozenset({"broker"})),
    Fault("broker-away-agent-restarted",
          "the broker is away for 20 s, and the agent is killed and started again meanwhile",
          _broker_and_agent, frozenset({"broker", AGENT})),
    Fault("broker-forgets", "the broker comes back with an empty session store", _forgets,
          frozenset({"broker"}), frozenset({"mosquitto"})),
    Fault("store-away", "the store takes nothing for 20 s, longer than any time-out", _store,
          frozenset({"store"})),
    Fault("machines-away", "the OPC UA server is killed and comes back after 3 s", _machines,
          frozenset({MACHINES})),
)  # fmt: skip
