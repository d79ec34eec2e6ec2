"""The truth of an OPC UA server that is not ours, beside what the store has of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from plant.stores.store import Store
from refit.accounts import EVER, events
from refit.chaos.spans import Span
from stations.declare import Node, Tag, Type
from stations.samples import build
from stations.status import BAD_NO_DATA, BAD_NODE_ID_UNKNOWN, BAD_OUT_OF_RANGE, GOOD, SEVERITY
from wire.site import StationConfig

UNSEEN = 1 << 63  # the first integer that no store holds
Fact = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Offer:
    """What the server said at one time: status and value as the store should have them."""

    ms: int
    fact: Fact


@dataclass(slots=True)
class Comparison:
    """How many values were compared, and every difference in words."""

    offered: int = 0
    stored: int = 0
    told: int = 0
    acknowledged: int = 0
    wrong: list[str] = field(default_factory=list)


def offers(truth: Path) -> dict[str, list[dict[str, Any]]]:
    """What was said by node, in its order."""
    found: dict[str, list[dict[str, Any]]] = {}
    for event in events(truth):
        if "node" in event:
            found.setdefault(event["node"], []).append(event)
    return found


def acknowledged(truth: Path) -> dict[str, set[int]]:
    """By node the times of the values whose notifications a client has acknowledged."""
    found: dict[str, set[int]] = {}
    for event in events(truth):
        for node, ms in event.get("acked", ()):
            found.setdefault(node, set()).add(ms)
    return found


def compare(
    station: StationConfig, truth: Path, store: Store, spans: list[Span], since: dict[str, int]
) -> Comparison:
    """Every value of every tag: stored as it was offered, or within a gap that is told.

    `since` says from which time on (ms) each tag was listened to.
    """
    said, safe, found = offers(truth), acknowledged(truth), Comparison()
    for tag in station.declaration.tags:
        assert isinstance(tag.at, Node)
        node = tag.at.path.partition(";")[2]
        listed = [Offer(one["ms"], _fact(tag, one)) for one in said[node]]
        samples = store.range(station.name, tag.name, -EVER, EVER)
        stored = {
            int(samples.time[row]): (int(samples.status[row]), repr(samples.row(row)))
            for row in range(len(samples))
            if samples.status[row] != BAD_NODE_ID_UNKNOWN  # what the agent says of a missing node
        }
        found.offered += len(listed)
        found.stored += len(stored)
        _tag(found, station.name, tag, listed, stored, spans, since[tag.name])
        lost = safe.get(node, set()) - stored.keys()
        found.wrong += [f"{tag.name} at {ms}: acknowledged and not stored" for ms in sorted(lost)]
    found.acknowledged = sum(map(len, safe.values()))
    return found


def _tag(
    found: Comparison, station: str, tag: Tag[Any], listed: list[Offer], stored: dict[int, Fact],
    spans: list[Span], since_ms: int,
) -> None:  # fmt: skip
    by_time = {offer.ms: offer.fact for offer in listed}
    for ms, fact in stored.items():
        if by_time.get(ms) != fact:
            found.wrong.append(f"{tag.name} at {ms}: {fact} is stored, offered {by_time.get(ms)}")
    before: Fact | None = None
    for offer in listed:
        # A server reports a change of value or status, not a new time alone.
        is_new, before = offer.fact != before, offer.fact
        if offer.ms in stored or offer.ms < since_ms or not is_new:
            continue
        if any(span.covers(station, tag, offer.ms, offer.ms) for span in spans):
            found.told += 1
        else:
            found.wrong.append(f"{tag.name} at {offer.ms}: {offer.fact} is not stored")


def _fact(tag: Tag[Any], event: dict[str, Any]) -> Fact:
    """What the store should say: the value in the tag's type, or the status why there is none."""
    status, value = event["status"], _value(tag, event["value"])
    is_good = status & SEVERITY == GOOD
    if value is None:
        return BAD_NO_DATA if is_good else status, "None"
    if any(one >= UNSEEN if isinstance(one, int) else _is_wild(one) for one in _elements(value)):
        return BAD_OUT_OF_RANGE if status & 0x8000_0000 == 0 else status, "None"
    return status, repr(build([(0, 0, status, tag.value_type, value)]).row(0))


def _value(tag: Tag[Any], value: Any) -> Any:
    if value is None:
        return None
    match tag.value_type:
        case Type.INT:
            return int(value)
        case Type.FLOAT:
            return float(value)
        case Type.INTS | Type.FLOATS:
            kind = int if tag.value_type is Type.INTS else float
            return [kind(element) for element in value]
        case Type.TEXT if tag.name.endswith("time"):
            return datetime.fromisoformat(value).isoformat(timespec="microseconds")[:26] + "Z"
        case Type.TEXT if tag.name.endswith("guid"):
            return value.lower()
        case _:
            return value


def _elements(value: Any) -> Iterator[Any]:
    yield from value if isinstance(value, list) else (value,)


def _is_wild(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
