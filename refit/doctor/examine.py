"""Everything that the doctor looks at, in the order in which a person would."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

import psutil

from refit.doctor import logins, probes, verdicts
from refit.doctor.verdicts import Finding, Level
from wire.site import BrokerConfig, Site, StationConfig
from wire.tls import TlsError, client_context

PORTS = {
    "mqtt": 1883, "mqtts": 8883, "influxdb": 8086, "influxdbs": 8086, "postgresql": 5432,
    "http": 80, "https": 443, "opc.tcp": 4840, "tcp": 502,
}  # fmt: skip
HTTP = {"influxdb": "http"}
HTTP_DATE_MS = 500.0  # the header has whole seconds
SECRETS = ("password_file", "token_file", "tokens_file", "key_file", "user_key_file")
CERTIFICATES = ("ca_file", "cert_file", "user_cert_file")


@dataclass(frozen=True, slots=True)
class Peer:
    """Somebody to be reached over TCP."""

    what: str
    host: str
    port: int
    scheme: str


def machine() -> Iterator[Finding]:
    """This machine, without any site."""
    yield verdicts.python(sys.version_info[:3])
    yield from verdicts.packages(probes.required(), probes.installed())
    yield verdicts.memory(psutil.virtual_memory().total)
    yield verdicts.synchronised(*probes.clock())


def site(found: Site, agent: str | None) -> Iterator[Finding]:
    """What a site file names, as far as it concerns this machine: all of it, or one agent."""
    for name, folder in _folders(found, agent):
        yield from verdicts.folder(
            name, str(folder), writable=probes.writable(folder), kind=probes.file_system(folder),
            free=probes.free(folder), sync_ms=probes.sync_ms(folder),
        )  # fmt: skip
    yield from _ports(found, agent)
    yield from _files(found, agent)
    yield from _serial(found, agent)
    peers, well = list(_peers(found, agent)), set()
    with ThreadPoolExecutor(16) as pool:
        for peer, (problem, ms) in zip(
            peers, pool.map(lambda one: probes.connect(one.host, one.port), peers), strict=True
        ):
            yield verdicts.reached(peer.what, f"{peer.host}:{peer.port}", problem, ms)
            if not problem:
                well.add(peer.what)
            if not problem and peer.scheme in HTTP:
                told = list(_http_clock(peer))
                yield from told
                well.update(f"{peer.what}: HTTP" for _ in told)
    for what, broker in _brokers(found):
        if what in well and broker.tls:
            yield _broker_tls(what, broker, agent or found.historian.name)
    if "store: HTTP" in well:
        yield from logins.store(found)
    if "ledger" in well:
        yield from logins.ledger(found)
    yield from _opcua_clocks(found, well)


def _brokers(found: Site) -> list[tuple[str, BrokerConfig]]:
    """Every MQTT server, by what it is called here."""
    servers = found.broker.servers
    if len(servers) == 1:
        return [("broker", found.broker)]
    return [(f"broker {one.host}:{one.port}", one) for one in servers]


def _broker_tls(what: str, server: BrokerConfig, name: str) -> Finding:
    """TLS alone: a whole session would push out the one who runs under this account."""
    broker = server.of(name)
    try:
        context = client_context(broker.ca_file, broker.cert_file, broker.key_file)
        problem = probes.tls(broker.host, broker.port, context)
    except (TlsError, OSError) as error:
        problem = str(error)
    return verdicts.secured(what, name, problem)


def _folders(found: Site, agent: str | None) -> Iterator[tuple[str, Path]]:
    yield "outbox", found.outbox.folder
    if agent is None:
        for name, url in (("store", found.store.url), ("ledger", found.ledger.url)):
            if url.startswith("sqlite:"):
                yield name, Path(url.partition(":")[2]).parent
        if found.media.embedded:
            yield "media store", found.media.folder


def _ports(found: Site, agent: str | None) -> Iterator[Finding]:
    if agent is None:
        yield _port("port of the historian", found.historian.http)
        if found.broker.embedded:
            yield _port("port of the embedded broker", found.broker.port)
        if found.media.embedded:
            yield _port("port of the embedded media store", found.media.port)
    for one in found.agents:
        if agent in (None, one.name):
            yield _port(f"port of agent {one.name}", one.http)


def _port(what: str, number: int) -> Finding:
    return verdicts.port(what, number, probes.listener(number) if number else None)


def _files(found: Site, agent: str | None) -> Iterator[Finding]:
    """Secrets and certificates, each once however often it is named."""
    broker = found.broker.of(agent or found.historian.name)
    parts = (
        found.model_copy(update={"broker": broker})
        if agent is None
        else (broker, found.http, found.agent(agent), found.stations_of(agent))
    )
    named = {
        (key, value)
        for key, value in probes.leaves(parts)
        if isinstance(value, Path) and key in SECRETS + CERTIFICATES
    }
    if agent is not None:  # of the media store an agent has only what it comes in with
        own = [("token_file", found.media.token_file), ("ca_file", found.media.ca_file)]
        named |= {(key, path) for key, path in own if path is not None}
    stations = found.stations if agent is None else found.stations_of(agent)
    if any(one.opcua is not None for one in stations):
        from refit.doctor import opcua_trust  # a library that takes a while to load

        yield from opcua_trust.examine(stations, {path for _, path in named})
    for key, path in sorted(named):
        if key in SECRETS:
            yield verdicts.secret(str(path), probes.mode(path))
            continue
        try:
            days = probes.days_left(path)
        except (OSError, ValueError) as error:
            yield Finding(Level.FAIL, "certificate", f"{path}: {error}", "is it a PEM or DER file?")
            continue
        # Of the authorities that are trusted one that is valid is enough; a chain needs all.
        left = max if key == "ca_file" else min
        yield verdicts.certificate(str(path), left(days, default=-1.0))


def _serial(found: Site, agent: str | None) -> Iterator[Finding]:
    devices = {
        modbus.device
        for station in found.stations
        if agent in (None, station.agent)
        for modbus in station.modbus.values()
        if modbus.serial
    }
    for device in sorted(devices):
        exists, usable = probes.serial(device)
        yield verdicts.serial(device, exists=exists, usable=usable)


def _peers(found: Site, agent: str | None) -> Iterator[Peer]:
    if not found.broker.embedded:
        yield from (_peer(what, one.url) for what, one in _brokers(found))
    if found.media.url is not None and not found.media.embedded:
        yield _peer("media store", found.media.url)
    if agent is None:
        for what, url in (("store", found.store.url), ("ledger", found.ledger.url)):
            if not url.startswith("sqlite:"):
                yield _peer(what, url)
    for station in found.stations:
        if agent in (None, station.agent):
            if station.opcua is not None:
                yield _peer(_opcua_of(station), station.opcua.url)
            for name, modbus in station.modbus.items():
                if not modbus.serial:
                    yield _peer(f"{station.name}, Modbus {name}".rstrip(), modbus.url)


def _peer(what: str, url: str) -> Peer:
    parts = urlsplit(url)
    return Peer(what, parts.hostname or "", parts.port or PORTS[parts.scheme], parts.scheme)


def _opcua_clocks(found: Site, well: set[str]) -> Iterator[Finding]:
    """The clocks of the OPC UA servers that can be reached: samples get their times."""
    servers = {
        what: station.opcua
        for station in found.stations
        if station.opcua is not None and (what := _opcua_of(station)) in well
    }
    if servers:
        from refit.doctor import opcua_clock  # a library that takes a while to load

        for what, one in opcua_clock.read(servers).items():
            yield (
                verdicts.no_clock_of(what, one.problem) if one.problem
                else verdicts.clock_of(what, one.ahead_ms, one.uncertain_ms)
            )  # fmt: skip


def _opcua_of(station: StationConfig) -> str:
    return f"{station.name}, OPC UA"


def _http_clock(peer: Peer) -> Iterator[Finding]:
    """The clock of an HTTP server, by the Date of an answer: to half a second and the way."""
    before = time.time()
    host = f"[{peer.host}]" if ":" in peer.host else peer.host
    opener = build_opener(ProxyHandler({}))  # a proxy would tell its own time
    try:
        with opener.open(f"{HTTP[peer.scheme]}://{host}:{peer.port}/ping", timeout=3) as answer:
            date = answer.headers["Date"]
    except HTTPError as error:
        date = error.headers["Date"]
    except (OSError, HTTPException):
        return  # it listens, but speaks no HTTP now: its own client says so better
    after = time.time()
    if date:
        theirs_ms = 1000 * parsedate_to_datetime(date).timestamp() + HTTP_DATE_MS
        way_ms = 500 * (after - before)
        ahead_ms = theirs_ms - 500 * (before + after)
        yield verdicts.clock_of(peer.what, ahead_ms, HTTP_DATE_MS + way_ms)
