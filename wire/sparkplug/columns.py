"""Samples <-> DATA payload bytes.

One DATA message is one outbox batch: the samples sorted by time, then the metric that says the
batch's position. Every sample that is not plainly Good carries its StatusCode and Quality.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from stations.declare import Type
from stations.samples import Samples, encode
from stations.status import (
    BAD,
    BAD_NO_DATA,
    BAD_OUT_OF_RANGE,
    BAD_TYPE_MISMATCH,
    GOOD,
    QUALITY_GOOD,
    QUALITY_STALE,
    UNCERTAIN_LAST_USABLE_VALUE,
    quality,
)
from wire.sparkplug import metrics
from wire.sparkplug import schema_pb2 as schema
from wire.sparkplug.births import TooLarge
from wire.sparkplug.codec import UINT64, name_of, signed, timestamp_of
from wire.sparkplug.datatypes import DATATYPE, Datatype, OutOfRange, Undecodable, from_wire, type_of
from wire.sparkplug.lookup import OUTBOX, POSITION, SKIPPED, Device, Known
from wire.sparkplug.metrics import MetricName

_METRIC_BYTES_MAX = 48
_STATUS_BYTES_MAX = 64
_NAMED_BYTES_MAX = 16
_HEAD_BYTES_MAX = 384


class UnknownMetric(LookupError):
    """An alias or a name that the current birth does not know."""


@dataclass(frozen=True, slots=True)
class Data:
    """What a DATA message holds; `wrong` counts values that contradict their datatype.

    `outbox` and `position` say which batch it is; "" and None where the sender has no outbox.
    """

    samples: Samples
    outbox: str
    position: int | None
    historical: bool
    wrong: int


def data_payload(
    samples: Samples,
    aliases: Mapping[int, int],
    names: Mapping[int, MetricName],
    *,
    timestamp_ms: int,
    seq: int,
    outbox: str,
    position: int,
    position_alias: int,
    historical: bool,
    bytes_max: int | None = None,
) -> bytes:
    """The bytes of one batch, which outbox and position end. A tag without an alias goes by name.

    KeyError when a tag has neither; TooLarge above `bytes_max`.
    """
    message = schema.Payload(timestamp=timestamp_ms & UINT64, seq=seq)
    rows = samples[np.argsort(samples.time, kind="stable")]
    _put_rows(message, rows, aliases, names, historical)
    last = int(rows.time[-1]) if len(rows) else timestamp_ms
    outbox_metric = message.metrics.add(name=metrics.OUTBOX, string_value=outbox)
    position_metric = message.metrics.add(alias=position_alias, long_value=position)
    for metric in (outbox_metric, position_metric):
        metric.timestamp = last & UINT64
        if historical:
            metric.is_historical = True
    payload = message.SerializeToString()
    if bytes_max is not None and len(payload) > bytes_max:
        raise TooLarge(
            f"position {position} makes {len(payload)} bytes of {len(samples)} samples, the cap is "
            f"{bytes_max}: cut batches smaller"
        )
    return payload


def _put_rows(
    message: schema.Payload,
    rows: Samples,
    aliases: Mapping[int, int],
    names: Mapping[int, MetricName],
    historical: bool,
) -> None:
    columns = zip(
        rows.tag.tolist(), rows.time.view(np.uint64).tolist(), rows.status.tolist(),
        rows.type.tolist(), rows.value.tolist(), rows.floats.tolist(), strict=True,
    )  # fmt: skip
    add = message.metrics.add
    for tag, time, status, kind, bits, number in columns:
        metric = add(timestamp=time)
        alias = aliases.get(tag)
        if alias is not None:
            metric.alias = alias
        else:
            metric.name = names[tag].name
        if alias is None or (kind != names[tag].type and kind != Type.NONE):
            metric.datatype = DATATYPE[Type(kind) if kind else names[tag].type]
        if historical:
            metric.is_historical = True
        if kind == Type.FLOAT:
            metric.double_value = number
        else:
            _put_value(metric, kind, bits, rows.side)
        if status or kind == Type.NONE:
            _put_status(metric, status)


def _put_value(metric: schema.Metric, kind: int, bits: int, side: tuple[bytes, ...]) -> None:
    if kind == Type.INT:
        metric.long_value = bits
    elif kind == Type.BOOL:
        metric.boolean_value = bool(bits)
    elif kind == Type.TEXT:
        metric.string_value = side[bits].decode("utf-8", "replace")
    elif kind == Type.NONE:
        metric.is_null = True
    else:
        metric.bytes_value = side[bits]


def _put_status(metric: schema.Metric, status: int) -> None:
    properties = metric.properties
    properties.keys.extend((metrics.STATUS_CODE, metrics.QUALITY))
    properties.values.add(type=Datatype.UINT32, int_value=status)
    properties.values.add(type=Datatype.INT32, int_value=quality(status))


def payload_bytes_max(samples: Samples, names: Mapping[int, MetricName] | None = None) -> int:
    """An upper bound of the bytes of `data_payload`; give `names` when tags may go by name."""
    side = sum(len(samples.side[i]) + 8 for i in samples.value[samples.in_side].tolist())
    marked = int(np.count_nonzero((samples.status != 0) | (samples.type == Type.NONE)))
    named = 0
    if names is not None:
        tags, counts = np.unique(samples.tag, return_counts=True)
        for tag, count in zip(tags.tolist(), counts.tolist(), strict=True):
            named += count * (len(names[tag].name.encode()) + _NAMED_BYTES_MAX)
    return (
        _HEAD_BYTES_MAX
        + len(samples) * _METRIC_BYTES_MAX
        + marked * _STATUS_BYTES_MAX
        + side
        + named
    )


def parts_below(samples: Samples, bytes_max: int) -> Iterator[Samples]:
    """The samples cut in order into batches whose payloads stay below `bytes_max`.

    A single sample that is larger alone (a long text) comes as a batch of its own.
    """
    if payload_bytes_max(samples) <= bytes_max or len(samples) <= 1:
        yield samples
        return
    middle = len(samples) // 2
    yield from parts_below(samples[:middle], bytes_max)
    yield from parts_below(samples[middle:], bytes_max)


@dataclass(slots=True)
class _Rows:
    """The columns while they grow; `number` is used where the type is FLOAT, else `bits`."""

    tag: list[int] = field(default_factory=list)
    time: list[int] = field(default_factory=list)
    status: list[int] = field(default_factory=list)
    type: list[int] = field(default_factory=list)
    bits: list[int] = field(default_factory=list)
    number: list[float] = field(default_factory=list)
    side: list[bytes] = field(default_factory=list)

    def samples(self) -> Samples:
        types = np.array(self.type, np.uint8)
        numbers = np.array(self.number, np.float64).view(np.uint64)
        value = np.where(types == Type.FLOAT, numbers, np.array(self.bits, np.uint64))
        return Samples(
            np.array(self.tag, np.uint32),
            np.array(self.time, np.uint64).view(np.int64),
            np.array(self.status, np.uint32),
            types,
            value,
            tuple(self.side),
        )


def samples_of(
    message: schema.Payload, device: Device, received_ms: int, *, is_birth: bool = False
) -> Data:
    """The samples of a DATA or birth message with the host's numbers, in message order.

    UnknownMetric when a metric of DATA is not in the birth.
    """
    sent = timestamp_of(message)
    default_time = (received_ms if sent is None else sent) & UINT64
    rows = _Rows()
    position: int | None = None
    outbox = ""
    live = wrong = 0
    for metric in message.metrics:
        known = _find(metric, device)
        if known is None and not is_birth:
            raise UnknownMetric(name_of(metric) or f"alias {metric.alias}")
        if known is None or known.number == SKIPPED:
            continue
        if known.number == POSITION:
            position = signed(metric.long_value) or None
            continue
        if known.number == OUTBOX:
            outbox = metric.string_value if isinstance(metric.string_value, str) else ""
            continue
        live += not metric.is_historical
        kind, bits, number, status = _value(metric, known, rows.side)
        wrong += status is not None
        rows.tag.append(known.number)
        rows.time.append(metric.timestamp or default_time)
        rows.status.append(_status(metric, kind) if status is None else status)
        rows.type.append(kind)
        rows.bits.append(bits)
        rows.number.append(number)
    return Data(rows.samples(), outbox, position, live == 0, wrong)


def _find(metric: schema.Metric, device: Device) -> Known | None:
    """By name where there is one, since only a name is unmistakable; else by alias."""
    name, alias = name_of(metric), metric.alias
    if not name:
        return device.by_alias.get(alias) if alias or metric.HasField("alias") else None
    known = device.by_name.get(name)
    if known is None and metric.is_historical and metric.datatype:
        return device.late(name, metric.datatype)
    return known


def _value(
    metric: schema.Metric, known: Known, side: list[bytes]
) -> tuple[int, int, float, int | None]:
    """Type, bits, float and, only where the value contradicts its datatype, a Bad status."""
    place = metric.WhichOneof("value")
    if place is None or metric.is_null:
        return Type.NONE, 0, 0.0, None
    datatype = metric.datatype or known.datatype
    if place == "double_value" and datatype == Datatype.DOUBLE:
        return Type.FLOAT, 0, metric.double_value, None
    if place == "long_value" and datatype == Datatype.INT64:
        return Type.INT, metric.long_value, 0.0, None
    try:
        kind, bits, number, entry = _unusual(metric, place, datatype)
    except OutOfRange:
        return Type.NONE, 0, 0.0, BAD_OUT_OF_RANGE
    except (Undecodable, OverflowError):
        return Type.NONE, 0, 0.0, BAD_TYPE_MISMATCH
    if entry is not None:
        bits = len(side)
        side.append(entry)
    return kind, bits, number, None


def _unusual(
    metric: schema.Metric, place: str, datatype: int
) -> tuple[Type, int, float, bytes | None]:
    value = from_wire(datatype, place, getattr(metric, place))
    kind = type_of(datatype)
    if kind is Type.FLOAT and isinstance(value, float):
        return kind, 0, value, None
    largest = max(value, default=0) if isinstance(value, tuple) else value
    if kind in (Type.INT, Type.INTS) and isinstance(largest, int) and largest >> 63 > 0:
        raise OutOfRange(f"{largest} needs more than 63 bits")
    if kind is Type.NONE:
        raise Undecodable(f"Sparkplug datatype {datatype} is no sample")
    bits, entry = encode(kind, value)
    return kind, bits, 0.0, entry


def _status(metric: schema.Metric, kind: int) -> int:
    """The StatusCode; of a metric that has only a Quality the one that means the same."""
    code: int | None = None
    grade: int | None = None
    if metric.HasField("properties"):
        pairs = zip(metric.properties.keys, metric.properties.values, strict=False)
        for key, entry in pairs:
            number = entry.int_value or entry.long_value
            if key == metrics.STATUS_CODE and not entry.is_null and number <= 0xFFFF_FFFF:
                code = number
            elif key == metrics.QUALITY and not entry.is_null:
                grade = number
    if code is not None:
        return code
    if grade is None:
        return BAD_NO_DATA if kind == Type.NONE else GOOD
    if grade == QUALITY_STALE:
        return UNCERTAIN_LAST_USABLE_VALUE
    return GOOD if grade == QUALITY_GOOD else BAD
