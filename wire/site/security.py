"""What a site file must not open, and what of it others could get at."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from wire.site.documents import Document
from wire.site.http import is_loopback
from wire.site.models import Site
from wire.site.positions import Key
from wire.site.problems import Problem

DOOR = 'write [http] with cert_file, key_file and token_file, or listen = "127.0.0.1"'
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def doors(document: Document, site: Site) -> Iterator[Problem]:
    """Processes that would answer other machines without TLS or without asking for a token."""
    places: list[tuple[Key, str]] = [(("historian", "listen"), site.historian.listen)]
    places += [(("agent", index, "listen"), one.listen) for index, one in enumerate(site.agents)]
    for key, address in places:
        if is_loopback(address) or (site.http.tls and site.http.guarded):
            continue
        lacks = [
            word
            for word, is_there in (("TLS", site.http.tls), ("a token", site.http.guarded))
            if not is_there
        ]
        yield document.problem(key, f"answers other machines without {' and '.join(lacks)}", DOOR)


def cells(document: Document, site: Site) -> Iterator[Problem]:
    """Machines without security of their own that stand outside of the cell network.

    Host names are not looked up here: that would ask the network.
    """
    for index, station in enumerate(site.stations):
        networks = [ipaddress.ip_network(one) for one in site.cells_of(station.agent)]
        if not networks:
            continue
        key: Key = ("station", index)
        opcua = station.opcua
        if opcua and opcua.security == "None" and outside(opcua.host, networks):
            what = "an OPC UA server without security"
            hint = 'write security = "Basic256Sha256,SignAndEncrypt", or move it into the cell'
            place = (*key, "opcua", "url")
            yield _outside(document, place, opcua.host, networks, what, hint)
        for name, modbus in station.modbus.items():
            if not modbus.serial and outside(modbus.host, networks):
                what = "a Modbus device, which has no security,"
                hint = "move it into the cell, or put a gateway with TLS before it"
                place = (*key, "modbus", name, "url")
                yield _outside(document, place, modbus.host, networks, what, hint)


def _outside(
    document: Document, key: Key, host: str, networks: list[Network], what: str, hint: str
) -> Problem:
    named = " or ".join(map(str, networks))
    return document.problem(key, f"{what} at {host} is outside of the cell network {named}", hint)


def outside(host: str, networks: list[Network]) -> bool:
    """Whether an address lies in none of the networks; the loopback, and a name, are never so."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return not address.is_loopback and not any(address in one for one in networks)
