"""A run: faults are put on a plant in rounds, each is measured, and at the end all is counted.

What happens is decided by the seed alone: which faults in which round, and what each chooses. When
it happens is up to the machine.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from refit.chaos.account import Account
from refit.chaos.chaos_plant import ChaosPlant
from refit.chaos.fault import Fault
from refit.chaos.scene import Scene

FLOWING_S = (0.5, 4.0)  # between two rounds
PAIRED = 0.7  # the share of rounds with two faults at once, where two can be
LIVE_S = 180.0
LOOK_S = 0.05


@dataclass(slots=True)
class Round:
    """What was done in one round, and how long it took until all was well."""

    faults: tuple[str, ...]
    lasted_s: float = 0.0
    live_s: float | None = None
    caught_up_s: float | None = None


@dataclass(slots=True)
class Outcome:
    """A whole run."""

    seed: int
    rounds: list[Round] = field(default_factory=list)
    seconds: float = 0.0
    account: Account = field(default_factory=Account)
    error: str = ""
    folder: str = ""
    servers: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """True when the run came to its end and the account is clean."""
        return not self.error and self.account.is_clean

    @property
    def values_per_s(self) -> float:
        """What the machines offered."""
        return self.account.offered / self.seconds if self.seconds else 0.0

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return {
            "seed": self.seed, "clean": self.is_clean, "error": self.error, "folder": self.folder,
            "servers": self.servers,
            "seconds": round(self.seconds, 1), "values_per_s": round(self.values_per_s),
            "account": self.account.as_json(),
            "rounds": [
                {
                    "faults": list(one.faults), "lasted_s": round(one.lasted_s, 1),
                    "live_s": _rounded(one.live_s), "caught_up_s": _rounded(one.caught_up_s),
                }
                for one in self.rounds
            ],
        }  # fmt: skip


def cycle(faults: Sequence[Fault], random: Random) -> list[tuple[Fault, ...]]:
    """Every fault once in a random order, many of them in pairs that do not touch the same."""
    waiting = list(faults)
    random.shuffle(waiting)
    rounds: list[tuple[Fault, ...]] = []
    while waiting:
        first = waiting.pop()
        pair = [one for one in waiting if not (one.alone or one.touches & first.touches)]
        if first.alone or not pair or random.random() > PAIRED:
            rounds.append((first,))
        else:
            waiting.remove(pair[0])
            rounds.append((first, pair[0]))
    return rounds


def chosen(faults: Sequence[Fault], random: Random) -> Iterator[tuple[Fault, ...]]:
    """Rounds without end: cycle after cycle."""
    while True:
        yield from cycle(faults, random)


def run(
    plant: ChaosPlant, rounds: Iterator[tuple[Fault, ...]], longest_s: float,
    is_over: Callable[[int], bool], told: Callable[[str], None],
) -> Outcome:  # fmt: skip
    """Put round after round on a plant that has not been started, until it is over; count."""
    outcome = Outcome(plant.seed)
    outcome.servers = [one.version for one in plant.programs.values()]
    began = time.monotonic()
    try:
        told("starting machines, broker, historian and agent")
        plant.begin()
        while not is_over(len(outcome.rounds)):
            number = len(outcome.rounds) + 1
            _pause(Random(f"{plant.seed}/{number}/flow"))
            outcome.rounds.append(_round(plant, next(rounds), number, longest_s, told))
        told("letting everything arrive")
        plant.wait_for_values()
        plant.drain()
        plant.end_our_own()
        outcome.seconds = time.monotonic() - began
        told("counting")
        outcome.account = plant.account()
    except (TimeoutError, RuntimeError, OSError) as error:
        outcome.error = f"{type(error).__name__}: {error}"
        outcome.seconds = time.monotonic() - began
    finally:
        plant.end()
    return outcome


def _pause(random: Random) -> None:
    time.sleep(random.uniform(*FLOWING_S))


def _round(
    plant: ChaosPlant, faults: tuple[Fault, ...], number: int, longest_s: float,
    told: Callable[[str], None],
) -> Round:  # fmt: skip
    done = Round(tuple(fault.name for fault in faults))
    told(" + ".join(done.faults))
    began = time.monotonic()
    errors: list[BaseException] = []
    scenes = [
        Scene(plant, Random(f"{plant.seed}/{number}/{fault.name}"), longest_s) for fault in faults
    ]
    threads = [
        threading.Thread(target=_act, args=(fault, scene, is_second, errors))
        for is_second, (fault, scene) in enumerate(zip(faults, scenes, strict=True))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.lasted_s = time.monotonic() - began
    if errors:
        raise RuntimeError(f"{' + '.join(done.faults)} failed: {errors[0]!r}") from errors[0]
    _measure(plant, done)
    return done


def _act(fault: Fault, scene: Scene, is_second: bool, errors: list[BaseException]) -> None:
    if is_second:
        time.sleep(scene.random.uniform(0.0, 3.0))
    try:
        fault.act(scene)
    except BaseException as error:  # noqa: BLE001  # raised again by whoever started us
        errors.append(error)


def _measure(plant: ChaosPlant, done: Round) -> None:
    """Seconds until new values of every machine are stored, and until what waited is, too."""
    ended, ended_ms = time.monotonic(), round(time.time() * 1000)
    while time.monotonic() - ended < LIVE_S:
        plant.processes.check()
        now_s = time.monotonic() - ended
        if done.live_s is None and plant.is_live(ended_ms):
            done.live_s = now_s
        health = plant.waiting() if done.caught_up_s is None else None
        if health is not None and health["backlog_age"] < time.monotonic() - ended:
            done.caught_up_s = now_s
        if done.live_s is not None and done.caught_up_s is not None:
            return
        time.sleep(LOOK_S)
    raise TimeoutError(f"{LIVE_S:.0f} s after {' + '.join(done.faults)} not all is well")


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
