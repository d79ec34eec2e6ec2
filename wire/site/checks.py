"""What has to fit together in a site: names, agents, kinds, tags, addresses, connections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from stations import kinds
from stations.declare import Command, Node, Register, Station, Tag
from wire.certificates import for_others
from wire.site import addresses, cameras, inspections
from wire.site.brokers import BrokerConfig
from wire.site.documents import Document
from wire.site.http import is_loopback
from wire.site.media import MediaConfig
from wire.site.models import StationConfig
from wire.site.positions import Key
from wire.site.problems import Problem, SiteError, Wrong, closest

WORDS = {Node: "an OPC UA node", Register: "a Modbus register"}
CONNECTION = {Node: "opcua", Register: "modbus"}
Member = Tag[Any] | Command


def names(document: Document) -> Iterator[Problem]:
    """Names that stand twice, agents without a station, stations without their agent."""
    agents: dict[str, Key] = {}
    yield from _once(document, "agent", agents)
    yield from _once(document, "station", {})
    served: set[str] = set()
    for index, station in enumerate(document.values.get("station", [])):
        agent = station.get("agent")
        if not isinstance(agent, str):
            continue
        served.add(agent)
        if agent not in agents:
            hint = closest(agent, agents) or f'add [[agent]] with name = "{agent}"'
            yield document.problem(
                ("station", index, "agent"), f'no agent is named "{agent}"', hint
            )
    for agent, place in agents.items():
        if agent not in served:
            hint = f'give a station agent = "{agent}", or remove this agent'
            yield document.problem(place, "serves no station", hint)


def lines(document: Document) -> Iterator[Problem]:
    """Lines that stand twice, stations on a line that is not declared where lines are, bottlenecks.

    A site without any [[line]] may name lines as it likes.
    """
    declared: dict[str, Key] = {}
    yield from _once(document, "line", declared)
    stations: dict[str, list[str]] = {}
    for index, station in enumerate(document.values.get("station", [])):
        line, name = station.get("line"), station.get("name")
        if not isinstance(line, str) or not line:
            continue
        stations.setdefault(line, []).append(str(name))
        if declared and line not in declared:
            hint = closest(line, declared) + f' or add [[line]] with name = "{line}"'
            yield document.problem(("station", index, "line"), f'no line is named "{line}"', hint)
    for index, one in enumerate(document.values.get("line", [])):
        name, bottleneck = one.get("name"), one.get("bottleneck")
        on_line = stations.get(name, []) if isinstance(name, str) else []
        if isinstance(bottleneck, str) and bottleneck and bottleneck not in on_line:
            what = f'no station "{bottleneck}" stands on {name}'
            hint = closest(bottleneck, on_line) or f'give a station line = "{name}"'
            yield document.problem(("line", index, "bottleneck"), what, hint)


def _once(document: Document, table: str, places: dict[str, Key]) -> Iterator[Problem]:
    for index, one in enumerate(document.values.get(table, [])):
        name, key = one.get("name"), (table, index, "name")
        if not isinstance(name, str):
            continue
        if name in places:
            file, line = document.place(places[name])
            what = f'"{name}" is the name of the {table} in {file.name}, line {line}, too'
            yield document.problem(key, what, "give each its own name")
        else:
            places[name] = key


def station(document: Document, key: Key, config: StationConfig) -> Iterator[Problem]:
    """What does not fit in one station: its kind, its tags, its addresses, its connections."""
    known = [*kinds.names(), "device"]
    if config.kind not in known:
        near = closest(config.kind, known)
        hint = near if near.startswith("known") else f"{near} known are {', '.join(known)}"
        yield document.problem((*key, "kind"), f'no kind "{config.kind}"', hint)
        return
    if config.kind == "device" and config.tags is None:
        yield document.problem((*key, "tags"), "is missing", 'write tags = "FILE.csv"')
        return
    if config.tags is not None and not config.tags.is_file():
        what = f"there is no file {config.tags}"
        hint = f"paths are relative to {document.folder}"
        yield document.problem((*key, "tags"), what, hint)
        return
    if config.kind != "device" and config.tags is not None:
        hint = 'remove tags, or write kind = "device"'
        yield document.problem((*key, "tags"), f"the tags of a {config.kind} are known", hint)
    try:
        declared = config.declared
    except SiteError as error:
        yield from error.problems
        return
    moved: dict[str, Node | Register] = {}
    for name in config.at:
        yield from _moved(document, (*key, "at", name), config, declared, moved)
    members: tuple[Member, ...] = (*declared.tags, *declared.commands)
    yield from _writes(document, key, config, declared)
    yield from cameras.problems(document, key, config)
    yield from inspections.problems(document, key, config)
    yield from _places(document, key, members, moved)
    yield from _connections(document, key, config, members, moved)


def _writes(
    document: Document, key: Key, config: StationConfig, declared: type[Station]
) -> Iterator[Problem]:
    """What may be written over Modbus, which has no security, must be a command at a register.

    Over OPC UA it must be a command at a node.
    """
    nodes = [one.name for one in declared.commands if isinstance(one.at, Node)]
    for one in config.opcua.writes if config.opcua is not None else ():
        if one not in nodes:
            what = f'a {config.kind} has no command "{one}" at an OPC UA node'
            hint = closest(one, nodes) or "leave writes out: everything is only read"
            yield document.problem((*key, "opcua", "writes"), what, hint)
    known = [one.name for one in declared.commands if isinstance(one.at, Register)]
    for name, modbus in config.modbus.items():
        for one in modbus.writes:
            if one not in known:
                what = f'a {config.kind} has no command "{one}" at a Modbus register'
                hint = closest(one, known) or "leave writes out: everything is only read"
                yield document.problem((*key, "modbus", name, "writes"), what, hint)


def _moved(
    document: Document,
    key: Key,
    config: StationConfig,
    declared: type[Station],
    moved: dict[str, Node | Register],
) -> Iterator[Problem]:
    """Note where one tag is kept on this machine, or yield why that cannot be."""
    name = str(key[-1])
    members: dict[str, Member] = {tag.name: tag for tag in declared.tags}
    members |= {command.name: command for command in declared.commands}
    member = members.get(name)
    if member is None:
        yield document.problem(key, f'a {config.kind} has no tag "{name}"', closest(name, members))
        return
    try:
        at = addresses.moved(member.at, getattr(member, "length", 0), config.at[name])
    except Wrong as wrong:
        yield document.problem(key, wrong.what, wrong.hint)
        return
    if type(at) is not type(member.at) and not getattr(config, CONNECTION[type(at)]):
        shown, declared_at = addresses.text_of(at), addresses.text_of(member.at)
        what = f'"{shown}" is {WORDS[type(at)]}, {name} is {WORDS[type(member.at)]}'
        hint = f'write it like "{declared_at}", or give the station {CONNECTION[type(at)]}'
        yield document.problem(key, what, hint)
        return
    try:
        type("Probe", (Station,), {name: _at(member, at)})
    except TypeError as error:
        yield document.problem(key, str(error).partition(": ")[2])
        return
    moved[name] = at


def _at(member: Member, at: Node | Register) -> Member:
    return member.moved(at) if isinstance(member, Tag) else Command(at, doc=member.doc)


def _places(
    document: Document, key: Key, members: tuple[Member, ...], moved: dict[str, Node | Register]
) -> Iterator[Problem]:
    places = {member.at: member.name for member in members if member.name not in moved}
    for name, at in moved.items():
        other = places.setdefault(at, name)
        if other != name:
            what = f"{other} is at {addresses.text_of(at)} too"
            yield document.problem(
                (*key, "at", name), what, f"say where {other} is, or move {name}"
            )


def _connections(
    document: Document,
    key: Key,
    config: StationConfig,
    members: tuple[Member, ...],
    moved: dict[str, Node | Register],
) -> Iterator[Problem]:
    """Connections that the tags need and the file does not give."""
    asked = _asked(members, moved)
    nodes = asked.pop(None, [])
    if nodes and config.opcua is None:
        what = f"is missing: {_some(nodes)} {'is' if len(nodes) == 1 else 'are'} read over OPC UA"
        hint = 'write opcua = { url = "opc.tcp://HOST:4840" }'
        if config.kind == "device":
            hint += f", or begin a Modbus address with {', '.join(addresses.TABLES)}"
        yield document.problem((*key, "opcua"), what, hint)
    unused = [name for name in config.modbus if name not in asked]
    for on, tags in asked.items():
        if on in config.modbus:
            continue
        what = f"is missing: {_some(tags)} {'is' if len(tags) == 1 else 'are'} read there"
        hint = (
            f"write [station.modbus.{on}] with url and unit"
            if on
            else 'write modbus = { url = "tcp://HOST:502", unit = 1 }'
        )
        if unused:
            hint += f"; no tag uses {' or '.join(repr(one) for one in unused)}"
        yield document.problem((*key, "modbus", str(on)), what, hint)


def _asked(
    members: tuple[Member, ...], moved: dict[str, Node | Register]
) -> dict[str | None, list[str]]:
    """The tags by the name of their Modbus connection; those at OPC UA nodes under None."""
    asked: dict[str | None, list[str]] = {}
    for member in members:
        at = moved.get(member.name, member.at)
        asked.setdefault(at.on if isinstance(at, Register) else None, []).append(member.name)
    return asked


def _some(tags: list[str]) -> str:
    shown = ", ".join(tags[:3])
    return f"{shown} and {len(tags) - 3} more" if len(tags) > 3 else shown


def odd(document: Document, key: Key, config: StationConfig) -> Iterator[Problem]:
    """Warnings of a station that is right: unused connections, an open password."""
    declaration = config.declaration
    asked = _asked((*declaration.tags, *declaration.commands), {})
    if config.opcua is not None and None not in asked:
        yield document.problem((*key, "opcua"), "no tag is read over OPC UA", "remove it")
    opcua = config.opcua
    if opcua and opcua.security == "None" and (opcua.password_file or opcua.password_env):
        what = "the server is sent a password that others on the way may read"
        hint = 'write security = "Basic256Sha256,SignAndEncrypt"'
        yield document.problem((*key, "opcua", "security"), what, hint)
    for name, modbus in config.modbus.items():
        if modbus.writes:
            what = f"{', '.join(modbus.writes)} may be written: Modbus has no security"
            hint = "this version writes nothing; leave it out until one does"
            yield document.problem((*key, "modbus", name, "writes"), what, hint)
        if name not in asked:
            shown = f'"{name}"' if name else "this connection"
            yield document.problem((*key, "modbus", name), f"no tag uses {shown}", "remove it")


def odd_media(document: Document, media: MediaConfig) -> Iterator[Problem]:
    """A warning of a media store that is right: tokens that anybody on the way can read."""
    if media.enabled and not media.is_local and not media.tls and media.tokens_file:
        what = "sends tokens and pictures that anybody on the way can read"
        yield document.problem(("media", "url"), what, 'begin it with "https://"')


def odd_broker(document: Document, broker: BrokerConfig) -> Iterator[Problem]:
    """Warnings of a broker that can be reached, and where nobody is told from another."""
    if broker.embedded:
        return
    if not broker.tls and not all(is_loopback(one.host) for one in broker.servers):
        what = "lets anybody on the way read what is sent, and speak in the name of any agent"
        hint = 'begin it with "mqtts://" (docs/how-to/secure-the-broker.md)'
        yield document.problem(("broker", "url"), what, hint)
    elif broker.tls and broker.cert_file is None and broker.username is None:
        what = "is entered without an account: who may speak for which agent cannot be told"
        hint = "give cert_file and key_file, or username and password_file"
        yield document.problem(("broker", "url"), what, hint)


def open_secrets(document: Document, places: Iterable[tuple[Key, Path]]) -> Iterator[Problem]:
    """Warnings of keys and passwords that every user of this machine can read."""
    for key, path in places:
        if for_others(path):
            what = f"{path} can be read by every user of this machine"
            yield document.problem(key, what, f"chmod 600 {path}")
