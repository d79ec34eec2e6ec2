"""Topics and payloads as the judge reads them: loosely, so that what is wrong can be named."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from refit.conformance.packets import Packet
from wire.sparkplug import schema_pb2 as schema

NAMESPACE = "spBv1.0"
NODE_VERBS = ("NBIRTH", "NDEATH", "NDATA", "NCMD")
DEVICE_VERBS = ("DBIRTH", "DDEATH", "DDATA", "DCMD")
VERBS = (*NODE_VERBS, *DEVICE_VERBS)
BIRTHS = ("NBIRTH", "DBIRTH")
DATA = ("NDATA", "DDATA")
COMMANDS = ("NCMD", "DCMD")
REBIRTH = "Node Control/Rebirth"

# Which value field a datatype of a metric travels in.
FIELDS = (
    dict.fromkeys((1, 2, 3, 5, 6, 7), "int_value")
    | dict.fromkeys((4, 8, 13), "long_value")
    | dict.fromkeys((12, 14, 15), "string_value")
    | dict.fromkeys((17, 18, *range(22, 35)), "bytes_value")
    | {9: "float_value", 10: "double_value", 11: "boolean_value", 16: "dataset_value"}
    | {19: "template_value"}
)
BASIC = range(1, 16)
INT32, INT64, BOOLEAN, DATASET, TEMPLATE = 3, 4, 11, 16, 19


@dataclass(frozen=True)
class Spoken:
    """One PUBLISH with a Sparkplug verb; `payload` is None when its bytes are none."""

    packet: Packet
    namespace: str
    group: str
    verb: str
    edge: str
    device: str | None
    payload: Any

    @property
    def where(self) -> str:
        return f"connection {self.packet.connection}, {self.packet.topic}"

    @property
    def node(self) -> tuple[str, str]:
        return self.group, self.edge

    @property
    def timestamp(self) -> int | None:
        return timestamp(self.payload) if self.payload is not None else None


def spoken(packet: Packet) -> Spoken | None:
    """A PUBLISH (or a Will) taken apart; None for topics that have nothing to do with a node."""
    levels = packet.topic.split("/")
    if len(levels) < 4 or levels[2] not in VERBS:
        return None
    device = "/".join(levels[4:]) if len(levels) > 4 else None
    return Spoken(packet, levels[0], levels[1], levels[2], levels[3], device, read(packet.payload))


def read(data: bytes) -> Any:
    """The payload message, or None."""
    try:
        return schema.Payload.FromString(data)
    except (DecodeError, UnicodeDecodeError):
        return None


def timestamp(message: Any) -> int | None:
    """The timestamp of a payload or metric, signed as far as it can be."""
    return message.timestamp if message.HasField("timestamp") else None


def named(payload: Any, name: str) -> Any:
    """The first metric of that name, or None."""
    return next((one for one in payload.metrics if one.name == name), None) if payload else None


def bd_seq(payload: Any) -> int | None:
    """The bdSeq that a payload says, whichever integer field it stands in."""
    metric = named(payload, "bdSeq")
    place = metric.WhichOneof("value") if metric is not None else None
    return getattr(metric, place) if place in ("int_value", "long_value") else None


def asks_rebirth(payload: Any) -> bool:
    """Whether a command is a rebirth request as an edge must obey it."""
    metric = named(payload, REBIRTH)
    return metric is not None and metric.boolean_value


def host_of(topic: str) -> str | None:
    """The host id of a STATE topic, of any namespace."""
    levels = topic.split("/")
    return levels[2] if len(levels) == 3 and levels[1] == "STATE" else None


def state(payload: bytes) -> tuple[bool, int] | None:
    """(online, timestamp) of a STATE payload of exactly the form of Sparkplug 3.0, or None."""
    try:
        said = json.loads(payload)
    except ValueError:
        return None
    if not isinstance(said, dict) or set(said) != {"online", "timestamp"}:
        return None
    online, at_ms = said["online"], said["timestamp"]
    return (online, at_ms) if type(online) is bool and type(at_ms) is int else None


def says_offline(payload: bytes) -> bool:
    """Whether a STATE payload of any form means a death."""
    return b"false" in payload.lower() or payload == b"OFFLINE"


def matches(pattern: str, topic: str) -> bool:
    """Whether an MQTT topic filter takes a topic."""
    wanted, levels = pattern.split("/"), topic.split("/")
    for index, level in enumerate(wanted):
        if level == "#":
            return True
        if index >= len(levels) or level not in ("+", levels[index]):
            return False
    return len(wanted) == len(levels)
