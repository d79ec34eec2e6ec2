"""Commands over OPC UA: those that the site file names, and nothing else."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from edge.sources.fault import MachineFault
from edge.sources.opcua import OpcuaSource
from edge.sources.opcua_commands import NotAllowed, OpcuaCommands
from edge.sources.source import Item
from stations.declare import Node
from stations.studio.station import Studio
from tests.sources.opcua_server import Machine
from tests.sources.recorder import Recorder, running, tag
from wire.clock import SystemClock
from wire.site.connections import OpcuaConfig

pytestmark = pytest.mark.system

STATE = Item(1, tag("state", int, Node("State")))


async def test_what_is_allowed_is_written_and_answered(tmp_path: Path) -> None:
    machine = Machine({"State": 1, "Commands/Start": False, "Commands/Release": False})
    await machine.start()
    for name in ("Commands/Start", "State"):
        await machine.nodes[name].set_writable()
    config = OpcuaConfig(
        url=machine.url,
        root="nsu=urn:studio;Studio1",
        publishing_ms=20,
        writes=("start", "release", "repeat_spin"),
    )
    commands = OpcuaCommands("studio", config, Studio.commands)
    with pytest.raises(MachineFault, match="no session"):
        await commands.give("start", True)
    clock, sink = SystemClock(), Recorder()
    source = OpcuaSource("s", config, [STATE], clock, random.Random(1), commands=commands)
    async with running(source, sink):
        await sink.until(lambda: bool(sink.reports), "the first report")
        await commands.give("start", True)
        assert await machine.nodes["Commands/Start"].read_value() is True
        await commands.give("start", False)
        assert await machine.nodes["Commands/Start"].read_value() is False
        with pytest.raises(MachineFault, match="refuses"):
            await commands.give("release", True)  # the node is not writable
        with pytest.raises(MachineFault, match="no such node"):
            await commands.give("repeat_spin", True)
        for name in ("set_acquisition_done", "state", "speed_set"):
            with pytest.raises(NotAllowed, match="writes = "):
                await commands.give(name, True)
        assert await machine.nodes["State"].read_value() == 1
    with pytest.raises(MachineFault, match="no session"):
        await commands.give("start", True)
    await asyncio.sleep(0)
    await machine.stop()


def test_a_tag_cannot_be_allowed() -> None:
    config = OpcuaConfig(url="opc.tcp://127.0.0.1:1", writes=("speed_set", "start"))
    commands = OpcuaCommands("studio", config, Studio.commands)
    assert commands.allows("start") and not commands.allows("speed_set")
