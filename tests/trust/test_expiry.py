"""What secured OPC UA connections rest on ends one day: it is said before, and where."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from edge.sources.fault import MachineFault
from edge.sources.opcua_security import secure
from edge.trust import expiry, own
from edge.trust.folder import TrustList
from refit.doctor import opcua_trust
from refit.doctor.verdicts import Level
from tests.sources.keys import made, written
from wire.site import OpcuaConfig, StationConfig
from wire.site.connections import Pki

NOW = dt.datetime.now(dt.UTC)
NOW_MS = int(NOW.timestamp() * 1000)
DAY_MS = 86_400_000


def station(folder: Path, **changes: object) -> StationConfig:
    said = {"url": "opc.tcp://plc-7", "security": "Basic256Sha256,SignAndEncrypt", **changes}
    config = OpcuaConfig.model_validate(said).keep_in(Pki(folder, "--pki x"))
    made = StationConfig(name="press", kind="studio", agent="pc-1")
    return made.model_copy(update={"opcua": config})


def listed(folder: Path, days: float) -> Path:
    """The revocation list of an authority, good for so many days."""
    authority = made("authority", is_authority=True)
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority[0].subject)
        .last_update(NOW - dt.timedelta(days=30))
        .next_update(NOW + dt.timedelta(days=days))
        .sign(authority[1], hashes.SHA256())
    )
    path = folder / "trusted" / "crl" / "authority.crl"
    path.parent.mkdir(parents=True)
    path.write_bytes(crl.public_bytes(Encoding.DER))
    return path


def test_each_that_ends_is_named_and_the_first_one_counted(tmp_path: Path) -> None:
    own.ensure(tmp_path)
    listed(tmp_path, days=3)
    one = station(tmp_path)
    found = expiry.terms([one, one], NOW_MS)
    assert [term.what for term in found] == ["the own OPC UA certificate", expiry.LIST]
    assert [term.trouble for term in found] == [
        "", "the revocation list authority.crl ends in 3 days: get the next one from the authority"
    ]  # fmt: skip
    assert expiry.least(found) == pytest.approx(3 * 86_400, abs=5)
    (mine, crl) = expiry.terms([one], NOW_MS + 3651 * DAY_MS)
    assert "refit.der has ended: remove it and its key" in mine.trouble
    assert "authority.crl has ended" in crl.trouble


def test_a_certificate_of_the_site_file_counts_and_a_user_too(tmp_path: Path) -> None:
    key, certificate = written(tmp_path, "app", made("app", days=2))
    user_key, user = written(tmp_path, "user", made("user", days=1))
    found = expiry.terms(
        [
            station(tmp_path, cert_file=certificate, key_file=key),
            station(tmp_path, security="None", user_cert_file=user, user_key_file=user_key),
        ],
        NOW_MS,
    )
    assert [(term.path, round(term.left_s / 86_400)) for term in found] == [
        (certificate, 2), (user, 1),
    ]  # fmt: skip


def test_without_security_nothing_ends(tmp_path: Path) -> None:
    own.ensure(tmp_path)
    listed(tmp_path, days=-1)
    assert expiry.terms([station(tmp_path, security="None")], NOW_MS) == []
    assert expiry.least([]) is None


def test_the_doctor_says_what_ends_and_what_is_weak(tmp_path: Path) -> None:
    key, certificate = written(tmp_path, "app", made("app", bits=1024))
    crl = listed(tmp_path, days=-1)
    TrustList(tmp_path).add(made("old", digest=hashes.SHA224())[0])
    one = station(tmp_path, cert_file=certificate, key_file=key)
    found = list(opcua_trust.examine([one], {certificate}))
    told = {(finding.level, finding.what): finding.found for finding in found}
    assert told.keys() == {(Level.FAIL, "revocation list"), (Level.FAIL, "OPC UA certificate")}
    assert told[Level.FAIL, "revocation list"] == f"{crl} has ended"
    weak = [finding.found for finding in found if finding.what == "OPC UA certificate"]
    assert [line.partition(": ")[2] for line in weak] == [
        "our own key has 1024 bits, not 2048 to 4096",
        "the trusted certificate is signed with SHA224: a new one is needed",
    ]


async def test_with_a_weak_certificate_of_our_own_nothing_is_begun(tmp_path: Path) -> None:
    from asyncua import Client

    key, certificate = written(tmp_path, "app", made("app", bits=1024))
    config = station(tmp_path, cert_file=certificate, key_file=key).opcua
    assert config is not None
    with pytest.raises(MachineFault, match="our own key has 1024 bits, not 2048 to 4096"):
        await secure(Client("opc.tcp://127.0.0.1:1"), config)
