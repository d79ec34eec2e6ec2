"""Which certificates are believed: one of each that is not, and why."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from edge.trust import certificates
from edge.trust.folder import TrustList
from edge.trust.verify import Distrusted, verify
from tests.sources.keys import Signer, made

NOW = dt.datetime.now(dt.UTC)
URL = "opc.tcp://plc-7:4840"


def _verify(trust: TrustList, *chain: Signer, url: str = URL, host: str | None = None) -> None:
    verify([one[0] for one in chain], trust, NOW, url=url, host=host, application_uri="urn:plc")


def _plc(**changes: object) -> Signer:
    return made("plc", **{"hosts": ("plc-7", "10.0.0.7"), **changes})  # type: ignore[arg-type]


@pytest.fixture(name="trust")
def _trust(tmp_path: Path) -> TrustList:
    return TrustList(tmp_path / "pki")


@pytest.fixture(name="authority", scope="module")
def _authority() -> Signer:
    return made("authority", is_authority=True)


def test_who_is_in_the_list_is_believed_and_nobody_else(trust: TrustList) -> None:
    plc, other = _plc(), _plc()
    with pytest.raises(Distrusted, match="not trusted") as raised:
        _verify(trust, plc)
    assert raised.value.may_accept
    trust.add(plc[0])
    _verify(trust, plc)
    _verify(trust, plc, url="opc.tcp://10.0.0.7:4840")
    _verify(trust, plc, url="opc.tcp://PLC-7")
    with pytest.raises(Distrusted, match="has changed") as raised:
        _verify(trust, other)
    assert raised.value.may_accept


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"days": -0.5}, "expired"),
        ({"since": 0.5}, "look at both clocks"),
        ({"uri": "urn:other"}, "calls itself urn:plc, its certificate is of urn:other"),
        ({"hosts": ("plc-8",)}, "for plc-8, not for plc-7"),
        ({"hosts": ()}, "for no host"),
        ({"bits": 1024}, "1024 bits"),
        ({"use": (x509.ExtendedKeyUsageOID.CLIENT_AUTH,)}, "not one of a server"),
    ],
)
def test_a_trusted_certificate_must_still_be_right(
    trust: TrustList, changes: dict[str, object], why: str
) -> None:
    plc = _plc(**changes)
    trust.add(plc[0])
    with pytest.raises(Distrusted, match=why) as raised:
        _verify(trust, plc)
    assert not raised.value.may_accept


def test_a_host_of_another_name_is_said_in_the_site_file(trust: TrustList) -> None:
    plc = _plc()
    trust.add(plc[0])
    _verify(trust, plc, url="opc.tcp://10.9.9.9:4840", host="PLC-7")
    _verify(trust, plc, url="opc.tcp://10.9.9.9:4840", host="*")
    with pytest.raises(Distrusted):
        _verify(trust, plc, url="opc.tcp://10.9.9.9:4840", host="plc-8")
    with pytest.raises(Distrusted):
        _verify(trust, plc, url="opc.tcp://127.0.0.1:4840")  # plc-7 is not this machine


def test_an_authority_vouches_for_its_servers(trust: TrustList, authority: Signer) -> None:
    plc = _plc(by=authority)
    with pytest.raises(Distrusted, match="not trusted"):
        _verify(trust, plc, authority)
    trust.add(authority[0])
    _verify(trust, plc)
    _verify(trust, plc, authority)
    with pytest.raises(Distrusted, match="not trusted"):
        _verify(trust, _plc(by=made("authority", is_authority=True)))  # of the same name only


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"bits": 1024}, "its authority's key has 1024 bits"),
        ({"digest": hashes.SHA224()}, "SHA224"),
    ],
)
def test_a_weak_authority_vouches_for_nobody(
    trust: TrustList, authority: Signer, changes: dict[str, object], why: str
) -> None:
    weak = made("weak", is_authority=True, by=authority, **changes)  # type: ignore[arg-type]
    plc = _plc(by=weak)
    trust.add(authority[0])
    with pytest.raises(Distrusted, match=why):
        _verify(trust, plc, weak)
    trust.add(plc[0])
    _verify(trust, plc, weak)  # in the list itself: nobody has to vouch for it


def test_a_signature_with_an_old_hash_is_not_believed(trust: TrustList) -> None:
    plc = _plc(digest=hashes.SHA224())
    trust.add(plc[0])
    with pytest.raises(Distrusted, match="signed with SHA224"):
        _verify(trust, plc)


def test_an_issuer_alone_is_not_believed(trust: TrustList, authority: Signer) -> None:
    between = made("between", is_authority=True, by=authority)
    plc = _plc(by=between)
    folder = trust.folder / "issuers" / "certs"
    folder.mkdir(parents=True)
    (folder / "between.der").write_bytes(certificates.der(between[0]))
    with pytest.raises(Distrusted, match="not trusted"):
        _verify(trust, plc)
    trust.add(authority[0])
    _verify(trust, plc)


def test_a_trusted_server_is_no_authority(trust: TrustList) -> None:
    server = made("server", hosts=("plc-7",))
    trust.add(server[0])
    with pytest.raises(Distrusted, match="not trusted"):
        _verify(trust, _plc(by=server))


def test_what_is_revoked_is_not_believed(trust: TrustList, authority: Signer) -> None:
    plc = _plc(by=authority)
    trust.add(authority[0])
    _revoke(trust, plc[0], by=made("authority", is_authority=True))  # somebody of the same name
    _verify(trust, plc)
    _revoke(trust, plc[0], by=authority)
    with pytest.raises(Distrusted, match="revoked"):
        _verify(trust, plc)
    trust.add(plc[0])
    with pytest.raises(Distrusted, match="revoked"):
        _verify(trust, plc)


def _revoke(trust: TrustList, certificate: x509.Certificate, by: Signer) -> None:
    entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number)
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(by[0].subject)
        .last_update(NOW)
        .next_update(NOW + dt.timedelta(days=1))
        .add_revoked_certificate(entry.revocation_date(NOW).build())
        .sign(by[1], hashes.SHA256())
    )
    folder = trust.folder / "trusted" / "crl"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "authority.crl").write_bytes(crl.public_bytes(Encoding.DER))
