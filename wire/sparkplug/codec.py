"""Payload bytes <-> plain dataclasses: with `columns.py` the only room that knows the bytes.

For births, commands and deaths, where metrics are few; DATA goes through `columns.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import DecodeError

from wire.sparkplug import schema_pb2 as schema
from wire.sparkplug.datatypes import Raw, Scalar, Undecodable, from_wire, to_wire

UINT64 = (1 << 64) - 1
_PLAIN_FIELDS = frozenset(
    ("int_value", "long_value", "float_value", "double_value", "boolean_value", "string_value")
)


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a metric; `value` is None where it is null."""

    type: int
    value: Scalar | None


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as it stands on the wire; `value` reads it as its datatype.

    `place` is the name of the value field that was set and `raw` what stood in it: without the
    birth's datatype a number's sign is not known. A text that is not UTF-8 stays bytes in `raw`.
    """

    name: str | None = None
    alias: int | None = None
    timestamp: int | None = None
    datatype: int | None = None
    place: str | None = None
    raw: Raw | None = None
    is_null: bool = False
    is_historical: bool = False
    is_transient: bool = False
    properties: Mapping[str, Property] = field(default_factory=dict)

    def value(self, datatype: int | None = None) -> Scalar | None:
        """The value, None when it is null; Undecodable when it contradicts the datatype."""
        if self.is_null or self.place is None:
            return None
        known = self.datatype if self.datatype is not None else datatype
        if known is None:
            raise Undecodable(f"metric {self.name or self.alias} has no datatype")
        return from_wire(known, self.place, self.raw)


@dataclass(frozen=True, slots=True)
class Payload:
    """One Sparkplug message without its topic."""

    timestamp: int | None = None
    seq: int | None = None
    metrics: Sequence[Metric] = ()


def metric(
    name: str,
    datatype: int,
    value: Scalar | None,
    timestamp: int | None,
    *,
    alias: int | None = None,
    properties: Mapping[str, Property] | None = None,
) -> Metric:
    """A metric as births and commands write it: name, datatype and the value or null."""
    place, raw = (None, None) if value is None else to_wire(datatype, value)
    return Metric(
        name, alias, timestamp, int(datatype), place, raw,
        is_null=value is None, properties=properties or {},
    )  # fmt: skip


def encode(payload: Payload) -> bytes:
    """The bytes of a payload."""
    message = schema.Payload()
    if payload.timestamp is not None:
        message.timestamp = payload.timestamp & UINT64
    for one in payload.metrics:
        _put(message.metrics.add(), one)
    if payload.seq is not None:
        message.seq = payload.seq
    return message.SerializeToString()


def _put(message: schema.Metric, one: Metric) -> None:
    if one.name is not None:
        message.name = one.name
    if one.alias is not None:
        message.alias = one.alias
    if one.timestamp is not None:
        message.timestamp = one.timestamp & UINT64
    if one.datatype is not None:
        message.datatype = one.datatype
    if one.is_historical:
        message.is_historical = True
    if one.is_transient:
        message.is_transient = True
    if one.is_null:
        message.is_null = True
    elif one.place is not None and one.raw is not None:
        setattr(message, one.place, one.raw)
    for key, value in one.properties.items():
        put_property(message, key, value)


def put_property(message: schema.Metric, key: str, value: Property) -> None:
    """Append one property to a metric's PropertySet; keys and values stay equal in number."""
    message.properties.keys.append(key)
    entry = message.properties.values.add(type=value.type)
    if value.value is None:
        entry.is_null = True
    else:
        place, raw = to_wire(value.type, value.value)
        setattr(entry, place, raw)


def parse(data: bytes) -> schema.Payload:
    """The message object of a payload; Undecodable when the bytes are none."""
    try:
        return schema.Payload.FromString(data)
    except (DecodeError, UnicodeDecodeError) as error:
        raise Undecodable(f"{len(data)} bytes are no Sparkplug payload") from error


def decode(data: bytes) -> Payload:
    """A payload's dataclasses; Undecodable when the bytes are none."""
    return payload_of(parse(data))


def payload_of(message: schema.Payload) -> Payload:
    """The dataclasses of a message object."""
    metrics = tuple(_metric(one) for one in message.metrics)
    return Payload(timestamp_of(message), seq_of(message), metrics)


def name_of(message: schema.Metric) -> str:
    """The metric's name, "" when there is none. The library gives bytes for what is not UTF-8."""
    return message.name if isinstance(message.name, str) else ""


def timestamp_of(message: schema.Payload | schema.Metric) -> int | None:
    """The timestamp in UTC ms, None when there is none."""
    return signed(message.timestamp) if message.HasField("timestamp") else None


def seq_of(message: schema.Payload) -> int | None:
    """The sequence number, None when there is none or it is not 0 to 255."""
    return message.seq if message.HasField("seq") and message.seq <= 255 else None


def signed(number: int) -> int:
    """An unsigned 64-bit number read as two's complement."""
    return number - (1 << 64) if number >> 63 else number


def _metric(message: schema.Metric) -> Metric:
    place = message.WhichOneof("value")
    plain = place in _PLAIN_FIELDS or place == "bytes_value"
    return Metric(
        name=name_of(message) if message.HasField("name") else None,
        alias=message.alias if message.HasField("alias") else None,
        timestamp=timestamp_of(message),
        datatype=message.datatype if message.HasField("datatype") else None,
        place=place,
        raw=getattr(message, place) if place is not None and plain else None,
        is_null=message.is_null,
        is_historical=message.is_historical,
        is_transient=message.is_transient,
        properties=_properties(message) if message.HasField("properties") else {},
    )


def _properties(message: schema.Metric) -> dict[str, Property]:
    pairs = zip(message.properties.keys, message.properties.values, strict=False)
    return {
        key: Property(entry.type, _property_value(entry))
        for key, entry in pairs
        if isinstance(key, str)
    }


def _property_value(entry: Any) -> Scalar | None:
    place = entry.WhichOneof("value")
    if entry.is_null or place not in _PLAIN_FIELDS:
        return None
    try:
        return from_wire(entry.type, place, getattr(entry, place))
    except Undecodable:
        return None
