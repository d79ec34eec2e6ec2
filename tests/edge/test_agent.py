"""A whole agent over real machines: what it says of itself, and that one machine stops no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from prometheus_client import generate_latest

from edge import health as edge_health
from edge.agent import Agent
from edge.health import METRICS, Health
from stations.declare import Type
from tests.simulators.helpers import eventually
from tests.sources.modbus_device import Device
from wire import topics
from wire.clock import SystemClock
from wire.mqtt import Message
from wire.site import load
from wire.sparkplug.codec import Metric, decode
from wire.sparkplug.metrics import HEALTH, health_alias, tag_alias

pytestmark = pytest.mark.system

SITE = """
[site]
name = "s"
[outbox]
delivery = "{delivery}"
[[agent]]
name = "pc-1"
[[station]]
name = "alive"
kind = "device"
agent = "pc-1"
tags = "meter.csv"
modbus = {{ url = "tcp://127.0.0.1:{alive}", every = "20 ms", timeout = "300 ms" }}
[[station]]
name = "dead"
kind = "device"
agent = "pc-1"
tags = "meter.csv"
modbus = {{ url = "tcp://127.0.0.1:{dead}", every = "20 ms", timeout = "300 ms" }}
"""
CSV = """name,address,type,unit,scale,low,high,deadband,every,on,doc
level,input 1 uint16,int,,,,,,,,How full it is.
"""


class Broker:
    """An MQTT session that is connected at once and keeps what it was given."""

    def __init__(self, *_: Any, **told: Any) -> None:
        self.told = told
        self.out: list[Message] = []
        self.connected = False
        self.message_max = 1 << 28

    def start(self) -> None:
        self.told["will"]()
        self.told["on_socket_open"]()
        self.connected = True
        self.told["on_connect"]()

    def publish(self, message: Message) -> bool:
        self.out.append(message)
        return True

    def mark(self, number: int) -> bool:
        return False

    def disconnect(self, final: Sequence[Message] = ()) -> bool:
        self.out += final
        return True

    def metrics(self, verb: str, device: str = "") -> list[Metric]:
        """All metrics of the messages of one sort, in order."""
        found: list[Metric] = []
        for message in list(self.out):
            address = topics.parse(message.topic)
            if address and (address.verb.value, address.device) == (verb, device):
                found += decode(message.payload).metrics
        return found


class Bench:
    """An agent that runs between a machine that answers and one that does not."""

    def __init__(self, agent: Agent, alive: Device) -> None:
        self.agent, self.alive = agent, alive
        self.health = Health(agent)

    @property
    def broker(self) -> Broker:
        session = self.agent.publisher.session
        assert isinstance(session, Broker)
        return session

    def levels(self) -> list[int]:
        """What the agent sent live of the machine that answers."""
        (number,) = self.agent.lanes["alive"].tags
        told = self.broker.metrics("DDATA", "alive")
        return [int(one.raw or 0) for one in told if one.alias == tag_alias(number)]


@asynccontextmanager
async def bench(folder: Path, delivery: str = "sent") -> AsyncIterator[Bench]:
    alive, dead = Device(), Device()
    dead.silent = True
    await alive.start()
    await dead.start()
    (folder / "meter.csv").write_text(CSV)
    text = SITE.format(delivery=delivery, alive=alive.port, dead=dead.port)
    (folder / "site.toml").write_text(text)
    site = load(folder / "site.toml")
    make: Any = Broker
    agent = Agent(site, "pc-1", SystemClock(), Random(1), "1.2.3", METRICS, make_session=make)
    made, stop = Bench(agent, alive), asyncio.Event()
    running = asyncio.create_task(agent.run(stop, made.health.run))
    await eventually(lambda: agent.publisher.session is not None, "the agent has begun")
    try:
        yield made
    finally:
        stop.set()
        await running
        await alive.stop()
        await dead.stop()


async def test_a_dead_machine_beside_a_healthy_one_costs_it_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        for level in range(1, 6):
            made.alive.registers["input"][1] = level
            await eventually(lambda want=level: want in made.levels(), f"level {level}")
        links = {link.source.name: link.source.status for link in made.agent.links}
        await eventually(lambda: links["dead/modbus"].bad, "the dead one is known")
        assert links["alive/modbus"].bad == {} and links["alive/modbus"].reconnects == 0
        told = await asyncio.to_thread(made.health.status)
        assert not told["ok"]
        assert all(problem.startswith("dead/modbus") for problem in told["problems"])
        assert [level for level in made.levels() if level] == [1, 2, 3, 4, 5]


async def test_the_health_goes_out_every_few_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert edge_health.EVERY_S == 10.0
    monkeypatch.setattr(edge_health, "EVERY_S", 0.05)
    async with bench(tmp_path) as made:
        broker = made.broker
        born = {one.name for one in broker.metrics("NBIRTH")}
        assert {HEALTH + metric.name for metric in METRICS} <= born
        aliases = {health_alias(index): metric.name for index, metric in enumerate(METRICS)}
        made.alive.registers["input"][1] = 7
        await eventually(lambda: 7 in made.levels(), "a level")
        sample = next(a for a, name in aliases.items() if name == "samples")
        await eventually(
            lambda: any(one.raw for one in broker.metrics("NDATA") if one.alias == sample),
            "the number of samples",
        )


async def test_every_health_metric_is_read_with_its_type(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await eventually(made.levels, "a level")
        values = await made.health.read()
        assert list(values) == [metric.name for metric in METRICS]
        assert values.pop("certificate_left") is None, "there is none"
        assert values.pop("opcua_certificate_left") is None, "there is none"
        kinds = {Type.INT: int, Type.FLOAT: float, Type.TEXT: str}
        for metric in METRICS:
            if metric.name not in values:
                continue
            assert type(values[metric.name]) in (kinds[metric.type], int), metric.name
        assert values["backlog_samples"] >= 1 and values["backlog_bytes"] > 0  # type: ignore[operator]
        assert values["memory"] > 1_000_000 and values["disk_free"] > 0  # type: ignore[operator]
        shown = await asyncio.to_thread(generate_latest, made.health.metrics().registry)
    for metric in METRICS:
        if metric.type is Type.TEXT:
            continue  # Prometheus has numbers alone
        assert (f'what="{metric.name}"' in shown.decode()) is (metric.name in values)
    assert 'link="alive/modbus"} 1.0' in shown.decode()


async def test_the_health_is_that_of_the_counters(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await eventually(made.levels, "a level")
        agent = made.agent
        counted = {"repeats": 41, "gaps": 42, "records": 43, "commit_failures": 44}
        agent.pipeline.counts.repeats = counted["repeats"]
        for name in ("gaps", "records", "commit_failures"):
            setattr(agent.intake.tally, name, counted[name])
        status = agent.links[0].source.status
        status.reconnects, status.bad["other"] = 45, "for a test"
        values = await made.health.read()
        assert {name: values[name] for name in counted} == counted
        reconnects = [link.source.status.reconnects for link in agent.links]
        assert values["reconnects"] == sum(reconnects) >= 45
        assert values["bad_tags"] == sum(len(link.source.status.bad) for link in agent.links) >= 1


async def test_without_confirmations_a_batch_outlives_the_noticing_of_a_dead_link(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path) as made:
        settle_s = made.agent.publisher.delivery.settle_s
        assert settle_s is not None and settle_s >= 1.5 * made.agent.site.broker.keepalive_s


async def test_an_agent_without_its_host_says_that_it_waits(tmp_path: Path) -> None:
    async with bench(tmp_path, delivery="acknowledged") as made:
        assert made.agent.publisher.delivery.settle_s is None
        told = await asyncio.to_thread(made.health.status)
        assert "waiting for the host historian" in told["problems"]
        assert made.broker.metrics("NBIRTH") == []


async def test_another_s_host_is_followed_and_its_window_kept(tmp_path: Path) -> None:
    delivery = 'sent"\nhost = "scada-1"\nwindow = "2 min'
    async with bench(tmp_path, delivery) as made:
        publisher = made.agent.publisher
        assert (publisher.node.primary, publisher.delivery.settle_s) == ("scada-1", 120.0)
        assert (topics.state("scada-1"), 1) in made.broker.told["subscriptions"]
