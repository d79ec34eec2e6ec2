"""The demo site, one studio of it, and short ways to what its agent says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge.lane import Lane
from plant.points import Model
from plant.stores.store import Points, Store
from stations.records import Draft, Record
from stations.samples import EMPTY, Samples, build
from stations.status import GOOD
from stations.studio.station import StudioState
from tests.day import device_of, lane_of
from wire.site import load
from wire.sparkplug.effects import EdgeId, Online, Received

SITE = load(Path(__file__).parents[3] / "config/demo/site.toml")
MODEL = Model(SITE)
STUDIO = "studio-1"
DEVICE = device_of(SITE, SITE.station(STUDIO))
EDGE = EdgeId(SITE.name, SITE.station(STUDIO).agent)
T0 = 1_764_028_800_000  # the beginning of an hour
Said = tuple[str, int, Any]  # tag, time, value


def samples(rows: Sequence[Said], status: int = GOOD) -> Samples:
    """Samples of the studio; a state by its name or number, None for no value."""
    made = []
    for name, time_ms, value in rows:
        known = DEVICE.by_name[name]
        if isinstance(value, StudioState):
            value = value.value
        made.append((known.number, time_ms, status, DEVICE.names[known.number].type, value))
    return build(made)


def received(rows: Sequence[Said], status: int = GOOD, *, historical: bool = False) -> Received:
    """What the historian's host makes of a message of the studio."""
    return Received(EDGE, STUDIO, samples(rows, status), None, "", historical, DEVICE)


def birth(time_ms: int, values: Samples = EMPTY) -> Online:
    """The birth of the studio."""
    return Online(EDGE, STUDIO, time_ms, DEVICE, values)


def rows_of(points: Points) -> dict[int, dict[str, Any]]:
    """Points by time: their fields."""
    rows: dict[int, dict[str, Any]] = {}
    for index, number in enumerate(points.samples.tag.tolist()):
        row = rows.setdefault(int(points.samples.time[index]), {})
        row[points.names[number].name] = points.samples.row(index)
    return rows


def only(points: Points) -> dict[str, Any]:
    """The fields of points that have one time."""
    (row,) = rows_of(points).values()
    return row


def lane() -> Lane:
    """The studio's way through its agent, with its rules."""
    return lane_of(SITE, SITE.station(STUDIO))


def record(kind: str, time_ms: int, data: dict[str, Any], visit: str | None = "v-1") -> Record:
    """A record of the studio."""
    return lane().record(Draft(kind=kind, time_ms=time_ms, visit=visit, data=data))


def change(time_ms: int, before: str | None, after: str, reason: str, lasted_s: float) -> Record:
    """The record of a change of state."""
    data = {"from": before, "to": after, "reason": reason, "lasted_s": lasted_s}
    return record("studio.state", time_ms, data)


def cycle(end_ms: int, cycle_s: float = 266.0, taken: int = 40, **changes: Any) -> Record:
    """The record of a session; whole and good unless changed."""
    data = {
        "cycle_s": cycle_s,
        "complete": True,
        "flaws": [],
        "spin": {"planned": 40, "taken": taken},
    }
    return record("studio.session", end_ms, data | changes)


def stored(store: Store, measurement: str, station: str, field: str) -> dict[int, Any]:
    """All values of one field, by time."""
    rows = store.range(station, field, 0, 1 << 52, measurement)
    return {int(time): rows.row(index) for index, time in enumerate(rows.time.tolist())}
