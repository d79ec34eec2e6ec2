"""What follows the vehicles of a station beyond its tags: captures of a studio, inspections.

They come and go with their station while the agent runs; a change of their own part of the site
file needs a restart of the agent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from edge.sources.opcua_commands import OpcuaCommands
from edge.sources.source import Report
from stations.declare import Tag
from stations.samples import Samples
from wire.clock import Clock
from wire.site import StationConfig
from wire.site.http import HttpConfig

if TYPE_CHECKING:
    from edge.inspection.session import InspectionSession
    from edge.studio.session import StudioSession

    Made = tuple[StudioSession | None, InspectionSession | None]

OPCUA = "opcua"
PutRecord = Callable[..., Awaitable[Any]]


class Ear(Protocol):
    """A session of a station that follows what one of its connections brings."""

    def declare(self, tags: Mapping[int, Tag[Any]], last: Samples) -> None:
        """The numbers of the tags, and their last values."""

    def hear(self, report: Report) -> None:
        """A source has reported."""

    def link(self, up: bool) -> None:
        """The machine can or cannot be reached."""


def made_elsewhere(station: StationConfig) -> frozenset[str]:
    """The kinds of records that a station's session makes in place of its rules."""
    return frozenset(("inspection.report",)) if station.machines else frozenset()


class Sessions:
    """The sessions of an agent's stations, by station. OSError, Wrong, TlsError."""

    def __init__(
        self,
        stations: list[StationConfig],
        outbox: Path,
        put_record: PutRecord,
        clock: Clock,
        http: HttpConfig,
        version: str,
    ) -> None:
        self.studios: dict[str, StudioSession] = {}
        self.inspections: dict[str, InspectionSession] = {}
        self._outbox, self._put_record, self._clock = outbox, put_record, clock
        self._http, self._software = http, f"refit {version}"
        for one in stations:
            self.add(one.name, self.make(one))

    def make(self, station: StationConfig) -> Made:
        """The sessions of one station, which looks at the disk. OSError, Wrong, TlsError."""
        studio, inspection = None, None
        if station.cameras:
            from edge.studio import making  # takes its time, and few agents have cameras

            async def put(*given: Any) -> None:
                await self._put_record(*given, keep=True)

            folder = self._outbox.with_suffix(".studio")
            studio = making.make(station, folder, put, self._clock, self._software)
        if station.machines:
            from edge.inspection.making import make

            folder = self._outbox.with_suffix(".inspection")
            inspection = make(station, folder, self._put_record, self._clock, self._http)
        return studio, inspection

    def add(self, station: str, made: Made) -> None:
        """From now on they follow the station; what `runs` gives has to run."""
        studio, inspection = made
        if studio is not None:
            self.studios[station] = studio
        if inspection is not None:
            self.inspections[station] = inspection

    def drop(self, station: str) -> None:
        """Nothing follows the station any more; what is on disk stays there."""
        self.studios.pop(station, None)
        self.inspections.pop(station, None)

    def ear(self, station: str, connection: str) -> Ear | None:
        """Who follows a connection: a studio its controller alone, an inspection all benches."""
        if station in self.inspections:
            return self.inspections[station].ear(connection)
        return self.studios.get(station) if connection == OPCUA else None

    def commands(self, station: str) -> OpcuaCommands | None:
        """What may be written to a station; None when nothing is."""
        studio = self.studios.get(station)
        return None if studio is None else studio.commands

    def runs(self, station: str) -> list[Callable[[], Coroutine[Any, Any, None]]]:
        """What has to run for a station."""
        found = (self.studios.get(station), self.inspections.get(station))
        return [one.run for one in found if one is not None]

    def problems(self) -> Iterator[str]:
        """What is wrong now, for people."""
        for studio in self.studios.values():
            yield from studio.problems()
        for inspection in self.inspections.values():
            yield from inspection.problems()
