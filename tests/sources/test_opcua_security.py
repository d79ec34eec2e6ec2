"""The OPC UA source over an encrypted channel: who is believed, who is not, and nothing weaker."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asyncua import ua

from edge.sources.opcua import OpcuaSource
from edge.sources.opcua_security import application_uri
from edge.sources.source import Item
from edge.trust import certificates, own
from edge.trust.folder import TrustList
from stations.declare import Node
from tests.sources.keys import keys, made, trusting, written
from tests.sources.opcua_server import Machine
from tests.sources.recorder import Recorder, running, tag
from wire.clock import SystemClock
from wire.site.connections import OpcuaConfig, Pki

pytestmark = pytest.mark.system

ANGLE = Item(1, tag("angle", float, Node("Angle")))
ROOT = "nsu=urn:studio;Studio1"
SECURE = "Basic256Sha256,SignAndEncrypt"
Endpoints = list[ua.EndpointDescription]


def _config(machine: Machine, pki: Pki | None = None, **more: Any) -> OpcuaConfig:
    config = OpcuaConfig(url=machine.url, root=ROOT, **{"security": SECURE, **more})
    return config if pki is None else config.keep_in(pki)


def _source(config: OpcuaConfig) -> OpcuaSource:
    return OpcuaSource("studio", config, [ANGLE], SystemClock(), random.Random(1))


async def _refused(config: OpcuaConfig) -> str:
    """What is said when the first attempt has failed."""
    sink = Recorder()
    async with running(_source(config), sink):
        await sink.until(lambda: bool(sink.links), "the refusal")
    assert sink.links[0][0] is False and not sink.reports
    return sink.links[0][1]


async def _read(config: OpcuaConfig) -> None:
    sink = Recorder()
    async with running(_source(config), sink):
        await sink.until(lambda: bool(sink.reports), "a report")
    assert sink.rows(1)[0] == (0, 1.5)


async def test_each_policy_with_our_own_certificate_or_a_given_one(tmp_path: Path) -> None:
    machine, files = Machine({"Angle": 1.5}), await keys(tmp_path, "server")
    policies = ("Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss")
    modes = (*(f"{one}_SignAndEncrypt" for one in policies), "Basic256Sha256_Sign")
    await machine.start(keys=files, policies=modes, account=("refit", "secret"))
    (tmp_path / "password").write_text("secret\n")
    pki = trusting(tmp_path / "pki", files[1])
    account = {"user": "refit", "password_file": tmp_path / "password"}
    key, certificate = await keys(tmp_path, "agent")
    assert application_uri(certificate) == "urn:agent"
    given = {"key_file": key, "cert_file": certificate}
    await _read(_config(machine, pki, security="Basic256Sha256,Sign", **account, **given))
    assert not own.files(pki.folder).key.exists()
    for policy in ("Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"):
        await _read(_config(machine, pki, security=f"{policy},SignAndEncrypt", **account))
    assert own.files(pki.folder).key.exists() and set(machine.attempts) == {"refit"}
    [entry] = TrustList(pki.folder).trusted()
    assert entry.seen == {machine.url: ""}
    # A channel that is only signed, and a server that wants the password as it is.
    machine.attempts.clear()
    for endpoint in machine.server.iserver.endpoints:
        for policy in endpoint.UserIdentityTokens:
            policy.SecurityPolicyUri = "http://opcfoundation.org/UA/SecurityPolicy#None"
    told = await _refused(_config(machine, pki, security="Basic256Sha256,Sign", **account))
    assert "nothing was sent, ask for SignAndEncrypt" in told
    assert machine.attempts == []
    await machine.stop()


async def test_a_stranger_is_put_aside_until_somebody_accepts_it(tmp_path: Path) -> None:
    machine, files = Machine({"Angle": 1.5}), await keys(tmp_path, "server")
    await machine.start(keys=files)
    trust, sink = TrustList(tmp_path / "pki"), Recorder()
    config = _config(machine, Pki(tmp_path / "pki", "--site my.toml"))
    async with running(_source(config), sink):
        await sink.until(lambda: bool(sink.links), "the refusal")
        assert not sink.links[0][0]
        [entry] = trust.rejected()
        assert f"trust accept {entry.facts.sha256[:16]} --site my.toml" in sink.links[0][1]
        assert certificates.grouped(entry.facts.sha256) in sink.links[0][1]
        assert list(entry.seen) == [machine.url]
        trust.accept(entry.facts.sha256[:16])
        await sink.until(lambda: bool(sink.reports), "a report after it was accepted")
    # The same server with another certificate is a stranger again.
    await machine.stop()
    await machine.start(keys=await keys(tmp_path, "server"))
    told = await _refused(config)
    assert "has changed (trusted is " in told and "refit trust accept" in told
    assert len(trust.rejected()) == 1
    await machine.stop()


async def test_a_trusted_certificate_must_fit_and_a_host_of_another_name_is_said(
    tmp_path: Path,
) -> None:
    machine, files = Machine({"Angle": 1.5}), written(tmp_path, "x", made("server", hosts=("plc",)))
    await machine.start(keys=files)
    pki = trusting(tmp_path / "pki", files[1])
    told = await _refused(_config(machine, pki))
    assert "cert_host" in told and "refit trust accept" not in told
    await _read(_config(machine, pki, cert_host="PLC"))
    for endpoint in machine.server.iserver.endpoints:
        endpoint.Server.ApplicationUri = "urn:other"
    told = await _refused(_config(machine, pki, cert_host="PLC"))
    assert "calls itself urn:other, its certificate is of urn:server" in told
    await machine.stop()


async def test_security_that_does_not_fit_is_said_and_never_raises(tmp_path: Path) -> None:
    machine, files = Machine({"Angle": 1.5}), await keys(tmp_path, "server")
    await machine.start(keys=files)
    pki = trusting(tmp_path / "pki", files[1])
    for config in (
        _config(machine, security="None"),
        _config(machine),
        _config(machine, pki, key_file=tmp_path / "no.pem", cert_file=tmp_path / "no.der"),
        _config(machine, pki, user="refit", password_env="NO_SUCH_VARIABLE"),
    ):
        assert await _refused(config)
    await machine.stop()


async def test_a_server_that_offers_only_none_is_not_talked_to(tmp_path: Path) -> None:
    machine, (_, certificate) = Machine({"Angle": 1.5}), await keys(tmp_path, "server")
    await machine.start(account=("refit", "secret"))
    (tmp_path / "password").write_text("secret\n")
    pki, account = trusting(tmp_path / "pki", certificate), {"user": "refit"}
    told = await _refused(_config(machine, pki, password_file=tmp_path / "password", **account))
    assert f"does not offer {SECURE}, only None: nothing weaker" in told
    assert machine.attempts == []
    await machine.stop()


def _stolen(trusted: bytes) -> Callable[[Endpoints], Endpoints]:
    """Shows the certificate of the trusted server, whose key it has not."""
    return lambda told: [replace(one, ServerCertificate=trusted) for one in told]


def _unencrypted(_: bytes) -> Callable[[Endpoints], Endpoints]:
    """Says of the right policy that it does nothing."""
    mode = ua.MessageSecurityMode.None_
    return lambda told: [replace(one, SecurityMode=mode) for one in told]


def _stripped(_: bytes) -> Callable[[Endpoints], Endpoints]:
    """Leaves out whatever is secure."""
    uri = "http://opcfoundation.org/UA/SecurityPolicy#None"
    return lambda told: [replace(one, SecurityPolicyUri=uri) for one in told]


def _bare(_: bytes) -> Callable[[Endpoints], Endpoints]:
    """Shows no certificate at all."""
    return lambda told: [replace(one, ServerCertificate=None) for one in told]


def _garbage(_: bytes) -> Callable[[Endpoints], Endpoints]:
    return lambda told: [
        replace(one, ServerCertificate=b"0\x82\xff\xff" + b"x" * 99) for one in told
    ]


async def test_a_server_that_lies_about_its_endpoints_gets_no_password(tmp_path: Path) -> None:
    _, trusted = await keys(tmp_path, "server")
    liar, files = Machine({"Angle": 1.5}), written(tmp_path, "liar", made("server"))
    await liar.start(keys=files, account=("refit", "secret"))
    (tmp_path / "password").write_text("secret\n")
    server = liar.server.iserver
    truly = server.get_endpoints
    told: list[str] = []
    for lie in (_stolen, _unencrypted, _stripped, _bare, _garbage):
        tell = lie(trusted.read_bytes())

        async def lying(*args: Any, tell: Any = tell, **words: Any) -> Endpoints:
            return tell(await truly(*args, **words))

        server.get_endpoints = lying
        pki = trusting(tmp_path / "pki", trusted)
        account = {"user": "refit", "password_file": tmp_path / "password"}
        told.append(await _refused(_config(liar, pki, **account)))
        assert liar.attempts == [], lie
    assert [one.startswith("the server does not offer") for one in told] == [
        False, True, True, False, False,
    ]  # fmt: skip
    await liar.stop()
