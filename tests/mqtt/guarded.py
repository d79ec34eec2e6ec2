"""A site with an authority of its own, and a real Mosquitto that runs what Refit wrote for it.

Besides the written listener there is one that lets everybody do everything: through it the tests
see what really arrives, and say what no account may.
"""

from __future__ import annotations

import itertools
import os
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from plant import mosquitto
from refit.certs import making, wanted, work
from refit.certs.folder import pem_of
from tests.mqtt.raw import Client
from tests.servers import Mosquitto, accepts, free_port, until
from wire import topics
from wire.access import Account, accounts
from wire.site import Site, load
from wire.tls import client_context
from wire.topics import Verb

SITE = """
[site]
name = "works"
[broker]
url = "mqtts://localhost:{port}"
ca_file = "certs/ca.pem"
cert_file = "certs/{{name}}/cert.pem"
key_file = "certs/{{name}}/key.pem"
[[agent]]
name = "pc-1"
[[agent]]
name = "pc-2"
[[station]]
name = "meter-1"
kind = "device"
agent = "pc-1"
tags = "meter.csv"
modbus = {{ url = "tcp://127.0.0.1:502" }}
[[station]]
name = "meter-2"
kind = "device"
agent = "pc-2"
tags = "meter.csv"
modbus = {{ url = "tcp://127.0.0.1:503" }}
"""
METER = "name,address,type\npower,input 0 float32,float\n"
EVERYBODY = ("pc-1", "pc-2", "historian", "line-controller", "viewer")
SITES, AGENTS, STATIONS = ("works", "other"), ("pc-1", "pc-2", "pc-9"), ("meter-1", "meter-2", "x")
ODD = (
    "x", "/", "refit", "refit/works", "refit/works/record", "spBv1.0", "spBv1.0/works",
    "STATE/historian", "spBv1.0/STATE", "spBv1.0/STATE/other", "spBv1.0/STATE/historian/x",
    "spBv1.0/works/NBIRTH", "spBv1.0/works/NBIRTH/pc-1/", "spBv1.0/works/NDATA/pc-1/meter-1",
    "spBv1.0/works/DDATA/pc-1", "spBv1.0/works/DDATA/pc-1/meter-1/x", "/spBv1.0/works/NDATA/pc-1",
    "spbv1.0/works/NDATA/pc-1", "spBv1.0/works/NCMD", "spBv1.0/works/NCMD/pc-1/x",
    "spBv1.0/works/XDATA/pc-1", "refit/works/record/pc-1/x", "refit/works/recorded",
    "refit/works/command", "refit/works/command/pc-1/x", "$SYS/broker/uptime", "$SYS/x", "$x",
    "$sparkplug/certificates/spBv1.0/works/NBIRTH/pc-1", "$CONTROL/dynamic-security/v1",
)  # fmt: skip
FILTERS = (
    "#", "+", "+/+", "+/+/+", "+/+/+/+", "+/+/+/+/+", "/#", "+/#", "$SYS/#", "$SYS/broker/+",
    "$CONTROL/#", "$sparkplug/#", "spBv1.0/#", "spBv1.0/works/#", "spBv1.0/+/NCMD/#",
    "spBv1.0/+/NCMD/+", "spBv1.0/works/+/pc-2/#", "spBv1.0/STATE/#", "refit/#", "refit/works/#",
    "refit/+/command/+", "refit/+/record/+", "refit/works/recorded/#",
    "$share/thieves/#", "$share/thieves/spBv1.0/#", "$share/thieves/spBv1.0/works/+/+",
    "$share/thieves/spBv1.0/works/NCMD/pc-2", "$share/thieves/refit/works/+/+",
    "$share/thieves/$SYS/#",
)  # fmt: skip


_numbers = itertools.count()


def universe() -> list[str]:
    """Every topic that is tried: all that there are, those of others, and some that are none."""
    found = []
    for site, agent in itertools.product(SITES, AGENTS):
        for verb in Verb:
            if verb.is_of_device:
                found += [topics.device(site, verb, agent, station) for station in STATIONS]
            else:
                found.append(topics.node(site, verb, agent))
        found += [
            made(site, agent)
            for made in (topics.records, topics.recorded, topics.commands, topics.answers)
        ]
    return [topics.state("historian"), *found, *ODD]


def allows(pattern: str, topic: str) -> bool:
    """Whether a topic is one of a pattern with `+` (MQTT 3.1.1, 4.7), written here once more."""
    wanted, levels = pattern.split("/"), topic.split("/")
    return len(wanted) == len(levels) and all(
        one in ("+", level) for one, level in zip(wanted, levels, strict=True)
    )


def allowed(patterns: tuple[str, ...]) -> list[str]:
    """The topics of the universe that some patterns allow."""
    return [one for one in universe() if any(allows(pattern, one) for pattern in patterns)]


class Written(Mosquitto):
    """Mosquitto with a configuration as it was written, and one more listener for the tests."""

    def __init__(self, folder: Path, written: Path, port: int, *more: str) -> None:
        super().__init__(folder)
        self._beside = folder / "beside.conf"
        self.open, self.port = self.port, port
        root = "user root\n" if os.geteuid() == 0 else ""
        self._beside.write_text(
            "\n".join(
                [
                    f"{root}include_dir {written}",
                    *more,
                    f"listener {self.open} 127.0.0.1",
                    "allow_anonymous true\n",
                ]
            )
        )

    def configuration(self) -> Path:
        return self._beside


HOW = ((0, False), (0, True), (1, False), (1, True))  # QoS and retain
VERSIONS = (4, 5)  # of MQTT, as a CONNECT says them


def forbidden(account: Account) -> list[str]:
    """The topics on which an account may not publish."""
    may = set(allowed(account.publishes))
    return [one for one in universe() if one not in may]


def filters() -> list[str]:
    """All that every account subscribes to."""
    return [*universe(), *FILTERS]


def counted(everybody: Iterable[Account]) -> dict[str, int]:
    """How often the tests try what is forbidden, and subscribe to what is not theirs."""
    accounts = list(everybody)
    topics = sum(len(forbidden(one)) for one in accounts)
    return {
        "publish": topics * len(HOW) * len(VERSIONS),
        "Last Will": topics,
        "subscribe": len(accounts) * len(filters()) * len(VERSIONS),
    }


@dataclass(frozen=True)
class Guarded:
    """The site, its authority's folder, and the broker; `open` is the port for everybody."""

    folder: Path
    site: Site
    port: int
    open: int
    broker: Written

    @property
    def certs(self) -> Path:
        """The folder of the authority."""
        return self.folder / "certs"

    @cached_property
    def accounts(self) -> dict[str, Account]:
        """The accounts of the site by name."""
        return {one.name: one for one in accounts(self.site)}

    def context(self, name: str) -> ssl.SSLContext:
        """TLS with the certificate of a name."""
        own = self.certs / name
        return client_context(self.certs / "ca.pem", own / "cert.pem", own / "key.pem")

    def join(self, name: str, **how: object) -> Client:
        """Come in with the certificate of a name."""
        return Client(self.port, f"id of {name}", self.context(name), **how)  # type: ignore[arg-type]

    def judge(self, *filters: str) -> Client:
        """Somebody who hears everything, for the tests alone."""
        client = Client(self.open, f"judge {next(_numbers)}")
        if filters:
            client.subscribe(filters)
        return client


def prepare(folder: Path) -> tuple[Site, Path]:
    """A site with certificates for everybody and a written configuration; and where that is."""
    (folder / "meter.csv").write_text(METER)
    (folder / "site.toml").write_text(SITE.format(port=free_port()))
    site = load(folder / "site.toml")
    certs, written = folder / "certs", folder / "broker"
    work.begin(certs, site.name, [], 365)
    known = wanted.everybody(site)
    work.issue(certs, list(known.values()), 30, lambda done, of: None, skip=False)
    write(site, written, certs)
    return site, written


def write(site: Site, to: Path, certs: Path, *, by_password: bool = False) -> None:
    """What `refit broker-config` writes."""
    places = mosquitto.Places(PurePosixPath(to), PurePosixPath(certs), "127.0.0.1", by_password)
    to.mkdir(exist_ok=True)
    for name, text in mosquitto.files(site, accounts(site), places).items():
        (to / name).write_text(text)


@contextmanager
def running(folder: Path) -> Iterator[Guarded]:
    """The site and its broker."""
    site, written = prepare(folder)
    with Written(folder, written, site.broker.port) as broker:
        until(lambda: accepts(broker.open), "it listens at the test's own port", 60)
        yield Guarded(folder, site, broker.port, broker.open, broker)


def context(ca: Path, own: Path | None = None) -> ssl.SSLContext:
    """TLS that verifies the broker and shows a certificate, without any check of our own."""
    found = ssl.create_default_context(cafile=ca)
    if own is not None:
        found.load_cert_chain(own / "cert.pem", own / "key.pem")
    return found


def keep(to: Path, key: making.Key, signed: making.x509.Certificate) -> Path:
    to.mkdir(exist_ok=True)
    (to / "cert.pem").write_bytes(signed.public_bytes(making.serialization.Encoding.PEM))
    (to / "key.pem").write_bytes(pem_of(key))
    return to
