"""From what the host has understood to points for the store: the data model in one place.

measurement = kind, for a device the station's name; tags site, line, station; field = tag name.
The historian's own: `edge_health` (by agent) and `station_state` (whether a station is online).
"""

from __future__ import annotations

from collections.abc import Mapping

from plant.stores.store import EDGE_HEALTH, STATION_STATE, Points
from stations.declare import Type
from stations.samples import build
from stations.status import GOOD
from wire.site import Site
from wire.sparkplug.datatypes import Scalar
from wire.sparkplug.effects import EdgeId, Health, Received
from wire.sparkplug.metrics import MetricName

DEVICE = "device"
ONLINE = "online"
WHY = "why"
_TYPES: dict[type, Type] = {bool: Type.BOOL, int: Type.INT, float: Type.FLOAT, str: Type.TEXT}


class Model:
    """Makes points; line and kind come from the site file, else from the station's birth."""

    def __init__(self, site: Site) -> None:
        self._site = site.name
        self._known = {one.name: (one.line, one.kind) for one in site.stations}

    @property
    def stations(self) -> tuple[str, ...]:
        """The stations of the site file."""
        return tuple(self._known)

    def samples(self, received: Received, now_ms: int) -> Points:
        """Samples of a station; those of the node itself stand under the agent's name."""
        station = received.station or received.agent
        line, kind = self._known.get(station) or _told(received.device.path, received.device.kind)
        measurement = station if kind in ("", DEVICE) or not received.station else kind
        names = received.device.names
        return Points(self._site, line, station, measurement, names, received.samples, now_ms)

    def health(self, health: Health, now_ms: int) -> Points:
        """An agent's health as it says it is."""
        return self._own(EDGE_HEALTH, "", health.edge.agent, health.time_ms, health.values, now_ms)

    def online(
        self, edge: EdgeId | None, station: str, online: bool, why: str, now_ms: int
    ) -> Points:
        """Whether a station, or with station "" an agent, is online, at the historian's time."""
        values: dict[str, Scalar | None] = {ONLINE: online, WHY: why}
        if not station:
            agent = "" if edge is None else edge.agent
            return self._own(EDGE_HEALTH, "", agent, now_ms, values, now_ms)
        line = self._known.get(station, ("", ""))[0]
        return self._own(STATION_STATE, line, station, now_ms, values, now_ms)

    def _own(
        self, measurement: str, line: str, station: str, time_ms: int,
        values: Mapping[str, Scalar | None], now_ms: int,
    ) -> Points:  # fmt: skip
        names, rows = {}, []
        for number, (name, value) in enumerate(values.items(), 1):
            kind = _TYPES.get(type(value))
            if kind is not None:
                names[number] = MetricName(number, station, name, kind)
                rows.append((number, time_ms, GOOD, kind, value))
        return Points(self._site, line, station, measurement, names, build(rows), now_ms)


def _told(path: str, kind: str) -> tuple[str, str]:
    """Line and kind as a birth says them; the path is site/line/station."""
    parts = path.split("/")
    return parts[1] if len(parts) == 3 else "", kind
