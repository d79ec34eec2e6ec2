"""A line as its dashboards see it: its stations in order, and what their states look like."""

from __future__ import annotations

from dataclasses import dataclass

from plant.dashboards import looks
from plant.dashboards.looks import Json
from plant.dashboards.names import Source, Sources
from stations import kinds
from stations.declare import State

DEVICE = "device"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a site; `stations` are names with kinds, `takt_s` is 0 when none is planned."""

    site: str
    name: str
    stations: tuple[tuple[str, str], ...]
    takt_s: float
    sources: Sources

    @property
    def samples(self) -> Source:
        """The store of samples."""
        return self.sources.samples

    @staticmethod
    def has_states(kind: str) -> bool:
        """Whether stations of this kind have states; a device has none."""
        return kind != DEVICE

    def mappings(self, kind: str = "") -> list[Json]:
        """What `state_name` of a kind, or of all kinds of the line, looks like; else `online`."""
        if kind == DEVICE:
            return looks.online()
        wanted = {kind} if kind else {one for _, one in self.stations if one != DEVICE}
        return looks.state_names([state for one in sorted(wanted) for state in states_of(one)])


def states_of(kind: str) -> list[State]:
    """The states of a kind of station."""
    states = kinds.find(kind).station.tag("state").states
    return list(states or ())
