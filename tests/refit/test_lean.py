"""An agent loads what it needs to listen and no more; the rest is there when it is wanted."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError, dataclass, field, replace
from pathlib import Path

import pytest

from refit.lean import BY_METHOD, late_methods
from refit.processes import Processes, free_ports, listens

SITE = """
[site]
name = "small"
[broker]
url = "embedded"
port = {broker}
[store]
url = "sqlite:var/samples.db"
[historian]
http = {historian}
[[agent]]
name = "pc-1"
http = {agent}
[[station]]
name = "machine-1"
kind = "device"
agent = "pc-1"
tags = "tags.csv"
[station.opcua]
url = "opc.tcp://127.0.0.1:{machine}"
"""
NOT_NEEDED = {
    "rich", "pygments", "attr", "pymodbus", "serial", "sqlalchemy", "psycopg", "influxdb_client",
    "iotcore", "plant", "simulators", "yaml", "asyncua.server", "asyncua.pubsub",
    "refit.chaos", "refit.historian", "refit.certs", "refit.doctor", "edge.sources.modbus",
}  # fmt: skip
LATER = """
import gc
from refit.lean import lean
with lean():
    import asyncua.client
import asyncua, inspect
from asyncua import Server
assert inspect.isclass(Server) and Server.__module__ == "asyncua.server.server"
assert not hasattr(asyncua, "anything")
from asyncua import ua
one = ua.ReadValueId(NodeId=ua.NodeId(1, 2), AttributeId=ua.AttributeIds.Value)
assert one == ua.ReadValueId(NodeId=ua.NodeId(1, 2), AttributeId=ua.AttributeIds.Value)
assert "AttributeId" in repr(one)
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary
from asyncua.common.utils import Buffer
assert struct_from_binary(ua.ReadValueId, Buffer(struct_to_binary(one))) == one
import rich.console
"""


def test_an_agent_loads_no_more_than_it_needs_to_listen(tmp_path: Path) -> None:
    (tmp_path / "tags.csv").write_text("name,address,type\nt0,ns=1;s=t0,float\n")
    names = ("broker", "historian", "agent", "machine")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    site = tmp_path / "site.toml"
    site.write_text(SITE.format(**ports))
    with Processes(tmp_path / "logs") as processes:
        words = [sys.executable, "-X", "importtime", "-m", "refit.main", "agent"]
        processes.spawn("agent", [*words, "--site", site, "--name", "pc-1"])
        processes.wait_for("the agent", lambda: listens(ports["agent"]), 60)
    told = (tmp_path / "logs" / "agent.log").read_text().splitlines()
    loaded = {line.split("|")[-1].strip() for line in told if line.startswith("import time:")}
    assert "edge.sources.opcua" in loaded, "else nothing was looked at"
    found = {name for name in loaded if {name, name.partition(".")[0]} & NOT_NEEDED}
    assert found - {"rich"} == set(), "of rich only its absence is asked"


def test_what_is_left_out_is_there_when_it_is_wanted() -> None:
    subprocess.run([sys.executable, "-c", LATER], check=True, timeout=60)


@pytest.mark.skipif(not BY_METHOD, reason="this Python makes all methods of a dataclass at once")
def test_a_dataclass_with_late_methods_is_one_like_others() -> None:
    with late_methods():

        @dataclass(frozen=True, slots=True, order=True)
        class Point:
            x: int
            y: list[int] = field(default_factory=list)

        @dataclass(slots=True)
        class Named(Point.__base__):  # type: ignore[misc]
            name: str = "here"

    one = Point(1)
    assert one == Point(1, []) and one != Point(2) and one < Point(2)
    assert replace(one, x=3) == Point(3) and one.y is not Point(1).y
    assert repr(one).endswith("Point(x=1, y=[])") and Point.__match_args__ == ("x", "y")
    with pytest.raises(FrozenInstanceError):
        one.x = 2  # type: ignore[misc]
    with pytest.raises(TypeError, match="unexpected keyword"):
        Point(1, z=2)  # type: ignore[call-arg]
    assert Named().name == "here" and Named(name="there") == Named("there")
