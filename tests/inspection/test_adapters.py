"""The contract of all ways from a machine to the session: file, TCP, webhook.

The same things are sent in the manner of each, and the same must come of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pytest

from edge.inspection.adapter import Adapter, Reader
from edge.inspection.file_drop import SESSION, FileDrop
from edge.inspection.line_server import LineServer
from edge.inspection.session import InspectionSession
from edge.inspection.shelf import Shelf
from edge.inspection.webhook import Hook, Webhook
from stations.inspection.codes import CODES, MachineKind
from stations.inspection.facts import MachineConfig, Plan
from stations.inspection.messages import BYTES_MAX
from stations.inspection.session_record import draft
from stations.records import Draft
from tests.inspection.session_case import order
from tests.servers import free_port
from wire.clock import SystemClock

NAME, TOKEN = "suspension-1", "a token of this test"
KIND = MachineKind.SUSPENSION
CONFIG = MachineConfig(name=NAME, kind=KIND, serial="SB-1")
PLAN = Plan(machines={NAME: CONFIG}, inspectors={"anna": "1", "bea": "2"}, centre="C")
SAID = {"SM101": "72", "SM102": "70", "SM201": "65", "SM202": "66"}
WAIT_S = 20.0
Words = dict[str, str]
Answer = tuple[int, dict[str, Any]]


async def until(check: Callable[[], bool]) -> None:
    """Wait for something that other tasks do."""
    async with asyncio.timeout(WAIT_S):
        while not check():
            await asyncio.sleep(0)
            await asyncio.to_thread(lambda: None)


class Station:
    """A session with one machine and its record, in one folder; `stop` is as a kill."""

    def __init__(self, folder: Path, make: Callable[[Reader], Adapter]) -> None:
        self.folder, self.records = folder, list[Draft]()
        self.session = InspectionSession(
            "inspection-1", PLAN, Shelf(folder / "shelf"), SystemClock(),
            [make(Reader(CONFIG, UTC))], self._put, draft,
        )  # fmt: skip

    async def _put(self, station: str, made: Draft, files: Any) -> None:
        self.records.append(made)

    async def order(self, visit: str = "v-1") -> str:
        """Open a session as the inspector does where the lane is silent."""
        with contextlib.suppress(KeyError):
            return self.words()["session"]
        await self.choose(
            {"order": order({"order": visit, "fuel": "petrol"}).model_dump(mode="json")}
        )
        await self.choose({"choice": {"by": "anna", "verb": "begin", "visit": visit}})
        await until(lambda: "session" in self.words())
        return self.words()["session"]

    def words(self) -> Words:
        """What the machine is told."""
        return self.session.invitation(NAME)

    async def choose(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Put something before the session, and its answer."""
        choices, answers = self.session.shelf.choices, self.session.shelf.answers
        id = f"choice-{len(list(answers.iterdir()))}-{len(self.records)}"
        (choices / f"{id}.json").write_text(json.dumps({"id": id, **wish}))
        await until(lambda: (answers / f"{id}.json").exists())
        answer: dict[str, Any] = json.loads((answers / f"{id}.json").read_bytes())
        return answer

    def values(self) -> dict[str, float]:
        """The values that count."""
        session = self.session.memory.session
        steps = {} if session is None else session.steps
        return {
            item: float(held.value.value)
            for step in steps.values()
            for item, held in step.values.items()
            if not isinstance(held.value.value, tuple)
        }

    def refused(self) -> list[list[str]]:
        """The reasons of the messages that did not count."""
        session = self.session.memory.session
        return [] if session is None else [[str(r) for r in one.reasons] for one in session.refused]


class Way(Protocol):
    """One way of a machine to the agent."""

    def adapter(self, reader: Reader) -> Adapter: ...

    async def send(self, head: Words, said: Words) -> tuple[str, ...]:
        """Say something whole; the reasons why it did not count."""

    async def half(self, head: Words, said: Words) -> None:
        """Say the first half of something."""

    def kept(self, station: Station) -> list[bytes]:
        """The refused messages, as they came."""


def lines(head: Words, said: Words) -> bytes:
    return "".join(f"{key}={text}\n" for key, text in {**head, **said}.items()).encode()


class ByFile:
    def __init__(self, folder: Path) -> None:
        self.folder, self.number = folder / "drop", 0
        self.folder.mkdir()

    def adapter(self, reader: Reader) -> Adapter:
        return FileDrop(reader, self.folder, look_s=0.01)

    async def send(self, head: Words, said: Words) -> tuple[str, ...]:
        self.number += 1
        name = f"r{self.number}.txt"
        (self.folder / name).write_bytes(lines({**head, "codes": str(len(said))}, said))
        done, refused = self.folder / "done" / name, self.folder / "refused" / name
        await until(lambda: done.exists() or refused.exists())
        if done.exists():
            return ()
        reasons = json.loads(refused.with_name(f"{name}.reason.json").read_bytes())["reasons"]
        return tuple(reasons)

    async def half(self, head: Words, said: Words) -> None:
        (self.folder / "half.txt").write_bytes(lines(head, said)[:-2])
        await until((self.folder / "refused" / "half.txt").exists)

    def kept(self, station: Station) -> list[bytes]:
        return [one.read_bytes() for one in (self.folder / "refused").glob("*.txt")]


class ByTcp:
    def __init__(self, folder: Path) -> None:
        self.port = free_port()

    def adapter(self, reader: Reader) -> Adapter:
        return LineServer(reader, "127.0.0.1", self.port, rest_s=0.2)

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        async with asyncio.timeout(WAIT_S):
            while True:
                try:
                    reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.to_thread(lambda: None)
                    continue
                words = await heard(reader)
                if words.get("reasons") != "busy":
                    break
                writer.close()
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def send(self, head: Words, said: Words) -> tuple[str, ...]:
        async with self.connected() as (reader, writer):
            writer.write(lines(head, said) + b"\n")
            return await verdict(reader)

    async def half(self, head: Words, said: Words) -> None:
        async with self.connected() as (reader, writer):
            writer.write(lines(head, said)[:-2])
            assert await verdict(reader) == ("half_record",)

    def kept(self, station: Station) -> list[bytes]:
        return kept_by(station)


class ByWebhook:
    def __init__(self, folder: Path) -> None:
        self.port, self.token = free_port(), folder / "token"
        self.token.write_text(TOKEN)

    def adapter(self, reader: Reader) -> Adapter:
        return Webhook({NAME: Hook(reader, self.token)}, "127.0.0.1", self.port)

    async def post(self, text: bytes, token: str = TOKEN, name: str = NAME) -> Answer:
        return await self.ask("POST", f"/machines/{name}/results", text, token)

    async def ask(self, method: str, path: str, text: bytes = b"", token: str = TOKEN) -> Answer:
        """One request; waits until there is somebody."""
        async with asyncio.timeout(WAIT_S):
            while True:
                try:
                    return await asyncio.to_thread(self._ask, method, path, text, token)
                except ConnectionRefusedError:
                    continue

    def _ask(self, method: str, path: str, text: bytes, token: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        try:
            connection.request(method, path, text, {"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    @staticmethod
    def text(head: Words, said: Words) -> bytes:
        values = {}
        for code, shown in said.items():
            value, _, unit = shown.partition(" ")
            item = CODES[KIND][code].item if code in CODES[KIND] else code
            values[item] = {"value": value, **({"unit": unit} if unit else {})}
        return json.dumps({**head, "values": values}).encode()

    async def send(self, head: Words, said: Words) -> tuple[str, ...]:
        status, found = await self.post(self.text(head, said))
        assert status == (422 if found["reasons"] else 200), found
        return tuple(found["reasons"])

    async def half(self, head: Words, said: Words) -> None:
        _, found = await self.post(self.text(head, said)[:-2])
        assert found["reasons"] == ["half_record"]

    def kept(self, station: Station) -> list[bytes]:
        return kept_by(station)


async def heard(reader: asyncio.StreamReader) -> Words:
    """What the agent says, up to an empty line."""
    text = await asyncio.wait_for(reader.readuntil(b"\n\n"), WAIT_S)
    return dict(line.split("=", 1) for line in text.decode().splitlines() if line)


async def verdict(reader: asyncio.StreamReader) -> tuple[str, ...]:
    while True:
        words = await heard(reader)
        if "result" in words:
            return tuple(filter(None, words.get("reasons", "").split(",")))


def kept_by(station: Station) -> list[bytes]:
    return [one.read_bytes() for one in (station.folder / "shelf/refused" / NAME).glob("*.msg")]


@pytest.fixture(params=[ByFile, ByTcp, ByWebhook])
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Way:
    made: Way = request.param(tmp_path)
    return made


@contextlib.asynccontextmanager
async def running(folder: Path, way: Way) -> AsyncIterator[Station]:
    """A station that runs; at the end it is stopped in the middle of whatever it does."""
    station = Station(folder, way.adapter)
    task = asyncio.create_task(station.session.run())
    try:
        yield station
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def head(of: str, **other: str) -> Words:
    now = SystemClock().now_ms() // 1000
    words = {
        "equipment": NAME, "serial": "SB-1", "session": of,
        "last_calibration": "2026-03-02", "start": moment(now), "end": moment(now),
    }  # fmt: skip
    return {**words, **other}


def moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def run(work: Awaitable[None]) -> None:
    async def within() -> None:
        await work

    asyncio.run(within())


def test_a_result_counts_once_and_outlives_a_stop(way: Way, tmp_path: Path) -> None:
    async def work() -> None:
        async with running(tmp_path, way) as station:
            said = head(await station.order())
            assert await way.send(said, SAID) == ()
            assert await way.send(said, SAID) == ()
            assert len(station.values()) == 4
        async with running(tmp_path, way) as station:
            await until(lambda: bool(station.values()))
            assert await way.send(said, SAID) == ()
            assert station.values()["susp.axle1.eff_l"] == 72.0 and not station.refused()
            machine = station.session.memory.machines[NAME]
            assert (machine.taken, machine.refused) == (1, 0)

    run(work())


BAD: dict[str, tuple[Words, Words]] = {
    "wrong_serial": ({"serial": "SB-2"}, SAID),
    "wrong_machine": ({"equipment": "suspension-2"}, SAID),
    "wrong_session": ({"session": "v-0.1"}, SAID),
    "before_session": ({"start": "2026-11-01T08:00:00", "end": "2026-11-01T08:01:00"}, SAID),
    "in_future": ({"end": "2099-01-01T00:00:00"}, SAID),
    "times_reversed": ({"end": "2026-11-01T08:00:00"}, SAID),
    "calibration_in_future": ({"last_calibration": "2099-01-01"}, SAID),
    "bad_header": ({"last_calibration": "soon"}, SAID),
    "unit_changed": ({}, {"SM101": "0.72 ratio"}),
    "bad_value": ({}, {"SM101": "seventy"}),
}


def test_bad_inputs_are_refused_with_their_reason_and_kept(way: Way, tmp_path: Path) -> None:
    async def work() -> None:
        async with running(tmp_path, way) as station:
            session = await station.order()
            for reason, (words, said) in BAD.items():
                assert await way.send(head(session, **words), said) == (reason,), reason
            await way.half(head(session), SAID)
            assert station.values() == {}
            assert [one[0] for one in station.refused()] == [*BAD, "half_record"]
            # Out of range and not known cost only themselves.
            said = {"SM101": "172", "XX001": "1", "SM102": "70"}
            assert await way.send(head(session), said) == ()
            assert station.values() == {"susp.axle1.eff_r": 70.0}
            assert len(way.kept(station)) == len(BAD) + 1
            running_session = station.session.memory.session
            assert running_session is not None
            marks = {(one.about, str(one.reason)) for one in running_session.marks}
            assert len(marks) == 2 and {"out_of_range", "unknown_code"} == {b for _, b in marks}

    run(work())


def test_nothing_counts_without_a_session(way: Way, tmp_path: Path) -> None:
    async def work() -> None:
        async with running(tmp_path, way) as station:
            assert await way.send(head("v-1.1"), SAID) == ("no_session",)
            assert station.session.memory.machines[NAME].refused == 1
            assert await station.order() == "v-1.1"
            assert (await station.choose({"choice": {"by": "anna", "verb": "abort", "why": "x"}}))[
                "said"
            ] == "ok"
            await until(lambda: bool(station.records))
            assert await way.send(head("v-1.1"), SAID) == ("no_session",)
        assert [one.kind for one in station.records] == ["inspection.report"]

    run(work())


def test_a_growing_file_waits(tmp_path: Path) -> None:
    way = ByFile(tmp_path)

    async def work() -> None:
        async with running(tmp_path, way) as station:
            words = {**head(await station.order()), "codes": "4"}
            text, file = lines(words, SAID), way.folder / "slow.txt"
            (way.folder / "never.part").write_bytes(text)
            with file.open("wb") as opened:
                for begin in range(0, len(text), 40):
                    assert await way.send(head("v-0.1", serial=str(begin)), SAID) != ()
                    assert not station.values()
                    opened.write(text[begin : begin + 40])
                    opened.flush()
            await until((way.folder / "done/slow.txt").exists)
            assert len(station.values()) == 4 and (way.folder / "never.part").exists()
            told = (way.folder / SESSION).read_text()
            assert "session=v-1.1\n" in told and "visit=v-1\n" in told

    run(work())


def test_a_machine_by_tcp_is_alone_and_bounded(tmp_path: Path) -> None:
    way = ByTcp(tmp_path)

    async def work() -> None:
        async with running(tmp_path, way) as station:
            await station.order()
            async with way.connected():
                await until(lambda: not station.session.memory.machines[NAME].down)
                reader, writer = await asyncio.open_connection("127.0.0.1", way.port)
                assert (await heard(reader))["reasons"] == "busy"
                assert await reader.read() == b""
                writer.close()
            await until(lambda: bool(station.session.memory.machines[NAME].down))
            for text in (b"x" * 5000 + b"\n", b"SM101=1\n" * (BYTES_MAX // 8 + 10)):
                async with way.connected() as (reader, writer):
                    writer.write(text)
                    assert await verdict(reader) == ("too_long",)

    run(work())


def test_a_webhook_needs_the_machine_s_own_token(tmp_path: Path) -> None:
    way = ByWebhook(tmp_path)

    async def work() -> None:
        async with running(tmp_path, way) as station:
            text = way.text(head(await station.order()), SAID)
            assert (await way.post(text, token="another token of 16"))[0] == 401
            assert (await way.post(text, name="gas-1"))[0] == 401
            assert (await way.post(b"x" * (BYTES_MAX + 1)))[0] == 413
            assert not station.values() and not station.refused()
            status, told = await way.ask("GET", f"/machines/{NAME}/session")
            assert status == 200 and told["session"] == "v-1.1"
            assert (await way.ask("GET", f"/machines/{NAME}/else"))[0] == 404
            way.token.write_text("short")
            assert (await way.post(text))[0] == 401

    run(work())
