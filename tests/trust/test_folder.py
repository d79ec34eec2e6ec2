"""The trust list of an agent, and the certificate that it makes for itself."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.trust import certificates, folder, own
from edge.trust.folder import TrustError, TrustList
from tests.sources.keys import Signer, made

URL = "opc.tcp://plc-7:4840"


@pytest.fixture(name="plc", scope="module")
def _plc() -> Signer:
    return made("PLC 7/../x", uri="urn:plc")


def test_first_rejected_then_accepted_then_removed(tmp_path: Path, plc: Signer) -> None:
    trust = TrustList(tmp_path / "pki")
    assert (trust.trusted(), trust.rejected()) == ([], [])
    before = trust.stamp()
    trust.reject(plc[0], URL, "not trusted")
    trust.reject(plc[0], URL, "not trusted")
    assert trust.stamp() == before  # nobody waits for what a stranger can bring about
    [entry] = trust.rejected()
    assert entry.seen == {URL: "not trusted"} and entry.facts.application_uri == "urn:plc"
    assert entry.path.name == f"PLC 7_.._x [{entry.facts.sha1}].der"
    accepted = trust.accept(certificates.grouped(entry.facts.sha256)[:30].lower())
    assert accepted.path.parent == tmp_path / "pki" / "trusted" / "certs"
    assert trust.stamp() != before
    assert (len(trust.trusted()), trust.rejected()) == (1, [])
    assert trust.remove(entry.facts.sha1).certificate == plc[0]
    assert (trust.trusted(), trust.rejected()) == ([], [])


def test_what_is_asked_for_must_be_there_and_one(tmp_path: Path, plc: Signer) -> None:
    trust = TrustList(tmp_path)
    for wrong in ("", "ABC", "x" * 12, "../../etc", "A" * 65):
        with pytest.raises(TrustError, match="no fingerprint"):
            trust.accept(wrong)
    with pytest.raises(TrustError, match="no certificate that is rejected"):
        trust.accept("ABCDEF12")
    trust.add(plc[0])
    with pytest.raises(TrustError, match="rejected"):
        trust.accept(certificates.fingerprint(plc[0]))


def test_strangers_cannot_fill_the_disk(
    tmp_path: Path, plc: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "REJECTED_MAX", 3)
    monkeypatch.setattr(folder, "SEEN_MAX", 5)
    trust = TrustList(tmp_path)
    for number in range(10):
        trust.reject(plc[0], f"{URL}/{number}", "why")
        (tmp_path / "rejected" / "certs" / f"{number}.der").write_bytes(b"old")
        os.utime(tmp_path / "rejected" / "certs" / f"{number}.der", (number, number))
    trust.reject(plc[0], URL, "why")
    assert len(list((tmp_path / "rejected" / "certs").iterdir())) == 3
    assert [one.certificate for one in trust.rejected()] == [plc[0]]
    assert len(trust.rejected()[0].seen) == 5


def test_our_own_certificate_is_made_once_and_its_key_is_ours_alone(tmp_path: Path) -> None:
    place = tmp_path / "pc 1.pki"
    umask = os.umask(0)
    try:
        with ThreadPoolExecutor(4) as pool:
            made_files = list(pool.map(own.ensure, [place] * 4))
    finally:
        os.umask(umask)
    assert len(set(made_files)) == 1
    mine = made_files[0]
    assert stat.S_IMODE(mine.key.stat().st_mode) == 0o600
    assert stat.S_IMODE(mine.key.parent.stat().st_mode) == 0o700
    facts = certificates.facts(certificates.load(mine.certificate))
    assert facts.application_uri == own.application_uri(place)
    assert facts.application_uri.endswith(":refit:pc-1")
    first = mine.certificate.read_bytes()
    assert own.ensure(place) == mine and mine.certificate.read_bytes() == first


def test_a_chain_is_read_and_what_is_none_is_told(plc: Signer) -> None:
    one = certificates.der(plc[0])
    assert certificates.chain(one + one) == [plc[0], plc[0]]
    for wrong in (b"", b"0", one[:-1], one + b"\0", one * 9, b"\x30\x84\xff\xff\xff\xff"):
        with pytest.raises(ValueError):
            certificates.chain(wrong)


@given(st.binary(max_size=200))
def test_garbage_is_no_chain_and_no_fault(data: bytes) -> None:
    with pytest.raises(certificates.UNREADABLE):
        certificates.chain(data)
