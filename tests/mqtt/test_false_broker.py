"""A broker that is not the site's: agents do not tell it anything."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from refit.certs import making, work
from refit.certs.folder import Folder
from refit.certs.making import Use, Whom
from tests.mqtt.guarded import Guarded, context, keep
from tests.mqtt.raw import Client, Refused

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


@pytest.mark.parametrize("host", ["127.0.0.2", "broker.example", "pc-1"])
def test_a_broker_with_another_name_is_refused(guarded: Guarded, host: str) -> None:
    with pytest.raises(Refused, match="certificate"):
        Client(guarded.port, "x", guarded.context("pc-1"), host=host)


def test_a_broker_of_another_authority_is_refused(guarded: Guarded, tmp_path: Path) -> None:
    work.begin(tmp_path / "certs", "works", [], 30)
    own = guarded.certs / "pc-1"
    with pytest.raises(Refused, match="certificate"):
        Client(guarded.port, "x", context(tmp_path / "certs" / "ca.pem", own))


@pytest.mark.parametrize("name", ["pc-1", "foreign"])
def test_who_is_no_broker_cannot_play_one(guarded: Guarded, tmp_path: Path, name: str) -> None:
    """With the key of an agent, or with a name for which the authority may not vouch at all."""
    own = guarded.certs / name
    if name == "foreign":
        key, by = making.new_key(), Folder(guarded.certs).authority()
        wide = making.authority("works", ["bank.example"], 30, making.now())
        by = making.Authority(by.key, renamed(wide, by))
        whom = Whom("broker", Use.SERVER, ("www.bank.example",))
        own = keep(
            tmp_path / "own", key,
            making.certificate(by, whom, key.public_key(), 30, making.now()),
        )  # fmt: skip
    host = "www.bank.example" if name == "foreign" else "localhost"
    assert shakes_hands(guarded, own, host) is False
    assert shakes_hands(guarded, guarded.certs / "broker", "localhost")


def renamed(wide: making.Authority, by: making.Authority) -> making.x509.Certificate:
    """What a thief of the authority's key believes the authority to be."""
    assert wide.certificate.subject == by.certificate.subject
    key = by.certificate.public_key()
    builder = making.x509.CertificateBuilder(
        wide.certificate.issuer, wide.certificate.subject, key,  # type: ignore[arg-type]
        wide.certificate.serial_number, making.now(), wide.certificate.not_valid_after_utc,
        list(wide.certificate.extensions),
    )  # fmt: skip
    return builder.sign(by.key, making.hashes.SHA256())


def shakes_hands(guarded: Guarded, own: Path, host: str) -> bool:
    """Whether a client of the site takes a server with these files for a host."""
    ours, theirs = (ssl.MemoryBIO(), ssl.MemoryBIO())
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(own / "cert.pem", own / "key.pem")
    client = guarded.context("pc-2").wrap_bio(ours, theirs, server_hostname=host)
    other = server.wrap_bio(theirs, ours, server_side=True)
    for _ in range(10):
        for side in (client, other):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError:
                return False
            if side is client:
                return True
    raise AssertionError("the handshake does not end")
