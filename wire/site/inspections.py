"""The machines of an inspection station, its inspectors, and where results come in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from stations.inspection.codes import MachineKind
from stations.inspection.tagged import PARTS
from wire.site.connections import Part
from wire.site.documents import Document
from wire.site.http import is_loopback
from wire.site.lines import Zone
from wire.site.positions import Key
from wire.site.problems import Problem, Wrong, closest
from wire.site.values import Address, DurationMs, FilePath, Port

if TYPE_CHECKING:
    from wire.site.models import StationConfig

KINDS = tuple(kind.value for kind in MachineKind)
MACHINE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}\Z")
DAY_MS = 86_400_000
WAYS = ("folder", "tcp", "webhook", "tags")
ONE_WAY = 'write folder = "FOLDER", tcp = 7001, webhook = true or tags = true'


def _kind(text: str) -> str:
    if text not in KINDS:
        raise Wrong(f'no machine of an inspection is a "{text}"', closest(text, KINDS))
    return text


def _days(milliseconds: int) -> int:
    if milliseconds % DAY_MS:
        raise Wrong("a calibration holds for whole days", 'write it like "365 d"')
    return milliseconds


class InspectionMachineConfig(Part):
    """One machine of an inspection station: what it is, and how its results come."""

    kind: Annotated[
        str, AfterValidator(_kind), WithJsonSchema({"type": "string", "enum": list(KINDS)})
    ] = Field(description="what it measures")
    serial: str = Field(
        min_length=1, description="its serial number: a result that names another is refused"
    )
    model: str = Field(default="", description="maker and model, for the report")
    calibration_every_ms: Annotated[DurationMs, AfterValidator(_days)] | None = Field(
        default=None,
        validation_alias="calibration_every",
        description='how long a calibration holds, such as "365 d"; without it none is asked for',
    )
    zero: bool = Field(default=False, description="its zero has to be confirmed with its results")
    zone: Zone = Field(default="UTC", description="time zone of its clock")
    names_session: bool = Field(
        default=True,
        description="it says of which session a result is; false for one that cannot: then only"
        " the time tells, and the record says so",
    )
    folder: FilePath | None = Field(
        default=None,
        description="folder into which it puts a file for each result; it gets done, refused and"
        " session.txt",
    )
    tcp: Port | None = Field(
        default=None, description="port at which the agent listens for OTC-LAN-like records of it"
    )
    webhook: bool = Field(
        default=False, description="it posts JSON to /machines/NAME/results of the agent"
    )
    token_file: FilePath | None = Field(
        default=None, description="file with the token that it shows at the webhook"
    )
    tags: bool = Field(
        default=False, description="its results are tags of the station, by OPC UA or Modbus"
    )

    @model_validator(mode="after")
    def _one_way(self) -> InspectionMachineConfig:
        ways = [way for way in WAYS if getattr(self, way)]
        if len(ways) != 1:
            raise Wrong(f"has {' and '.join(ways) or 'no way'} for its results", ONE_WAY)
        if self.webhook != (self.token_file is not None):
            raise Wrong("has one of webhook and token_file", 'write token_file = "FILE" for it')
        if self.tags and self.kind not in PARTS:
            what = f"a {self.kind} has no tags in the declaration of this station"
            raise Wrong(what, ONE_WAY.removesuffix(" or tags = true"))
        return self


class InspectionConfig(Part):
    """The sessions of an inspection station."""

    centre: str = Field(min_length=1, description="approval number of the centre")
    inspectors: dict[str, str] = Field(
        default={}, description="approval numbers of the inspectors, by the names they work under"
    )
    vin_key_file: FilePath | None = Field(
        default=None,
        description="file with the key by which a VIN that was read is compared with that of the"
        " order; without it vehicles are identified by hand",
    )
    listen: Address = Field(
        default="127.0.0.1", description="address at which tcp and webhook are listened for"
    )
    port: Port | None = Field(default=None, description="port of the webhook")
    session_max_ms: DurationMs = Field(
        default=2 * 3_600_000,
        validation_alias="session_max",
        description="a session that nobody ends is ended after this time",
    )
    step_max_ms: DurationMs = Field(
        default=15 * 60_000,
        validation_alias="step_max",
        description="a part that was begun and takes longer is told",
    )


def problems(document: Document, key: Key, config: StationConfig) -> Iterator[Problem]:
    """What does not fit in the machines of one station."""
    machines, inspection = config.machines, config.inspection
    if not machines and inspection is None:
        return
    if config.kind != "inspection":
        what, hint = f"a {config.kind} has no machines", 'remove them, or write kind = "inspection"'
        yield document.problem((*key, "machines"), what, hint)
        return
    if inspection is None:
        what = "is missing where there are machines"
        hint = "write [station.inspection] with centre and inspectors"
        yield document.problem((*key, "inspection"), what, hint)
        return
    if not machines:
        hint = "write [station.machines.NAME] with kind, serial and how its results come"
        yield document.problem((*key, "machines"), "is missing where there are sessions", hint)
    if not inspection.inspectors:
        hint = 'write inspectors = { NAME = "APPROVAL NUMBER" }'
        yield document.problem((*key, "inspection"), "has no inspector", hint)
    for name in machines:
        if not MACHINE.match(name):
            what = f'"{name}" is no name of a machine'
            hint = "write letters, digits, - and _, 63 at most"
            yield document.problem((*key, "machines", name), what, hint)
    yield from _places(document, key, config)


def _places(document: Document, key: Key, config: StationConfig) -> Iterator[Problem]:
    """Folders and ports that stand twice, a webhook without its port."""
    assert config.inspection is not None
    port, known = config.inspection.port, {}
    if port is not None:
        known["port", str(port)] = "the webhook"
    for name, one in config.machines.items():
        place = ("folder", str(one.folder)) if one.folder else ("port", str(one.tcp))
        if not one.folder and not one.tcp:
            continue
        other = known.setdefault(place, name)
        if other != name:
            what = f"{other} has this {place[0]} too"
            where = (*key, "machines", name, "folder" if one.folder else "tcp")
            yield document.problem(where, what, "give each machine its own")
    hooks = [name for name, one in config.machines.items() if one.webhook]
    if hooks and port is None:
        what = f"has no port for the webhook of {', '.join(hooks)}"
        yield document.problem((*key, "inspection"), what, "write port = 8090")


def odd(document: Document, key: Key, config: StationConfig, tls: bool) -> Iterator[Problem]:
    """Warnings of a station that is right: tokens and results that anybody on the way can read."""
    inspection = config.inspection
    if inspection is None or is_loopback(inspection.listen):
        return
    machines = config.machines.values()
    ways = [way for way in ("tcp", "webhook") if any(getattr(one, way) for one in machines)]
    if ways and not (tls and ways == ["webhook"]):
        what = f"anybody on the way can read and change what comes by {' and '.join(ways)}"
        hint = "keep the machines in a network of their own; [http] gives the webhook a certificate"
        yield document.problem((*key, "inspection", "listen"), what, hint)
