"""What the state machines of both ends tell their caller to do, or what they have learnt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from stations.samples import EMPTY, Samples
from wire.sparkplug.acknowledge import Range
from wire.sparkplug.datatypes import Scalar
from wire.sparkplug.lookup import Device

REQUESTED = "requested"  # the cause of births that a host has asked for


class EdgeId(NamedTuple):
    """An edge node's place in the plant: its group (site) and its own name (agent)."""

    group: str
    agent: str


@dataclass(frozen=True, slots=True)
class Publish:
    """Send this message now, in this order; a host does so at the server of this number."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    server: int = 0


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Leave the broker after what was published before; `again`: connect anew afterwards."""

    why: str
    again: bool
    server: int = 0


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The historian has these positions of our outbox in its store."""

    ranges: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Born:
    """All births are out: DATA may follow."""

    cause: str


@dataclass(frozen=True, slots=True)
class Received:
    """One DATA message (or the values of a foreign edge's birth) with the host's tag numbers.

    `station` is "" for metrics of the node itself; `position` and `outbox` are None and "" for an
    edge that asks for no acknowledgement.
    """

    edge: EdgeId
    station: str
    samples: Samples
    position: int | None
    outbox: str
    historical: bool
    device: Device

    @property
    def agent(self) -> str:
        """The name of the edge node."""
        return self.edge.agent


@dataclass(frozen=True, slots=True)
class Online:
    """A node ("" in `station`) or one of its devices has given birth.

    `values` are those that stand in the birth, for whoever shows them: they are not to be stored.
    """

    edge: EdgeId
    station: str
    time_ms: int
    device: Device
    values: Samples = EMPTY


@dataclass(frozen=True, slots=True)
class Offline:
    """A node ("" in `station`) or device is gone: its metrics are stale from this time on."""

    edge: EdgeId
    station: str
    time_ms: int
    why: str


@dataclass(frozen=True, slots=True)
class Health:
    """All that is known of a node's health, by name without the prefix."""

    edge: EdgeId
    time_ms: int
    values: Mapping[str, Scalar | None]


EdgeEffect: TypeAlias = Publish | Disconnect | Acknowledged | Born
HostEffect: TypeAlias = Publish | Disconnect | Received | Online | Offline | Health
