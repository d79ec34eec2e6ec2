"""What a fault is: a name, a sentence, what it does, and what it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from refit.chaos.scene import Scene

# What a plant can have beyond agent, historian and broker: `influxdb`, `sqlite`, `mosquitto`, and
# `simulators`, machines of our own, which can be told to misbehave. `root`: it mounts small disks.
Needs = frozenset[str]
ROOT = "root"
KERNEL = "kernel"  # links whose packets the kernel can be made to drop


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `act` puts it on the plant and has taken it away again when it returns.

    Two faults that touch the same process or link are not put on it at once; one that is `alone`
    with none at all. One that is `apart` puts its mark on the whole account is in a run of its own.
    """

    name: str
    sentence: str
    act: Callable[[Scene], None]
    touches: frozenset[str]
    needs: Needs = frozenset()
    alone: bool = False
    apart: bool = False

    def fits(self, has: Needs) -> bool:
        """Whether a plant has what it needs."""
        return self.needs <= has
