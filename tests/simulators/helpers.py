"""What the tests of the simulators share: small declarations, deadlines, a log to read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from asyncua import Client, ua

from simulators.opcua import OpcuaServer
from simulators.truth import TruthLog
from stations.declare import Command, Node, Register, State, Station, Tag
from tests.servers import free_port
from wire.site import OpcuaConfig

DEADLINE_S = 30.0  # of a busy machine


class TableState(State):
    IDLE = (0, "Nothing is on the table.")
    TURNING = (3, "The table turns.")


class Table(Station):
    """A turntable with a value of every type."""

    state = Tag(TableState, Node("State"), doc="What the table is doing.")
    angle = Tag(float, Node("Table/Angle"), unit="deg", low=0, high=360, doc="Turned since home.")
    turns = Tag(int, Node("Table/Turns"), doc="Turns since delivery.")
    locked = Tag(bool, Node("Table/Locked"), doc="The table is locked.")
    visit = Tag(str, Node("Visit"), doc="Visit id.")
    lamps = Tag(list[float], Node("Lamps"), length=3, doc="Brightness of the lamps.")
    counts = Tag(list[int], Node("nsu=urn:plc;s=DB10.Counts"), length=2, doc="Counters.")
    hours = Tag(float, Node("ns=5;s=DB10.Hours"), unit="h", doc="Hours on the lamps.")
    start = Command(Node("Commands/Start"), doc="Start a turn.")


class Meter(Station):
    """A meter with the usual layouts."""

    power = Tag(float, Register("input", 0, "float32"), unit="W", doc="Active power.")
    energy = Tag(int, Register("input", 2, "int64", order="CDAB"), unit="Wh", doc="Energy.")
    voltage = Tag(
        float, Register("holding", 10, "uint16", scale_at=20, absent=0xFFFF), unit="V", low=0,
        high=300, doc="Voltage.",
    )  # fmt: skip
    cell = Tag(
        float, Register("holding", 11, "uint16", scale_at=20), unit="V", low=0, high=5,
        doc="A second value with the same power of ten.",
    )  # fmt: skip
    tripped = Tag(bool, Register("holding", 12, "bit", bit=3), doc="The breaker has tripped.")
    warm = Tag(bool, Register("holding", 12, "bit", bit=4), doc="The breaker is warm.")
    closed = Tag(bool, Register("discrete", 7, "bit"), doc="The door is closed.")
    cells = Tag(
        list[float], Register("input", 100, "float32"), length=96, unit="V", doc="Cell voltages."
    )
    modules = Tag(
        list[int], Register("input", 400, "int16", stride=4), length=3, doc="Module temperatures."
    )
    strings = Tag(
        list[int], Register("input", 500, "int16", stride=2), length=80, doc="String voltages."
    )
    faults = Tag(
        list[int], Register("input", 501, "int16", stride=2), length=80, doc="Fault codes."
    )
    reset = Command(Register("coil", 3, "bit"), doc="Reset the meter.")


async def eventually(condition: Callable[[], Any], what: str = "") -> Any:
    """Wait until the condition holds; AssertionError after the deadline."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + DEADLINE_S
    while not (result := condition()):
        assert loop.time() < end_s, f"not in time: {what}"
        await asyncio.sleep(0.01)
    return result


class Log(TruthLog):
    """A truth log that a test can read at once."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "truth.jsonl"
        super().__init__(self.path)

    def events(self, *kinds: str, **fields: Any) -> list[dict[str, Any]]:
        """The events of these kinds that have these fields."""
        self.flush()
        lines = [json.loads(line) for line in self.path.read_text().splitlines()]
        return [
            line
            for line in lines
            if (not kinds or line["event"] in kinds)
            and all(line.get(key) == value for key, value in fields.items())
        ]


async def table_server(log: TruthLog, folder: Path, **config: Any) -> OpcuaServer:
    """A running server with one table that shows its first values."""
    url = f"opc.tcp://127.0.0.1:{free_port()}"
    server = OpcuaServer(OpcuaConfig(url=url, root="nsu=urn:table;Table1", **config), log, folder)
    await server.init()
    await server.add("table-1", Table, server.config.root)
    await server.start()
    first = {"state": 0, "angle": 0.0, "turns": 7, "locked": False, "visit": "v-2026-000001",
             "lamps": [1.0, 2.0, 3.0], "counts": [4, 5], "hours": 12.5}  # fmt: skip
    for name, value in first.items():
        await server.show("table-1", Table.tag(name), 0, value)
    return server


class Seen:
    """A subscription handler that keeps what it got."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.statuses: list[int] = []

    def datachange_notification(self, node: Any, value: Any, data: Any) -> None:
        self.values.append(value)
        self.statuses.append(data.monitored_item.Value.StatusCode.value)


async def path(client: Client, *names: str) -> Any:
    """The node at a browse path below the table."""
    index = await client.get_namespace_index("urn:table")
    return await client.nodes.objects.get_child([f"{index}:{n}" for n in ("Table1", *names)])


async def subscribed(client: Client, node: Any, queue: int = 1000, period_ms: int = 50) -> Seen:
    """A subscription of one node that has brought its first report."""
    seen = Seen()
    params = ua.CreateSubscriptionParameters(
        RequestedPublishingInterval=period_ms, RequestedLifetimeCount=1000,
        RequestedMaxKeepAliveCount=100, PublishingEnabled=True,
    )  # fmt: skip
    subscription = await client.create_subscription(params, seen)
    await subscription.subscribe_data_change(node, queuesize=queue, sampling_interval=0)
    await eventually(lambda: seen.values, "the first report")
    return seen
