"""A changed site file under a running agent: what changed is exchanged, the rest goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from edge.agent import Agent
from edge.outbox_file import Lost
from edge.reload import CHANGED, Reload, compare
from refit.reloading import reloads
from stations.records import Record
from tests.edge.test_agent import Broker
from tests.simulators.helpers import eventually
from tests.sources.modbus_device import Device
from wire import topics
from wire.clock import SystemClock
from wire.site import Site, load
from wire.site.problems import Wrong

pytestmark = pytest.mark.system

HEAD = """
[site]
name = "s"
[outbox]
delivery = "sent"
[[agent]]
name = "pc-1"
{agent}
"""
STATION = """
[[station]]
name = "{name}"
kind = "device"
agent = "pc-1"
tags = "{tags}"
modbus = {{ url = "tcp://127.0.0.1:{port}", every = "{every}", timeout = "300 ms" }}
"""
STUDIO = """
[[station]]
name = "studio-1"
kind = "studio"
agent = "pc-1"
[station.opcua]
url = "opc.tcp://127.0.0.1:1"
[station.modbus]
url = "tcp://127.0.0.1:1"
[station.capture]
plan = "plan.toml"
[station.cameras.ring]
folder = "card"
"""
PLAN = """
id = "small"
version = 1
[[shot]]
set = "wheel"
index = 0
camera = "ring"
"""
CSV = """name,address,type
level,input 1 uint16,int
"""
MORE = CSV + "height,input 2 uint16,int\n"


class Bench:
    """An agent that runs, one device that all its stations read, and the site file."""

    def __init__(self, folder: Path, device: Device) -> None:
        self.folder, self.device = folder, device

    def site(self, *stations: tuple[str, str, str], agent: str = "") -> Site:
        """The site with these stations: name, tags, every."""
        texts = [
            STATION.format(name=name, tags=tags, port=self.device.port, every=every)
            for name, tags, every in stations
        ]
        file = self.folder / "site.toml"
        file.write_text(HEAD.format(agent=agent) + "".join(texts))
        (self.folder / "one.csv").write_text(CSV)
        (self.folder / "two.csv").write_text(MORE)
        return load(file)

    def begin(self, site: Site) -> None:
        make: Any = Broker
        self.agent = Agent(site, "pc-1", SystemClock(), Random(1), "1", make_session=make)

    @property
    def broker(self) -> Broker:
        session = self.agent.publisher.session
        assert isinstance(session, Broker)
        return session

    def verbs(self, station: str) -> list[str]:
        """The verbs of all messages about a station but DATA, in order."""
        found = [topics.parse(one.topic) for one in self.broker.out]
        return [
            one.verb.value for one in found
            if one is not None and one.device == station and one.verb is not topics.Verb.DDATA
        ]  # fmt: skip

    def values(self, station: str) -> list[Any]:
        return [one.raw for one in self.broker.metrics("DDATA", station)]

    def gaps(self) -> list[Record]:
        bodies = [body for _, body in self.agent.outbox.records(1_000)]
        return [one for one in map(Record.model_validate_json, bodies) if one.kind == "gap"]


@asynccontextmanager
async def bench(folder: Path, *stations: tuple[str, str, str]) -> AsyncIterator[Bench]:
    device = Device()
    await device.start()
    made = Bench(folder, device)
    made.begin(made.site(*stations))
    stop = asyncio.Event()
    running = asyncio.create_task(made.agent.run(stop))
    await eventually(lambda: made.agent.publisher.session is not None, "the agent has begun")
    try:
        for name, *_ in stations:
            await eventually(lambda name=name: made.values(name), f"a value of {name}")
        yield made
    finally:
        stop.set()
        await running
        await device.stop()


A, B = ("a", "one.csv", "20 ms"), ("b", "one.csv", "20 ms")


async def level(made: Bench, value: int, *stations: str) -> None:
    """The device shows another level; these stations tell it."""
    made.device.registers["input"][1] = value
    for name in stations:
        await eventually(lambda name=name: value in made.values(name), f"{value} of {name}")


async def test_a_new_station_is_born_and_the_others_keep_their_connections(tmp_path: Path) -> None:
    async with bench(tmp_path, A) as made:
        sessions = made.device.sessions
        change = await Reload(made.agent).take(made.site(A, B))
        assert [one.name for one in change.new] == ["b"]
        assert (change.gone, change.changed, change.restart) == ((), (), ())
        await level(made, 7, "a", "b")
        assert made.device.sessions == sessions + 1
        assert made.verbs("a") == ["DBIRTH"]
        assert made.verbs("b")[-1] == "DBIRTH"
        assert set(made.agent.intake.lanes) == {"a", "b"} == set(made.agent.lanes)


async def test_a_station_that_is_gone_dies_and_its_reader_ends(tmp_path: Path) -> None:
    async with bench(tmp_path, A, B) as made:
        change = await Reload(made.agent).take(made.site(A))
        assert change.gone == ("b",)
        assert made.verbs("b")[-1] == "DDEATH"
        assert [link.source.name for link in made.agent.links] == ["a/modbus"]
        before = len(made.values("b"))
        await level(made, 9, "a")
        assert len(made.values("b")) == before


async def test_what_waits_of_a_station_that_is_gone_is_sent_at_the_next_session(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, A, B) as made:
        await Reload(made.agent).take(made.site(A))
        before = len(made.values("b"))
        made.broker.told["on_disconnect"]("the broker is gone")
        await asyncio.sleep(0)
        made.broker.told["on_connect"]()
        await eventually(lambda: len(made.values("b")) > before, "its samples, as history")
        assert made.verbs("b")[-2:] == ["DBIRTH", "DDEATH"]


async def test_what_is_given_up_of_a_station_that_is_gone_is_said(tmp_path: Path) -> None:
    async with bench(tmp_path, A, B) as made:
        await Reload(made.agent).take(made.site(A))
        made.agent.outbox.bytes_max = 1
        await eventually(lambda: [one for one in made.gaps() if one.station == "b"], "its gap")
        (gap,) = [one for one in made.gaps() if one.station == "b"]
        assert gap.data["reason"] == "outbox full"
    made.begin(made.site(A))
    made.agent.intake.lost([Lost("b", 1, 2, 3, "outbox damaged")])
    await made.agent.intake.finish()
    assert "outbox damaged" in [one.data["reason"] for one in made.gaps() if one.station == "b"]
    made.agent.outbox.close()


async def test_a_disk_that_says_no_leaves_the_stations_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    async with bench(tmp_path, A) as made:
        made.site(A, B)
        monkeypatch.setattr(made.agent.outbox, "places", full)
        run = asyncio.create_task(reloads(tmp_path / "site.toml", Reload(made.agent).take)())
        os.kill(os.getpid(), signal.SIGHUP)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(run), 1.0)
        await level(made, 6, "a")
        monkeypatch.undo()
        os.kill(os.getpid(), signal.SIGHUP)
        await level(made, 7, "a", "b")
        run.cancel()


async def test_changed_tags_are_read_and_the_hole_is_said(tmp_path: Path) -> None:
    async with bench(tmp_path, A, B) as made:
        await level(made, 3, "a", "b")
        made.device.registers["input"][2] = 44
        await Reload(made.agent).take(made.site(A, ("b", "two.csv", "20 ms")))
        await eventually(lambda: 44 in made.values("b"), "the new tag")
        assert made.verbs("b")[-2:] == ["DDEATH", "DBIRTH"]
        await eventually(lambda: made.gaps(), "a gap record")
        gaps = [(one.station, one.data["reason"]) for one in made.gaps()]
        assert gaps == [("b", CHANGED)]
        await level(made, 5, "a", "b")


def with_studio(made: Bench, plan: str = PLAN) -> Site:
    made.site(A)
    (made.folder / "plan.toml").write_text(plan)
    (made.folder / "card").mkdir(exist_ok=True)
    file = made.folder / "site.toml"
    file.write_text(file.read_text() + STUDIO)
    return load(file)


def delivered(made: Bench, count: int) -> Path:
    """A picture that the camera of the studio has delivered."""
    file = made.folder / f"card/ring_{count:06d}.jpg"
    file.write_bytes(b"\xff\xd8 a picture \xff\xd9")
    return file


async def test_a_new_studio_takes_pictures_until_it_is_gone(tmp_path: Path) -> None:
    async with bench(tmp_path, A) as made:
        tasks = len(asyncio.all_tasks())
        for count in (1, 2):  # it may come, go, and come again
            await Reload(made.agent).take(with_studio(made))
            taken = delivered(made, count)
            await eventually(lambda file=taken: not file.exists(), "the picture is taken")
            session = made.agent.sessions.studios["studio-1"]
            known = partial(getattr, session, "memory")
            await eventually(lambda n=count, known=known: known().counts == {"ring": n}, "a count")
            await Reload(made.agent).take(made.site(A))
            assert "studio-1" not in made.agent.sessions.studios
            await eventually(lambda: len(asyncio.all_tasks()) == tasks, "nothing of it runs on")


async def test_a_new_studio_with_a_wrong_plan_changes_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path, A) as made:
        wrong = with_studio(made, PLAN.replace('"ring"', '"rnig"'))
        with pytest.raises(Wrong, match="wants a camera"):
            await Reload(made.agent).take(wrong)
        assert list(made.agent.lanes) == ["a"]
        await level(made, 10, "a")


async def test_the_same_file_again_changes_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path, A, B) as made:
        sessions, sources = made.device.sessions, [link.source for link in made.agent.links]
        change = await Reload(made.agent).take(made.site(A, B))
        assert (change.gone, change.changed, change.new) == ((), (), ())
        assert [link.source for link in made.agent.links] == sources
        assert made.device.sessions == sessions


async def test_what_only_a_restart_takes_up_is_named(tmp_path: Path) -> None:
    async with bench(tmp_path, A) as made:
        changed = made.site(A, agent="http = 19999")
        assert compare(made.agent.site, changed, "pc-1").restart == ("[[agent]] pc-1",)
        old = made.agent.site
        slow = old.store.model_copy(update={"version": "victoria"})
        changed = old.model_copy(update={"store": slow})
        assert compare(old, changed, "pc-1").restart == ("[store] version",)
        with pytest.raises(LookupError, match="pc-2"):
            compare(made.agent.site, changed, "pc-2")


async def test_many_changes_at_once_are_taken_one_after_the_other(tmp_path: Path) -> None:
    async with bench(tmp_path, A) as made:
        reload = Reload(made.agent)
        sites = [made.site(A, B), made.site(B), made.site(("a", "one.csv", "30 ms"), B)]
        await asyncio.gather(*(reload.take(site) for site in sites))
        await level(made, 8, "a", "b")
        assert sorted(link.source.name for link in made.agent.links) == ["a/modbus", "b/modbus"]
