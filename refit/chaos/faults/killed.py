"""SIGKILL, at a random moment and in the middle of what must not be torn."""

from __future__ import annotations

from collections.abc import Callable

from refit.chaos.chaos_plant import MACHINES
from refit.chaos.fault import Fault
from refit.chaos.scene import OURS, Scene
from refit.chaos.small_site import AGENT

HISTORIAN, BROKER, STORE = "historian", "broker", "store"
GONE_S = (0.0, 1.5)
FLUSH_S = (2.0, 5.0)  # while nobody confirms anything
SEEN_S = 20.0


def _killed(name: str, scene: Scene) -> None:
    scene.kill(name)
    scene.pause(*GONE_S)
    scene.start(name)


def _at_any_moment(name: str) -> Fault:
    what = {STORE: "InfluxDB", BROKER: "the broker"}.get(name, f"the {_said(name)}")
    return Fault(
        f"{_said(name)}-killed",
        f"{what} is killed at a random moment and started again",
        lambda scene: _killed(name, scene),
        frozenset({name}),
        frozenset({"influxdb"} if name == STORE else ()),
    )


def _said(name: str) -> str:
    return "agent" if name == AGENT else name


def _commit(scene: Scene) -> None:
    with scene.plant.locked(scene.plant.outbox):
        scene.pause(0.2, 2.0)
        scene.kill(AGENT)
    scene.pause(*GONE_S)
    scene.start(AGENT)


def _birth(scene: Scene) -> None:
    scene.kill(AGENT)
    scene.start(AGENT)
    scene.until_agent(lambda health: True, SEEN_S)
    scene.pause(0.0, 0.4)
    _killed(AGENT, scene)


def _rebirth(scene: Scene) -> None:
    scene.ask_for_births()
    scene.pause(0.0, 0.15)
    _killed(AGENT, scene)


def _flush(name: str, scene: Scene) -> None:
    """A backlog comes up while the historian is away, and its flush is cut."""
    scene.kill(HISTORIAN)
    scene.pause(*FLUSH_S)
    scene.start(HISTORIAN)
    high = 0

    def is_falling(health: dict[str, int]) -> bool:
        nonlocal high
        high = max(high, health["backlog_samples"])
        return health["backlog_samples"] < 0.9 * high

    scene.until_agent(is_falling, SEEN_S)
    _killed(name, scene)


def _trim(scene: Scene) -> None:
    """While the outbox is locked confirmations and commits pile up; they all come at once then."""
    with scene.plant.locked(scene.plant.outbox):
        scene.pause(1.2, 2.2)
    scene.pause(0.0, 0.08)
    _killed(AGENT, scene)


def _write(scene: Scene) -> None:
    with scene.plant.locked(scene.plant.site.store.path):
        scene.pause(0.2, 2.0)
        scene.kill(HISTORIAN)
    scene.pause(*GONE_S)
    scene.start(HISTORIAN)


def _hosts_births(scene: Scene) -> None:
    scene.kill(HISTORIAN)
    scene.start(HISTORIAN)
    scene.pause(0.8, 3.0)
    _killed(HISTORIAN, scene)


def _all(scene: Scene) -> None:
    names = [name for name in OURS if name != MACHINES and scene.has(name)]
    scene.random.shuffle(names)
    for name in names:
        scene.kill(name)
    scene.pause(*GONE_S)
    scene.random.shuffle(names)
    for name in names:
        scene.start(name)


def _of_agent(name: str, sentence: str, act: Callable[[Scene], None]) -> Fault:
    return Fault(f"agent-killed-{name}", sentence, act, frozenset({AGENT}))


FAULTS = (
    _at_any_moment(AGENT),
    _of_agent("commit", "the agent is killed while it waits for a commit of its outbox", _commit),
    _of_agent("birth", "the agent is killed while it starts, connects and gives birth", _birth),
    _of_agent("rebirth", "the agent is killed while it answers a request for births", _rebirth),
    _of_agent("trim", "the agent is killed while it forgets what was confirmed", _trim),
    Fault(
        "agent-killed-flush",
        "the agent is killed while it sends what has come up in the historian's absence",
        lambda scene: _flush(AGENT, scene),
        frozenset({AGENT, HISTORIAN}),
    ),
    _at_any_moment(HISTORIAN),
    Fault(
        "historian-killed-commit",
        "the historian is killed while it waits for a commit of its store",
        _write,
        frozenset({HISTORIAN, STORE}),
        frozenset({"sqlite"}),
    ),
    Fault(
        "historian-killed-birth",
        "the historian is killed while it starts and asks for births",
        _hosts_births,
        frozenset({HISTORIAN}),
    ),
    Fault(
        "historian-killed-flush",
        "the historian is killed while it takes what has come up in its absence",
        lambda scene: _flush(HISTORIAN, scene),
        frozenset({HISTORIAN}),
    ),
    _at_any_moment(BROKER),
    Fault(
        "broker-killed-flush",
        "the broker is killed while what has come up in the historian's absence passes",
        lambda scene: _flush(BROKER, scene),
        frozenset({BROKER, HISTORIAN}),
    ),
    _at_any_moment(STORE),
    Fault(
        "all-killed",
        "agent, historian, broker and store are killed together and started in any order",
        _all,
        frozenset(OURS),
    ),
)
