"""From what the host has understood to points for the store: the data model in one place.

measurement = kind, for a device the station's name; tags site, line, station; field = tag name.
The historian's own are `edge_health` (by agent) and those of `plant.kpi.measurements`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from plant.foreign import Foreign
from plant.kpi.measurements import Measurement
from plant.stores.store import EDGE_HEALTH, Points
from stations.declare import Type
from stations.samples import build
from stations.status import BAD_NO_DATA, GOOD
from wire.site import Site
from wire.sparkplug.datatypes import Scalar
from wire.sparkplug.effects import Health, Received
from wire.sparkplug.metrics import MetricName

DEVICE = "device"
ONLINE = "online"
WHY = "why"
WITHDRAWN = "\0withdrawn"  # by identity
Row = tuple[int, Mapping[str, "Scalar | None"]]  # time in ms, values by field
_TYPES: dict[type, Type] = {bool: Type.BOOL, int: Type.INT, float: Type.FLOAT, str: Type.TEXT}


class Model:
    """Makes points; line and kind come from the site file, else from the station's birth."""

    def __init__(self, site: Site) -> None:
        self._site = site.name
        self._known = {one.name: (one.line, one.kind) for one in site.stations}
        self.foreign = Foreign(site)
        self._known |= {one.name: (one.line, DEVICE) for one in site.foreign}
        self.stations = {one.name: one.scheme for one in site.stations}

    def samples(self, received: Received, now_ms: int) -> Points:
        """Samples of a station; those of the node itself stand under the agent's name."""
        station = received.station or received.agent
        line, kind = self._known.get(station) or _told(received.device.path, received.device.kind)
        measurement = station if kind in ("", DEVICE) or not received.station else kind
        names = received.device.names
        return Points(self._site, line, station, measurement, names, received.samples, now_ms)

    def health(self, health: Health, now_ms: int) -> Points:
        """An agent's health as it says it is."""
        rows = [(health.time_ms, health.values)]
        return self._own(EDGE_HEALTH, "", health.edge.agent, rows, _of_value, now_ms)

    def agent(self, agent: str, online: bool, why: str, now_ms: int) -> Points:
        """Whether an agent is online, at the historian's time."""
        values: dict[str, Scalar | None] = {ONLINE: online, WHY: why}
        return self._own(EDGE_HEALTH, "", agent, [(now_ms, values)], _of_value, now_ms)

    def own(
        self, measurement: Measurement, line: str, station: str, rows: Sequence[Row], now_ms: int
    ) -> Points:
        """Points of a measurement of the historian's own; a field that is None is left out.

        One that is WITHDRAWN takes back the value that it had at that time.
        """

        def kind(name: str, value: Scalar) -> Type:
            return measurement.type_of(name)

        return self._own(measurement.name, line, station, rows, kind, now_ms)

    def line_of(self, station: str) -> str:
        """The line of a station of the site file; "" for any other."""
        return self._known.get(station, ("", ""))[0]

    def _own(
        self, measurement: str, line: str, station: str, rows: Sequence[Row],
        kind_of: Callable[[str, Scalar], Type | None], now_ms: int,
    ) -> Points:  # fmt: skip
        numbers: dict[str, MetricName] = {}
        samples = []
        for time_ms, values in rows:
            for name, value in values.items():
                kind = None if value is None else kind_of(name, value)
                if kind is None:
                    continue
                known = numbers.get(name)
                if known is None:
                    known = MetricName(len(numbers) + 1, station, name, kind)
                    numbers[name] = known
                gone = value is WITHDRAWN
                status = BAD_NO_DATA if gone else GOOD
                samples.append((known.number, time_ms, status, kind, None if gone else value))
        names = {one.number: one for one in numbers.values()}
        return Points(self._site, line, station, measurement, names, build(samples), now_ms)


def _of_value(name: str, value: Scalar) -> Type | None:
    return _TYPES.get(type(value))


def _told(path: str, kind: str) -> tuple[str, str]:
    """Line and kind as a birth says them; the path is site/line/station."""
    parts = path.split("/")
    return parts[1] if len(parts) == 3 else "", kind
