"""A site as frozen models: what a site file may say, with its defaults."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, model_validator

from stations import kinds
from stations.cycle import Scheme
from stations.declare import Command, Node, Register, Station, Tag
from wire.site import addresses, devices
from wire.site.brokers import BrokerConfig
from wire.site.cameras import CameraConfig, CaptureConfig
from wire.site.connections import ModbusConfig, OpcuaConfig, Part
from wire.site.databases import StoreConfig
from wire.site.foreign import ForeignConfig
from wire.site.http import HttpConfig
from wire.site.inspections import InspectionConfig, InspectionMachineConfig
from wire.site.ledger import LedgerConfig
from wire.site.lines import LineConfig
from wire.site.media import MediaConfig
from wire.site.problems import Problem, SiteError, Wrong
from wire.site.values import (
    Address,
    DurationMs,
    FilePath,
    Line,
    Name,
    Networks,
    PortOrFree,
    SizeBytes,
)


class SiteTable(Part):
    """The plant as a whole."""

    name: Name = Field(description="name of the plant, the group in Sparkplug topics")
    cells: Networks = Field(
        default=(),
        strict=False,
        description='networks of the machines, such as ["10.0.0.0/24"]: `refit check` warns of one'
        " without security that stands elsewhere",
    )


class HistorianConfig(Part):
    """The process that puts samples into the store and records into the ledger."""

    name: Name = Field(default="historian", description="Sparkplug host id")
    http: PortOrFree = Field(
        default=0,
        description="port of /metrics, /healthz and /stations, which `refit watch` needs; "
        "0 takes a free one",
    )
    listen: Address = Field(
        default="127.0.0.1",
        description='address at which it answers; "0.0.0.0" for everybody on the network,'
        " which needs [http] with a certificate and a token",
    )
    reorder_ms: DurationMs = Field(
        default=2_000,
        validation_alias="reorder",
        description="how long a gap in the sequence of an agent may stay open before its births "
        "are asked for",
    )


class OutboxConfig(Part):
    """What an agent keeps on its disk until the plant has confirmed it."""

    folder: FilePath = Field(
        default=Path("var"), description="folder of the agents' databases", validate_default=True
    )
    bytes_max: SizeBytes = Field(
        default=1 << 30, description='the oldest samples are dropped above this, such as "1 GiB"'
    )
    age_ms_max: DurationMs | None = Field(
        default=None,
        validation_alias="age_max",
        description="samples older than this are dropped; without it only the size counts",
    )
    delivery: Literal["acknowledged", "sent"] = Field(
        default="acknowledged",
        description='"sent" where another Sparkplug host listens, which acknowledges nothing',
    )
    host: Name | None = Field(
        default=None,
        description='with delivery = "sent": the Sparkplug id of that host, whose STATE the agents '
        "follow; without it nobody sees that the host was away",
    )
    window_ms: DurationMs | None = Field(
        default=None,
        validation_alias="window",
        description='with delivery = "sent": for how long what was sent is kept to be sent again; '
        "by default for two keep-alives of the broker",
    )

    @model_validator(mode="after")
    def _for_another_host(self) -> OutboxConfig:
        told = [key for key in ("host", "window_ms") if getattr(self, key) is not None]
        if told and self.delivery == "acknowledged":
            what = f'{told[0].removesuffix("_ms")} is for delivery = "sent"'
            raise Wrong(what, 'write delivery = "sent", or remove it')
        return self


class AgentConfig(Part):
    """One agent: the process on a station PC that serves one or more stations."""

    name: Name = Field(description="name of the agent, the edge node in Sparkplug topics")
    http: PortOrFree = Field(
        default=0, description="port of /metrics and /healthz; 0 takes a free one"
    )
    listen: Address = Field(
        default="127.0.0.1", description="address at which it answers; as that of the historian"
    )
    cells: Networks | None = Field(
        default=None, strict=False, description="the same for the machines of this agent alone"
    )
    pki: FilePath | None = Field(
        default=None,
        description="folder of OPC UA certificates: own, trusted, rejected; by default NAME.pki"
        " in the folder of the outbox",
    )


def _connections(value: Any) -> Any:
    """`modbus = {url = ...}` is the connection without a name; otherwise each has its own table."""
    if isinstance(value, dict) and not all(isinstance(one, dict | Part) for one in value.values()):
        return {"": value}
    return value


def _one_or_named(schema: dict[str, Any]) -> None:
    """The JSON Schema of `modbus`: a table with a url, or one such table for each name."""
    connection = schema["additionalProperties"]
    named = {"type": schema.pop("type"), "additionalProperties": schema.pop("additionalProperties")}
    schema["anyOf"] = [connection, named]


class StationConfig(Part):
    """One machine or work place."""

    name: Name = Field(description="name of the station, the device in Sparkplug topics")
    kind: str = Field(description="a kind of station, or device for a machine declared by a CSV")
    line: Line = Field(default="", description="production line on which it stands")
    agent: str = Field(description="name of the agent that serves it")
    tags: FilePath | None = Field(default=None, description="the CSV of tags, for kind device only")
    opcua: OpcuaConfig | None = Field(default=None, description="the OPC UA server of the station")
    modbus: Annotated[dict[str, ModbusConfig], BeforeValidator(_connections)] = Field(
        default={},
        description="one Modbus connection, or one table for each name that the tags use",
        json_schema_extra=_one_or_named,
    )
    cycle_ms: DurationMs | None = Field(
        default=None,
        validation_alias="cycle",
        description="planned run time of one vehicle here; by default that of its kind",
    )
    cameras: dict[Name, CameraConfig] = Field(
        default={}, description="the cameras of a studio, a table for each name of the shot plan"
    )
    capture: CaptureConfig | None = Field(
        default=None, description="what a studio with cameras shoots"
    )
    machines: dict[Name, InspectionMachineConfig] = Field(
        default={}, description="the machines of an inspection with sessions, a table for each"
    )
    inspection: InspectionConfig | None = Field(
        default=None, description="the sessions of an inspection"
    )
    at: dict[str, str] = Field(
        default={}, description="addresses of tags and commands that this machine keeps elsewhere"
    )

    @cached_property
    def kind_parts(self) -> kinds.Kind | None:
        """Declaration, rules and model of the kind; None for a device."""
        if self.kind == "device":
            return None
        found = kinds.find(self.kind)
        if found.judge_by is None:
            return found
        from wire.rule_sets import newest  # only where something is judged

        return replace(found, judge=found.judge_by(newest()))

    @property
    def scheme(self) -> Scheme[Any] | None:
        """How vehicles are followed through it; None where no rules do so."""
        return None if self.kind_parts is None else self.kind_parts.scheme

    @cached_property
    def declaration(self) -> type[Station]:
        """The tags of this machine, at the addresses where this machine keeps them."""
        declared = self.declared
        return declared.moved(self.moves(declared)) if self.at else declared

    @cached_property
    def declared(self) -> type[Station]:
        """The tags of the kind or of the CSV, before `at`; SiteError when the CSV is wrong."""
        if self.kind_parts is not None:
            return self.kind_parts.station
        device = self.device
        if device.problems:
            raise SiteError(device.problems)
        return device.declaration

    @cached_property
    def device(self) -> devices.Device:
        """What the CSV says, for a station of kind device."""
        if self.tags is None:
            problem = Problem(Path(), 0, "tags", "a device needs a CSV of tags")
            return devices.Device(Station, {}, (problem,))
        return devices.read(self.tags)

    def moves(self, declared: type[Station]) -> dict[str, Node | Register]:
        """The addresses of `at`, by name of tag or command; Wrong when one cannot be."""
        return {
            name: addresses.moved(member.at, member.length if isinstance(member, Tag) else 0, text)
            for name, text in self.at.items()
            if isinstance(member := getattr(declared, name), Tag | Command)
        }


Named = TypeVar("Named", AgentConfig, StationConfig)


class SiteFile(Part):
    """The tables of a site file."""

    include: list[str] = Field(
        default=[], description="more files of this site, which may hold any table"
    )
    site: SiteTable
    broker: BrokerConfig = BrokerConfig()
    store: StoreConfig = Field(default={}, validate_default=True)
    ledger: LedgerConfig = Field(default={}, validate_default=True)
    media: MediaConfig = Field(default={}, validate_default=True)
    historian: HistorianConfig = HistorianConfig()
    http: HttpConfig = HttpConfig()
    outbox: OutboxConfig = Field(default={}, validate_default=True)
    line: tuple[LineConfig, ...] = Field(default=(), strict=False)
    agent: tuple[AgentConfig, ...] = Field(default=(), strict=False)
    station: tuple[StationConfig, ...] = Field(default=(), strict=False)
    foreign: tuple[ForeignConfig, ...] = Field(default=(), strict=False)


class Site(Part):
    """A whole plant, as `load` gives it: all paths absolute, all references known to exist."""

    name: str
    cells: tuple[str, ...] = ()
    broker: BrokerConfig = BrokerConfig()
    store: StoreConfig = StoreConfig()
    ledger: LedgerConfig = LedgerConfig()
    media: MediaConfig = MediaConfig()
    historian: HistorianConfig = HistorianConfig()
    http: HttpConfig = HttpConfig()
    outbox: OutboxConfig = OutboxConfig()
    lines: tuple[LineConfig, ...] = ()
    agents: tuple[AgentConfig, ...] = ()
    stations: tuple[StationConfig, ...] = ()
    foreign: tuple[ForeignConfig, ...] = ()
    folder: Path = Path()
    file: Path | None = None

    def station(self, name: str) -> StationConfig:
        """The station of this name; LookupError with the known names when there is none."""
        return _named(name, self.stations, "station")

    def agent(self, name: str) -> AgentConfig:
        """The agent of this name; LookupError with the known names when there is none."""
        return _named(name, self.agents, "agent")

    def line(self, name: str) -> LineConfig:
        """What is said of a line; one of which nothing is said is planned all the time."""
        for one in self.lines:
            if one.name == name:
                return one
        return LineConfig.model_construct(name=name)

    def cells_of(self, agent: str) -> tuple[str, ...]:
        """The networks in which the machines of an agent stand; none when nothing is said."""
        mine = self.agent(agent).cells
        return self.cells if mine is None else mine

    def pki_of(self, agent: str) -> Path:
        """Where an agent keeps its OPC UA certificates, its own and those it trusts."""
        return self.agent(agent).pki or self.outbox.folder / f"{agent}.pki"

    def stations_of(self, agent: str) -> list[StationConfig]:
        """The stations that an agent serves, in the order of the site file."""
        return [station for station in self.stations if station.agent == agent]


def _named(name: str, known: tuple[Named, ...], what: str) -> Named:
    for one in known:
        if one.name == name:
            return one
    raise LookupError(f"no {what} {name!r}; known are {', '.join(one.name for one in known)}")
