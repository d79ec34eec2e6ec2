"""What a host learns from births: which alias and name mean which metric, and what is said of it.

Every (station, name, type) of an edge gets a number that stays for the host's life, so that a
rebirth with permuted aliases changes nothing behind the host.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from stations.declare import Type
from wire.sparkplug import metrics
from wire.sparkplug.codec import Metric, Payload
from wire.sparkplug.datatypes import Undecodable, type_of
from wire.sparkplug.metrics import MetricName

SKIPPED = -1
POSITION = -2
OUTBOX = -3


@dataclass(frozen=True, slots=True)
class Known:
    """What an alias or a name stands for; `number` may be SKIPPED, POSITION or OUTBOX."""

    number: int
    datatype: int
    type: int


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a birth says of a metric beside its value."""

    unit: str = ""
    low: float | None = None
    high: float | None = None
    doc: str = ""


class Full(LookupError):
    """An edge has more metrics than the host keeps."""


class Numbers:
    """The numbers of one edge's metrics, at most `metrics_max`; `fresh` gives a new one."""

    def __init__(self, fresh: Callable[[], int], metrics_max: int) -> None:
        self._fresh = fresh
        self._metrics_max = metrics_max
        self._given: dict[tuple[str, str, Type], MetricName] = {}

    def of(self, station: str, name: str, type: Type) -> MetricName:
        """The metric with its number, given now if it is new; Full at the bound."""
        key = (station, name, type)
        found = self._given.get(key)
        if found is None:
            if len(self._given) >= self._metrics_max:
                raise Full(f"an edge has more than {self._metrics_max} metrics")
            found = self._given[key] = MetricName(self._fresh(), station, name, type)
        return found


@dataclass(slots=True)
class Device:
    """What the current birth says about a device; a node itself is the device ""."""

    station: str
    path: str = ""
    kind: str = ""
    names: dict[int, MetricName] = field(default_factory=dict)
    metadata: dict[int, Metadata] = field(default_factory=dict)
    by_alias: dict[int, Known] = field(default_factory=dict)
    by_name: dict[str, Known] = field(default_factory=dict)
    numbers: Numbers | None = None
    skipped: int = 0

    def late(self, name: str, datatype: int) -> Known | None:
        """Take in a metric that no birth has named: a sample of a tag removed since; None if full.

        It must say its datatype itself.
        """
        kind = type_of(datatype)
        if self.numbers is None or kind is Type.NONE or _role(name):
            return None
        try:
            given = self.numbers.of(self.station, name, kind)
        except Full:
            return None
        self.names[given.number] = given
        known = Known(given.number, datatype, kind)
        self.by_name[name] = known
        return known


def learn(station: str, birth: Payload, numbers: Numbers) -> Device:
    """The device that a birth describes; Full when it has too many metrics.

    Metrics without a name or of a datatype that cannot be a sample are skipped and counted.
    """
    device = Device(station, numbers=numbers)
    for metric in birth.metrics:
        if not metric.name or metric.name in device.by_name:
            device.skipped += 1
            if metric.alias is not None:
                device.by_alias.setdefault(metric.alias, Known(SKIPPED, 0, Type.NONE))
            continue
        known = _known(device, metric, metric.name)
        device.by_name[metric.name] = known
        if metric.alias is not None:
            device.by_alias[metric.alias] = known
    device.path = text_of(birth, metrics.PATH)
    device.kind = text_of(birth, metrics.KIND)
    return device


def _known(device: Device, metric: Metric, name: str) -> Known:
    datatype = metric.datatype or 0
    kind = type_of(datatype)
    if name == metrics.POSITION:
        return Known(POSITION, datatype, kind)
    if name == metrics.OUTBOX:
        return Known(OUTBOX, datatype, kind)
    if _role(name):
        return Known(SKIPPED, datatype, kind)
    if kind is Type.NONE or device.numbers is None:
        device.skipped += 1
        return Known(SKIPPED, datatype, kind)
    given = device.numbers.of(device.station, name, kind)
    device.names[given.number] = given
    device.metadata[given.number] = _metadata(metric)
    return Known(given.number, datatype, kind)


def _role(name: str) -> bool:
    """True for the metrics that are no samples."""
    return name in (metrics.BDSEQ, metrics.PATH, metrics.KIND) or name.startswith(
        (metrics.NODE_CONTROL, metrics.DEVICE_CONTROL, metrics.DELIVERY)
    )


def _metadata(metric: Metric) -> Metadata:
    def text(key: str) -> str:
        value = _property(metric, key)
        return value if isinstance(value, str) else ""

    def number(key: str) -> float | None:
        value = _property(metric, key)
        return float(value) if isinstance(value, int | float) else None

    return Metadata(
        text(metrics.UNIT), number(metrics.LOW), number(metrics.HIGH), text(metrics.DESCRIPTION)
    )


def _property(metric: Metric, key: str) -> object:
    found = metric.properties.get(key)
    return found.value if found is not None else None


def text_of(payload: Payload, name: str) -> str:
    """The text value of a named metric; "" when there is none."""
    for metric in payload.metrics:
        if metric.name == name and metric.place == "string_value" and isinstance(metric.raw, str):
            return metric.raw
    return ""


def number_of(payload: Payload, name: str) -> int | None:
    """The integer value of a named metric, whichever integer field it stands in."""
    for metric in payload.metrics:
        if metric.name == name and metric.place in ("int_value", "long_value"):
            if isinstance(metric.raw, int):
                return metric.raw
            raise Undecodable(f"{name} is no integer")
    return None
