"""One station with one machine, and the ways by which that machine reaches it."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from edge.inspection.adapter import Adapter, Reader
from edge.inspection.file_drop import FileDrop
from edge.inspection.line_server import LineServer
from edge.inspection.session import InspectionSession
from edge.inspection.shelf import Shelf
from edge.inspection.webhook import Hook, Webhook
from stations.inspection.codes import CODES, MachineKind
from stations.inspection.facts import MachineConfig, Plan
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
