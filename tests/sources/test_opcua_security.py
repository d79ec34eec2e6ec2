"""The OPC UA source over an encrypted channel, with an account, and refused."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from edge.sources.opcua import OpcuaSource
from edge.sources.opcua_session import application_uri
from edge.sources.source import Item
from stations.declare import Node
from tests.sources.keys import keys
from tests.sources.opcua_server import Machine
from tests.sources.recorder import Recorder, running, tag
from wire.clock import SystemClock
from wire.site.connections import OpcuaConfig

pytestmark = pytest.mark.system

ANGLE = Item(1, tag("angle", float, Node("Angle")))


def _source(config: OpcuaConfig) -> OpcuaSource:
    return OpcuaSource("studio", config, [ANGLE], SystemClock(), random.Random(1))


async def test_an_encrypted_session_with_an_own_certificate(tmp_path: Path) -> None:
    machine = Machine({"Angle": 1.5})
    await machine.start(keys=await keys(tmp_path, "server"))
    key, certificate = await keys(tmp_path, "agent")
    assert application_uri(certificate) == "urn:agent"
    config = OpcuaConfig(
        url=machine.url, root="nsu=urn:studio;Studio1", security="Basic256Sha256,SignAndEncrypt",
        key_file=key, cert_file=certificate,
    )  # fmt: skip
    sink = Recorder()
    async with running(_source(config), sink):
        await sink.until(lambda: bool(sink.reports), "a report")
    assert sink.rows(1)[0] == (0, 1.5)
    await machine.stop()


async def test_security_that_does_not_fit_is_said_and_never_raises(tmp_path: Path) -> None:
    machine = Machine({"Angle": 1.5})
    await machine.start(keys=await keys(tmp_path, "server"))
    for config in (
        OpcuaConfig(url=machine.url),
        OpcuaConfig(url=machine.url, security="Basic256Sha256,SignAndEncrypt"),
        OpcuaConfig(
            url=machine.url, security="Basic256Sha256,SignAndEncrypt",
            key_file=tmp_path / "no.pem", cert_file=tmp_path / "no.der",
        ),
    ):  # fmt: skip
        sink = Recorder()
        async with running(_source(config), sink):
            await sink.until(lambda found=sink: bool(found.links), "the refusal")
        assert sink.links[0][0] is False and sink.links[0][1]
    await machine.stop()
