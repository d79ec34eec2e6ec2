"""What these tests share: two stations, an edge node, a host, and short ways to both."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

from stations.declare import Node, State, Station, Tag, Type
from stations.samples import EMPTY, Samples, build
from wire import topics
from wire.sparkplug import births, codec, effects
from wire.sparkplug import commands as command_bytes
from wire.sparkplug.asker import Pace
from wire.sparkplug.codec import Metric, Payload, metric
from wire.sparkplug.datatypes import Datatype
from wire.sparkplug.edge import HostSettings
from wire.sparkplug.edge_node import EdgeNode
from wire.sparkplug.effects import EdgeId, HostEffect, Publish
from wire.sparkplug.host import Host
from wire.sparkplug.metrics import MetricName, NodeMetric
from wire.topics import Verb

SITE, AGENT, HOST, OUTBOX = "plant", "pc-1", "historian", "outbox-a"
EDGE = EdgeId(SITE, AGENT)
T0 = 1_700_000_000_000


class TableState(State):
    """What the table does."""

    IDLE = 0, "Idle."
    TURNING = 1, "Turning."


class Table(Station):
    """A turntable."""

    state = Tag(TableState, Node("State"), doc="What it does.")
    angle = Tag(float, Node("Angle"), unit="deg", low=0, high=360, doc="Turned since home.")
    closed = Tag(bool, Node("Closed"), doc="The guard is closed.")
    vehicle = Tag(str, Node("Vehicle"), doc="The visit.")
    cells = Tag(list[float], Node("Cells"), length=4, doc="Four numbers.")
    counts = Tag(list[int], Node("Counts"), length=2, doc="Two numbers.")


TABLE_1 = births.Station("table-1", "line-1", "table", dict(enumerate(Table.tags, 1)))
TABLE_2 = births.Station("table-2", "line-1", "table", dict(enumerate(Table.tags, 11)))
HEALTH = (NodeMetric("backlog_rows", Type.INT), NodeMetric("cpu", Type.FLOAT, "%"))
ANGLE, STATE, VEHICLE = 2, 1, 4


def edge_node(stations: Iterable[births.Station] = (TABLE_1, TABLE_2), **changes: Any) -> EdgeNode:
    """An edge node of two stations without a primary host, unless changed."""
    options: dict[str, Any] = {"last": lambda station: EMPTY, "health": HEALTH} | changes
    outbox = options.pop("outbox", OUTBOX)
    return EdgeNode(SITE, options.pop("agent", AGENT), outbox, stations, **options)


def host(seed: int = 0, **settings: Any) -> Host:
    """A host with no jitter, unless set, that has connected at T0."""
    settings.setdefault("pace", Pace(jitter_ms=0))
    made = Host(HOST, rng=random.Random(seed), settings=HostSettings(**settings))
    made.will(T0)
    made.connected(T0)
    return made


def angles(*values: float, start_ms: int = T0, tag: int = ANGLE) -> Samples:
    """Good samples of one float tag, 10 ms apart."""
    return build((tag, start_ms + 10 * i, 0, Type.FLOAT, v) for i, v in enumerate(values))


def sent(found: Iterable[object]) -> list[Publish]:
    """Only what is to be published."""
    return [one for one in found if isinstance(one, Publish)]


def verbs(found: Iterable[object]) -> list[str]:
    """The verbs of what is published, with the device where there is one."""
    named = []
    for one in sent(found):
        address = topics.parse(one.topic)
        named.append(
            "STATE" if address is None else "/".join(filter(None, (address.verb, address.device)))
        )
    return named


def payload(publish: Publish) -> Payload:
    """The payload of a message."""
    return codec.decode(publish.payload)


def by_name(publish: Publish) -> dict[str, Metric]:
    """The named metrics of a message."""
    return {one.name: one for one in payload(publish).metrics if one.name is not None}


def give(to: Host, found: Iterable[object], now_ms: int) -> list[HostEffect]:
    """Hand everything that an edge node publishes to a host."""
    heard: list[HostEffect] = []
    for one in sent(found):
        heard += to.message(one.topic, one.payload, now_ms)
    return heard


def commands(to: EdgeNode, found: Iterable[object], now_ms: int) -> list[effects.EdgeEffect]:
    """Hand every command that a host publishes to an edge node."""
    heard: list[effects.EdgeEffect] = []
    for one in sent(found):
        heard += to.message(one.topic, one.payload, now_ms)
    return heard


def rows(samples: Samples, names: dict[int, MetricName]) -> list[tuple[str, int, int, Any]]:
    """Samples as (name, time, status, value), whatever the numbers are."""
    return [
        (
            names[int(samples.tag[i])].name,
            int(samples.time[i]),
            int(samples.status[i]),
            samples.row(i),
        )
        for i in range(len(samples))
    ]


def received(found: Iterable[object]) -> list[effects.Received]:
    """Only what a host has received."""
    return [one for one in found if isinstance(one, effects.Received)]


def foreign(
    verb: Verb, seq: int | None, *metrics: Metric, device: str = "", at: int = T0, edge: str = AGENT
) -> Publish:
    """A message of an edge node by somebody else."""
    topic = topics.device(SITE, verb, edge, device) if device else topics.node(SITE, verb, edge)
    return Publish(topic, codec.encode(Payload(at, seq, metrics)))


def road() -> tuple[EdgeNode, Host]:
    """An edge node whose births a host has heard at T0."""
    node, made = edge_node(), host()
    give(made, node.connected(T0, 5), T0)
    return node, made


def to_host(made: Host, one: Publish, now_ms: int = T0 + 1) -> list[HostEffect]:
    """Hand one message to a host."""
    return made.message(one.topic, one.payload, now_ms)


def foreign_birth(*metrics: Metric, bd_seq: int = 3, at: int = T0) -> Publish:
    """The NBIRTH of an edge node by somebody else."""
    return foreign(Verb.NBIRTH, 0, metric("bdSeq", Datatype.UINT64, bd_seq, at), *metrics, at=at)


def connected(**changes: Any) -> EdgeNode:
    """An edge node that was born at T0 with bdSeq 5."""
    node = edge_node(**changes)
    assert verbs(node.connected(T0, 5))[:1] == ["NBIRTH"]
    return node


def asked(node: EdgeNode, now_ms: int) -> list[Any]:
    """What a node does when it is asked for its births."""
    return node.message(topics.node(SITE, Verb.NCMD, AGENT), command_bytes.rebirth(now_ms), now_ms)


def seqs(found: list[Any]) -> list[int | None]:
    """The sequence numbers of what is published."""
    return [payload(one).seq for one in sent(found)]
