"""The programs of a plant as the world runs them: agents and a historian that can be killed."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from edge.agent import Agent
from plant.dead_letters import DeadLetters
from plant.historian import Historian
from plant.ledger import Ledger
from plant.points import Model
from plant.recorder import Recording
from plant.senders import Senders
from plant.stores.sqlite import SqliteStore
from plant.stores.store import Points, Refusal, StoreUnavailable
from plant.writer import Writer
from tests.world.clock import PROCESS, Killed, Process, VirtualClock
from tests.world.network import Network
from tests.world.session import TwinSession
from tests.world.witness import Life, Witness
from wire.site import Site

VERSION = "0.0.0-world"
TURN_S = 0.1  # the host wants to hear of the time at least as often


class Program:
    """Something that is started, ends when it is told to, or is killed."""

    def __init__(self, net: Network, name: str, port: int, seed: str) -> None:
        self.net, self.name, self.port, self.seed = net, name, port, seed
        self.clock = VirtualClock(net)
        self.starts = 0
        self.process: Process | None = None
        self.task: asyncio.Task[None] | None = None
        self.session = partial(TwinSession, port=port)

    @property
    def is_running(self) -> bool:
        """True between start and end."""
        return self.task is not None

    def start(self) -> None:
        """Begin, in a process of its own."""
        self.starts += 1
        self.process = Process(f"{self.name}/{self.starts}")
        context = contextvars.copy_context()
        context.run(PROCESS.set, self.process)
        coroutine = context.run(self._made, Random(f"{self.seed}/{self.name}/{self.starts}"))
        self.task = self.net.create_task(coroutine, context=context)

    def strike(self) -> None:
        """Let it die at this very moment, in the middle of what it does; `kill` then buries it."""
        assert self.process is not None
        self.process.kill()

    async def kill(self) -> None:
        """End it as SIGKILL would: whatever it would still do has no effect."""
        assert self.process is not None and self.task is not None
        was_struck = self.process.is_dead
        if self.task.done() and not was_struck:
            self.task.result()  # it has ended by itself: say why
        self.process.kill()
        self.task.cancel()
        (result,) = await asyncio.gather(self.task, return_exceptions=True)
        self.task = None
        known = isinstance(result, (Killed, asyncio.CancelledError, BaseExceptionGroup))
        assert known or was_struck, result
        self._died()

    async def stop(self) -> None:
        """End it politely."""
        assert self.task is not None
        self._ask_to_stop()
        await self.task
        self.task = None

    def _made(self, random: Random) -> Any:
        raise NotImplementedError

    def _ask_to_stop(self) -> None:
        raise NotImplementedError

    def _died(self) -> None:
        """What the operating system does in the end."""


class AgentProgram(Program):
    """An agent; `fit` may put other sources into it before it runs."""

    def __init__(
        self, net: Network, name: str, port: int, seed: str, site: Site, witness: Witness
    ) -> None:
        super().__init__(net, name, port, seed)
        self.site, self.witness = site, witness
        self.agent: Agent | None = None
        self.life: Life | None = None
        self.prepare: Callable[[Agent], None] = lambda agent: None  # before anybody watches it
        self.fit: Callable[[Agent], None] = lambda agent: None
        self._stop = asyncio.Event()

    def _made(self, random: Random) -> Any:
        make = self.session
        agent = Agent(
            self.site,
            self.name,
            self.clock,
            random,
            VERSION,
            make_session=make,  # type: ignore[arg-type]
        )
        self.prepare(agent)
        self.agent, self.life = agent, self.witness.watch(agent)
        self.fit(agent)
        self._stop = asyncio.Event()
        return agent.run(self._stop)

    async def kill(self) -> None:
        """Without a word."""
        assert self.life is not None
        self.life.ended_s, self.life.was_killed = self.net.time(), True
        await super().kill()

    async def stop(self) -> None:
        """Politely: what came is committed."""
        await super().stop()
        assert self.life is not None
        self.life.ended_s = self.net.time()

    def waiting(self) -> tuple[int, int]:
        """Batches and records that the plant has not confirmed."""
        assert self.agent is not None
        fill = self.agent.outbox.fill()
        return fill.batches, fill.records

    def _ask_to_stop(self) -> None:
        self._stop.set()


class FailingStore(SqliteStore):
    """A store that takes nothing while `is_gone`, and takes `slow_s` for what it takes."""

    is_gone = False
    slow_s = 0.0

    def write(self, points: Any) -> list[list[Refusal]]:
        """As the real one, when it is there."""
        if self.is_gone:
            raise StoreUnavailable("the store is away")
        listed: list[Points] = list(points)
        return super().write(listed)


class Pause:
    """Stands in for the event on which a thread would sleep: notes until when it would."""

    def __init__(self) -> None:
        self.until_s = 0.0
        self._is_set = False

    def set(self) -> None:
        """End every wait."""
        self._is_set = True

    def is_set(self) -> bool:
        """Whether it was ended."""
        return self._is_set

    def wait(self, timeout: float | None = None) -> bool:
        """Return at once; the wait is for the driver of the turns to keep."""
        self.until_s = asyncio.get_running_loop().time() + (timeout or 0.0)
        return self._is_set


class PausingRecording(Recording):
    """A recording without a thread: where it would sleep after a failure it asks for a pause."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._stopping: Any = Pause()

    @property
    def pauses(self) -> bool:
        """True while nothing is to be tried again."""
        return asyncio.get_running_loop().time() < float(self._stopping.until_s)


class HistorianProgram(Program):
    """The historian with store, dead letters and ledger, driven turn by turn."""

    def __init__(
        self, net: Network, port: int, seed: str, site: Site, folder: Path,
        make_store: Callable[[Path], FailingStore] = FailingStore,
    ) -> None:  # fmt: skip
        super().__init__(net, site.historian.name, port, seed)
        self.site, self.folder = site, folder
        self.store = make_store(folder / "samples.db")
        self.letters = DeadLetters(folder / "dead.db")
        self.ledger = Ledger(f"sqlite:{folder / 'ledger.db'}", self.clock)
        self.historian: Historian | None = None
        self.recording: PausingRecording | None = None
        self.turn_s = TURN_S
        self._stopping = False

    def _made(self, random: Random) -> Any:
        writer = Writer(self.store, self.letters, self.clock, random)
        historian = Historian(
            Model(self.site), writer, site=self.site.name, name=self.name,
            clock=self.clock, random=random,
        )  # fmt: skip
        self.recording = PausingRecording(
            self.ledger, Senders(self.site), historian.confirm_records, random
        )
        historian.keep_records(self.recording)
        self.historian, self._stopping = historian, False
        return self._run(historian, self.recording)

    async def _run(self, historian: Historian, recording: PausingRecording) -> None:
        client_id = f"refit-{self.site.name}-{self.name}"
        link = historian.attach(partial(self.session, self.site.broker, client_id))
        link.start()
        while not self._stopping:
            if self.store.slow_s and len(historian.inbox):
                await asyncio.sleep(self.store.slow_s)
            historian.turn()
            while not recording.pauses and recording.turn():
                pass
            due = historian.writer.wait_s()
            await asyncio.sleep(self.turn_s if due is None else min(due, self.turn_s))
        historian.stop()

    def close(self) -> None:
        """Give the files back."""
        self.store.close()
        self.letters.close()
        self.ledger.close()

    def _ask_to_stop(self) -> None:
        self._stopping = True
