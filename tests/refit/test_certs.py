"""The site's own authority: what it makes, what it refuses, and that no crash leaves half of it."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from click.testing import Result
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from typer.testing import CliRunner

from refit.certs import making, work
from refit.certs.folder import Folder
from refit.certs.making import CertError, Use, Whom
from refit.main import app

SITE = """
[site]
name = "works"
[broker]
url = "mqtts://broker.plant.example:8883"
viewers = ["board"]
[[agent]]
name = "pc-1"
[[station]]
name = "meter-1"
kind = "device"
agent = "pc-1"
tags = "meter.csv"
modbus = { url = "tcp://127.0.0.1:502" }
"""


def refit(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["certs", *map(str, words)], catch_exceptions=False)


def good(*words: str | Path) -> str:
    result = refit(*words)
    assert result.exit_code == 0, result.output
    return str(result.output)


def refused(*words: str | Path) -> str:
    result = refit(*words)
    assert result.exit_code == 2, result.output
    return str(result.output)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a site file, as the working folder."""
    (tmp_path / "meter.csv").write_text("name,address,type\npower,input 0 float32,float\n")
    (tmp_path / "site.toml").write_text(SITE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def certs(site: Path) -> Path:
    """An authority with a certificate for everybody who runs."""
    good("init", "--site", "site.toml")
    good("issue", "--site", "site.toml")
    return site / "certs"


def of(certs: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((certs / name / "cert.pem").read_bytes())


def test_who_runs_on_a_site_gets_what_he_needs_and_nobody_else(certs: Path) -> None:
    rows = orjson.loads(good("list", "--json"))
    assert {row["name"]: row["use"] for row in rows} == {
        "broker": "server", "historian": "both", "pc-1": "client",
    }  # fmt: skip
    assert making.whom_of(of(certs, "broker")).hosts == (
        "broker.plant.example", "localhost", "127.0.0.1",
    )  # fmt: skip
    assert isinstance(of(certs, "pc-1").public_key(), ec.EllipticCurvePublicKey)
    assert "is made" not in good("issue", "--site", "site.toml")
    assert "board/cert.pem" in good("issue", "board", "--site", "site.toml")
    assert 'no "pc-2": did you mean pc-1' in refused("issue", "pc-2", "--site", "site.toml")


def test_the_authority_can_vouch_for_the_site_alone(certs: Path) -> None:
    ca = Folder(certs).ca()
    limits = ca.extensions.get_extension_for_class(x509.NameConstraints)
    assert limits.critical and x509.DNSName("plant.example") in (
        limits.value.permitted_subtrees or ()
    )
    basic = ca.extensions.get_extension_for_class(x509.BasicConstraints).value
    usage = ca.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (basic.ca, basic.path_length) == (True, 0)
    assert usage.key_cert_sign and usage.crl_sign and not usage.digital_signature
    assert "init --permit" in refused("issue", "web", "--host", "www.bank.example")
    assert "init --permit" in refused("issue", "web", "--host", "8.8.8.8")
    good("issue", "web", "--host", "store.plant.example", "--host", "192.168.7.7")


def test_keys_are_for_their_owner_alone(certs: Path) -> None:
    keys = [certs / "authority.key.pem", *certs.glob("*/key.pem")]
    assert len({key.resolve() for key in keys}) == 4
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}
    assert stat.S_IMODE(certs.stat().st_mode) == 0o700
    (certs / "authority.key.pem").chmod(0o644)
    assert "can be read by others" in refused("issue", "x")


def test_no_key_is_written_over(certs: Path) -> None:
    before = {path: path.read_bytes() for path in certs.rglob("key.pem")}
    assert "is there already" in refused("init")
    assert "refit certs renew pc-1" in refused("issue", "pc-1")
    good("renew", "pc-1")
    assert {path: path.read_bytes() for path in before if path.exists()} | before == before
    assert (certs / "pc-1/key.pem").read_bytes() in before.values()
    good("renew", "pc-1", "--new-key")
    assert (certs / "pc-1/key.pem").read_bytes() not in before.values()


def test_a_renewal_says_again_what_the_old_one_said(certs: Path) -> None:
    good("issue", "plc", "--opcua", "urn:works:plc", "--host", "10.0.0.3")
    for name in ("broker", "historian", "pc-1", "plc"):
        old = of(certs, name)
        good("renew", name)
        new = of(certs, name)
        assert making.whom_of(new) == making.whom_of(old)
        assert new.public_key() == old.public_key()
        assert new.serial_number != old.serial_number
    assert isinstance(of(certs, "plc").public_key(), rsa.RSAPublicKey)
    assert (certs / "plc/cert.der").read_bytes() == of(certs, "plc").public_bytes(
        making.serialization.Encoding.DER
    )


def test_what_ends_soon_is_said_and_renewed(certs: Path) -> None:
    good("renew", "pc-1", "--days", "20")
    result = refit("list")
    assert result.exit_code == 1
    assert re.search(r"pc-1: ends in (19|20) days: refit certs renew pc-1", result.output)
    assert "pc-1/cert.pem is made anew" in good("renew")
    good("list")
    assert "none ends within 30 days" in good("renew")


def test_what_is_revoked_stays_so_and_is_replaced_by_a_new_key(certs: Path) -> None:
    good("renew", "pc-1")
    old = {row["serial"] for row in orjson.loads(good("list", "--json")) if row["name"] == "pc-1"}
    key = (certs / "pc-1/key.pem").read_bytes()
    assert good("revoke", "pc-1").count("is revoked") == 2
    good("revoke", f"{of(certs, 'historian').serial_number:x}")
    assert 'nothing was ever issued to "pc-7"; known are' in refused("revoke", "pc-7")
    crl = Folder(certs).crl()
    assert {f"{one.serial_number:040x}" for one in crl} > old and len(crl) == 3
    assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 3
    assert crl.is_signature_valid(Folder(certs).ca().public_key())  # type: ignore[arg-type]
    assert "--new-key" in refused("renew", "pc-1")
    good("issue", "pc-1", "--site", "site.toml")
    assert (certs / "pc-1/key.pem").read_bytes() != key
    revoked = {row["serial"] for row in orjson.loads(good("list", "--json")) if row["revoked"]}
    assert revoked >= old and f"{of(certs, 'pc-1').serial_number:040x}" not in revoked


def test_a_key_never_leaves_the_machine_that_asks(certs: Path, site: Path) -> None:
    there = site / "station-pc"
    asked = good("request", "pc-9", "--folder", there)
    assert sorted(one.name for one in (there / "pc-9").iterdir()) == ["key.pem", "request.pem"]
    request, signed = there / "pc-9/request.pem", site / "pc-9.pem"
    told = good("sign", "pc-9", request, "--to", signed)
    assert asked.split("fingerprint ")[1].strip() in told
    assert not (certs / "pc-9/key.pem").exists()
    assert (certs / "pc-9/cert.pem").exists()
    assert "pc-9/cert.pem and key.pem are in use" in good(
        "take", "pc-9", signed, "--folder", there, "--ca", certs / "ca.pem"
    )
    assert "its key is elsewhere" in refit("renew", "pc-9").output
    first = (there / "pc-9/key.pem").read_bytes()
    good("request", "pc-9", "--folder", there, "--new-key")
    assert (there / "pc-9/key.pem").read_bytes() == first, "in use until the certificate comes"
    good("sign", "pc-9", there / ".pc-9.next/request.pem", "--to", signed)
    good("take", "pc-9", signed, "--folder", there)
    assert (there / "pc-9/key.pem").read_bytes() != first
    assert whole(there) == {"pc-9"}
    assert "no authority" in refused("issue", "pc-9", "--folder", there)


def test_what_is_not_right_is_not_signed_and_not_taken(certs: Path, site: Path) -> None:
    there, signed = site / "station-pc", site / "signed.pem"
    good("request", "pc-9", "--folder", there)
    request = there / "pc-9/request.pem"
    assert 'asks in the name of "pc-9"' in refused("sign", "historian", request)
    bad = site / "bad.pem"
    bad.write_bytes(request.read_bytes().replace(b"M", b"N", 1))
    refused("sign", "pc-9", bad)
    assert "OPC UA needs an RSA key" in refused("sign", "pc-9", request, "--opcua", "urn:x")
    assert "no request" in refused("sign", "pc-9", certs / "ca.pem")
    good("sign", "pc-9", request, "--to", signed)
    assert 'is for "pc-9"' in refused("take", "pc-8", signed, "--folder", there)
    good("request", "pc-9", "--folder", site / "another")
    assert "belongs to no key of pc-9" in refused(
        "take", "pc-9", signed, "--folder", site / "another", "--ca", certs / "ca.pem"
    )
    good("init", "--folder", "foreign")
    (there / "ca.pem").write_bytes((site / "foreign/ca.pem").read_bytes())
    assert "was not signed by the authority" in refused("take", "pc-9", signed, "--folder", there)


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "issued", "ca.pem", "x" * 65])
def test_a_name_that_cannot_be_is_refused(certs: Path, name: str) -> None:
    before = sorted(certs.parent.rglob("*"))
    refused("issue", "--", name)
    assert sorted(certs.parent.rglob("*")) == before


def test_services_have_names_of_their_own(site: Path) -> None:
    (site / "site.toml").write_text(SITE.replace("pc-1", "broker"))
    good("init")
    assert 'two would have the certificate "broker"' in refused("issue", "--site", "site.toml")


def whole(folder: Path) -> set[str]:
    """The names that have something; AssertionError when a file is torn or a pair does not fit."""
    found, held = set(), Folder(folder)
    for path in folder.glob("issued/*.pem"):
        x509.load_pem_x509_certificate(path.read_bytes())
    if (folder / "crl.pem").exists():
        held.crl()
        held.authority()
    for link in folder.iterdir():
        if link.is_symlink() and not link.name.startswith("."):
            found.add(link.name)
            key, certificate = held.key(link.name), held.certificate(link.name)
            if key is not None and certificate is not None:
                assert key.public_key() == certificate.public_key()
    return found


STEPS = ["init", "issue", "renew", "renew --new-key", "revoke", "request"]


@pytest.mark.parametrize("step", STEPS)
def test_a_command_that_is_killed_anywhere_leaves_no_half(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off at the 1st, 2nd, 3rd ... write or rename until it runs through."""
    for cut in range(1, 200):
        folder = tmp_path / f"{cut}"
        if step != "init":
            work.begin(folder, "works", [], 30)
        if step in ("renew", "renew --new-key", "revoke"):
            work.issue(folder, [Whom("pc-1", Use.CLIENT)], 30, nobody, skip=False)
        with monkeypatch.context() as patched:
            left = Cut(cut)
            for call in ("fsync", "replace", "rename", "symlink"):
                patched.setattr(os, call, left.before(getattr(os, call)))
            with suppress(Killed):
                do(step, folder)
        if step == "init" and not folder.exists():
            work.begin(folder, "works", [], 30)
        assert whole(folder) <= {"pc-1"}
        if left.count < cut:
            assert cut > 3, "it was cut off somewhere"
            return
        again(step, folder)
        assert whole(folder) <= {"pc-1"}
    raise AssertionError("it does not end")


class Killed(BaseException):
    """What ends a command as a signal would."""


class Cut:
    """Lets some calls through, and ends the command at the next."""

    def __init__(self, at: int) -> None:
        self.at, self.count = at, 0

    def before(self, call: object) -> object:
        def counted(*args: object, **more: object) -> object:
            self.count += 1
            if self.count >= self.at:
                raise Killed
            return call(*args, **more)  # type: ignore[operator]

        return counted


def nobody(done: int, of: int) -> None:
    """Nobody watches."""


def do(step: str, folder: Path) -> None:
    pc = [Whom("pc-1", Use.CLIENT)]
    match step:
        case "init":
            work.begin(folder, "works", [], 30)
        case "issue":
            work.issue(folder, pc, 30, nobody, skip=True)
        case "renew" | "renew --new-key":
            work.renew(folder, ["pc-1"], 0, 30, nobody, new_key=step.endswith("key"))
        case "revoke":
            work.revoke(folder, ["pc-1"])
        case _:
            work.request(folder, "pc-1", rsa=False, new_key=False)


def again(step: str, folder: Path) -> None:
    if step != "init":
        do(step, folder)
        if step == "revoke":
            assert len(Folder(folder).crl()) == 1


def test_an_authority_that_has_ended_signs_nothing(tmp_path: Path) -> None:
    then = making.now() - timedelta(days=100)
    by = making.authority("works", [], 10, then)
    with pytest.raises(CertError, match="has ended"):
        making.certificate(
            by, Whom("pc-1", Use.CLIENT), making.new_key().public_key(), 30, making.now()
        )
