"""The metric names that both ends agree on, and which alias stands for which of them.

An alias is given for ever: a tag's is its number on the agent plus an offset, so that an alias of
an old birth never names another tag in a new one.
"""

from __future__ import annotations

from dataclasses import dataclass

from stations.declare import Type

BDSEQ = "bdSeq"
NODE_CONTROL = "Node Control/"
DEVICE_CONTROL = "Device Control/"
REBIRTH = "Node Control/Rebirth"
DELIVERY = "Delivery/"
OUTBOX = "Delivery/Outbox"
ACKNOWLEDGE = "Delivery/Acknowledge"
POSITION = "Delivery/Position"
HEALTH = "Health/"
PATH = "Properties/Path"
KIND = "Properties/Kind"

UNIT, LOW, HIGH, DESCRIPTION = "engUnit", "engLow", "engHigh", "Description"
STATUS_CODE, QUALITY = "StatusCode", "Quality"

HEALTH_ALIASES = 1
POSITION_ALIASES = 8_192
TAG_ALIASES = 16_384  # from here to 2**21 - 1 a varint has three bytes


@dataclass(frozen=True, slots=True)
class MetricName:
    """One tag as the wire sees it."""

    number: int
    station: str
    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class NodeMetric:
    """One value of the agent's own health; `name` is written without `Health/`."""

    name: str
    type: Type
    unit: str = ""


def tag_alias(number: int) -> int:
    """The alias of a tag number."""
    return TAG_ALIASES + number


def health_alias(index: int) -> int:
    """The alias of the agent's n-th health metric; ValueError when there are too many."""
    if HEALTH_ALIASES + index >= POSITION_ALIASES:
        raise ValueError(f"a node has at most {POSITION_ALIASES - HEALTH_ALIASES} health metrics")
    return HEALTH_ALIASES + index


def position_alias(index: int) -> int:
    """The alias of the position metric of a node's n-th device; ValueError for too many."""
    if POSITION_ALIASES + index >= TAG_ALIASES:
        raise ValueError(f"a node has at most {TAG_ALIASES - POSITION_ALIASES} stations")
    return POSITION_ALIASES + index
