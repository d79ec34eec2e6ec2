"""What an edge node says of itself and its stations: NBIRTH, DBIRTH, NDEATH and DDEATH payloads.

Metrics stand in the order of their timestamps, births included. bdSeq, Node Control and the
acknowledgement never have an alias: they must be readable without the birth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stations.declare import Tag, Type
from stations.samples import Samples
from stations.status import BAD_WAITING_FOR_INITIAL_DATA, UNCERTAIN_LAST_USABLE_VALUE, quality
from wire.sparkplug import metrics
from wire.sparkplug.codec import Metric, Payload, Property, encode, metric
from wire.sparkplug.datatypes import DATATYPE, Datatype, Scalar
from wire.sparkplug.metrics import NodeMetric
from wire.topics import level

TEXT_BYTES_EXPECTED = 256


class TooLarge(ValueError):
    """A message that is over the cap of a connection."""


@dataclass(frozen=True)
class Station:
    """What a node must know of a station to give birth to it: its tags by number."""

    name: str
    line: str
    kind: str
    tags: Mapping[int, Tag[Any]]

    def path(self, site: str) -> str:
        """The station's place after ISA-95: site/line/station."""
        return "/".join((site, self.line, self.name))


@dataclass(frozen=True, slots=True)
class Value:
    """The last sample of one tag: `value` as the wire takes it."""

    value: Scalar | None
    time_ms: int
    status: int


def last_values(samples: Samples) -> dict[int, Value]:
    """The last row of each tag; birth values, so rows are few."""
    found: dict[int, Value] = {}
    for index in range(len(samples)):
        number, time = int(samples.tag[index]), int(samples.time[index])
        if number in found and found[number].time_ms > time:
            continue
        found[number] = Value(_scalar(samples, index), time, int(samples.status[index]))
    return found


def _scalar(samples: Samples, index: int) -> Scalar | None:
    if samples.type[index] in (Type.INTS, Type.FLOATS):
        return samples.side[int(samples.value[index])]
    value: Scalar | None = samples.row(index)
    return value


def node_birth(
    now_ms: int,
    bd_seq: int,
    outbox: str,
    declared: tuple[NodeMetric, ...],
    values: Mapping[str, Scalar | None],
) -> bytes:
    """The NBIRTH payload: seq 0, the controls, the outbox id and the node's health."""
    listed = [
        metric(metrics.BDSEQ, Datatype.INT64, bd_seq, now_ms),
        metric(metrics.REBIRTH, Datatype.BOOLEAN, False, now_ms),
        metric(metrics.OUTBOX, Datatype.STRING, outbox, now_ms),
        metric(metrics.ACKNOWLEDGE, Datatype.STRING, "", now_ms),
    ]
    for index, one in enumerate(declared):
        unit = {metrics.UNIT: Property(Datatype.STRING, one.unit)} if one.unit else {}
        listed.append(
            metric(
                metrics.HEALTH + one.name,
                DATATYPE[one.type],
                values.get(one.name),
                now_ms,
                alias=metrics.health_alias(index),
                properties=unit,
            )
        )
    return encode(Payload(now_ms, 0, listed))


def node_data(
    now_ms: int, seq: int, declared: tuple[NodeMetric, ...], changed: Mapping[str, Scalar | None]
) -> bytes:
    """An NDATA payload with the health metrics that have changed, by alias."""
    listed = []
    for index, one in enumerate(declared):
        if one.name in changed:
            full = metric("", DATATYPE[one.type], changed[one.name], now_ms)
            alias = metrics.health_alias(index)
            listed.append(
                Metric(
                    alias=alias,
                    timestamp=now_ms,
                    place=full.place,
                    raw=full.raw,
                    is_null=full.is_null,
                )
            )
    return encode(Payload(now_ms, seq, listed))


def node_death(now_ms: int, bd_seq: int) -> bytes:
    """The NDEATH payload, for the will and for leaving on purpose: bdSeq alone and no seq."""
    return encode(Payload(now_ms, None, [metric(metrics.BDSEQ, Datatype.INT64, bd_seq, now_ms)]))


def device_death(now_ms: int, seq: int) -> bytes:
    """The DDEATH payload."""
    return encode(Payload(now_ms, seq))


def device_birth(
    now_ms: int,
    seq: int,
    site: str,
    outbox: str,
    station: Station,
    position_alias: int,
    values: Mapping[int, Value],
    bytes_max: int,
) -> bytes:
    """The DBIRTH payload: every tag with alias, datatype, properties and its last value or null.

    Above `bytes_max` the texts and arrays are left out (null, Uncertain); TooLarge when even then
    it does not fit.
    """
    data = _device_birth(now_ms, seq, site, outbox, station, position_alias, values)
    if len(data) > bytes_max:
        short = {
            number: Value(None, value.time_ms, UNCERTAIN_LAST_USABLE_VALUE)
            if isinstance(value.value, str | bytes)
            else value
            for number, value in values.items()
        }
        data = _device_birth(now_ms, seq, site, outbox, station, position_alias, short)
    if len(data) > bytes_max:
        raise TooLarge(
            f"the birth of station {station.name} has {len(data)} bytes for its "
            f"{len(station.tags)} tags, the cap is {bytes_max}: "
            "split the station, or raise the cap on both sides of the broker"
        )
    return data


def _device_birth(
    now_ms: int,
    seq: int,
    site: str,
    outbox: str,
    station: Station,
    position_alias: int,
    values: Mapping[int, Value],
) -> bytes:
    listed = [
        metric(metrics.PATH, Datatype.STRING, station.path(site), now_ms),
        metric(metrics.KIND, Datatype.STRING, station.kind, now_ms),
    ]
    unread = Value(None, now_ms, BAD_WAITING_FOR_INITIAL_DATA)
    for number, tag in station.tags.items():
        listed.append(_tag_metric(number, tag, values.get(number, unread)))
    newest = max(now_ms, *(one.timestamp or 0 for one in listed))
    listed.sort(key=lambda one: one.timestamp or 0)
    listed.append(metric(metrics.OUTBOX, Datatype.STRING, outbox, newest))
    listed.append(metric(metrics.POSITION, Datatype.INT64, 0, newest, alias=position_alias))
    return encode(Payload(now_ms, seq, listed))


def _tag_metric(number: int, tag: Tag[Any], value: Value) -> Metric:
    properties: dict[str, Property] = {}
    if tag.unit:
        properties[metrics.UNIT] = Property(Datatype.STRING, tag.unit)
    if tag.low is not None:
        properties[metrics.LOW] = Property(Datatype.DOUBLE, float(tag.low))
    if tag.high is not None:
        properties[metrics.HIGH] = Property(Datatype.DOUBLE, float(tag.high))
    properties[metrics.DESCRIPTION] = Property(Datatype.STRING, tag.doc)
    if value.status or value.value is None:
        properties[metrics.STATUS_CODE] = Property(Datatype.UINT32, value.status)
        properties[metrics.QUALITY] = Property(Datatype.INT32, quality(value.status))
    return metric(
        tag.name,
        DATATYPE[tag.value_type],
        _fitting(tag, value.value),
        value.time_ms,
        alias=metrics.tag_alias(number),
        properties=properties,
    )


def _fitting(tag: Tag[Any], value: Scalar | None) -> Scalar | None:
    """The value if it is of the tag's type; a tag may have had another type before."""
    wanted: dict[Type, type] = {
        Type.BOOL: bool, Type.INT: int, Type.FLOAT: float, Type.TEXT: str,
        Type.INTS: bytes, Type.FLOATS: bytes,
    }  # fmt: skip
    return value if type(value) is wanted[tag.value_type] else None


def check(station: Station, site: str, outbox: str, bytes_max: int) -> None:
    """TooLarge when the birth of a station would not fit with values of the usual size.

    ValueError when its name cannot be a level of a topic.
    """
    level(station.name)
    alias = metrics.position_alias(0)
    device_birth(0, 0, site, outbox, station, alias, fullest_values(station), bytes_max)


def fullest_values(station: Station) -> dict[int, Value]:
    """A value for each tag that takes as much room as is to be expected, for checking sizes."""
    room: dict[Type, Scalar] = {
        Type.BOOL: True,
        Type.INT: -1,
        Type.FLOAT: 0.5,
        Type.TEXT: "x" * TEXT_BYTES_EXPECTED,
    }
    return {
        number: Value(room.get(tag.value_type, bytes(8 * tag.length)), 1 << 41, 1)
        for number, tag in station.tags.items()
    }
