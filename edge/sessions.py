"""What follows the vehicles of a station beyond its tags: captures of a studio, inspections.

A change of those in the site file needs a restart of the agent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
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
        if any(one.cameras for one in stations):
            from edge.studio.making import make  # takes its time, and few agents have cameras

            async def put(*given: Any) -> None:
                await put_record(*given, keep=True)

            folder, software = outbox.with_suffix(".studio"), f"refit {version}"
            studios = (make(one, folder, put, clock, software) for one in stations)
            self.studios = {one.station: one for one in studios if one is not None}
        if any(one.machines for one in stations):
            from edge.inspection import making

            folder = outbox.with_suffix(".inspection")
            found = (making.make(one, folder, put_record, clock, http) for one in stations)
            self.inspections = {one.station: one for one in found if one is not None}

    def ear(self, station: str, connection: str) -> Ear | None:
        """Who follows a connection: a studio its controller alone, an inspection all benches."""
        if station in self.inspections:
            return self.inspections[station].ear(connection)
        return self.studios.get(station) if connection == OPCUA else None

    def commands(self, station: str) -> OpcuaCommands | None:
        """What may be written to a station; None when nothing is."""
        studio = self.studios.get(station)
        return None if studio is None else studio.commands

    def runs(self) -> list[Callable[[], Any]]:
        """What has to run."""
        studios = [one.run for one in self.studios.values()]
        return [*studios, *(one.run for one in self.inspections.values())]

    def problems(self) -> Iterator[str]:
        """What is wrong now, for people."""
        for studio in self.studios.values():
            yield from studio.problems()
        for inspection in self.inspections.values():
            yield from inspection.problems()
