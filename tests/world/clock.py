"""An event loop whose time jumps to the next timer as soon as nothing else can run.

One of the two files that know asyncio from inside (the other is `network.py`). There are no real
sockets and no threads that the loop could wait for: what runs in an executor runs here and now.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import random
import selectors
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

START_MS = 1_790_000_000_000
TURNS_WITHOUT_TIME_MAX = 200_000
TIMER_S_MIN = 1e-6
DISK_S = (0.0002, 0.004)  # what a call in an executor takes
# Which process of the world a piece of code belongs to; None: the world itself.
PROCESS: contextvars.ContextVar[Process | None] = contextvars.ContextVar("process", default=None)


class Stuck(RuntimeError):
    """Nothing can ever happen again, or things happen for ever without time going on."""


class Killed(Exception):
    """What a call gets that a process makes after it was killed: it has no effect any more."""


class Process:
    """A program that can be killed: from then on nothing that it does has an effect."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_dead = False
        self.at_death: list[Callable[[], None]] = []

    def kill(self) -> None:
        """End it without a word, as SIGKILL does; the system then closes what it held open."""
        self.is_dead = True
        for release in self.at_death:
            release()
        self.at_death.clear()


def is_dead() -> bool:
    """Whether the process in whose name this is called has been killed."""
    process = PROCESS.get()
    return process is not None and process.is_dead


class Jump(selectors.BaseSelector):
    """A selector without files: instead of waiting it lets the time pass."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._turns = 0
        self._map: dict[Any, selectors.SelectorKey] = {}

    def select(self, timeout: float | None = None) -> list[Any]:
        """Nothing is ever ready; Stuck when it would be waited for without end."""
        if timeout is None:
            raise Stuck("every task waits and no timer is set")
        if timeout > 0:
            self.now_s += timeout
            self._turns = 0
            return []
        self._turns += 1
        if self._turns > TURNS_WITHOUT_TIME_MAX:
            raise Stuck(f"{TURNS_WITHOUT_TIME_MAX} turns of the loop at {self.now_s:.3f} s")
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """The loop's own self-pipe; it is never needed."""
        key = selectors.SelectorKey(fileobj, fileobj, events, data)
        self._map[fileobj] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Forget it again."""
        return self._map.pop(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """What is registered."""
        return self._map

    def close(self) -> None:
        """Forget everything."""
        self._map.clear()


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop in virtual time that begins with 0; `rng` decides what is left to chance."""

    def __init__(self, seed: int) -> None:
        self.jump = Jump()
        self.rng = random.Random(seed)
        self._free_at: dict[int, float] = {}
        super().__init__(self.jump)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self.jump.now_s

    def call_at(
        self, when: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        """No timer rings before some time has passed, or a wait for a rounding error never ends."""
        when = max(when, self.time() + TIMER_S_MIN)
        return super().call_at(when, callback, *args, context=context)

    def call_soon_threadsafe(self, callback: Any, *args: Any, context: Any = None) -> Any:
        """There is no other thread."""
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        """Do the work here and now (a thread would race the clock); the result takes its time.

        One call after another, as by one worker. A process that was killed does no work.
        """
        future = self.create_future()
        if is_dead():
            future.set_exception(Killed("an executor"))
            return future
        give: Callable[[Any], None]
        try:
            result = func(*args)
            give = future.set_result
        except Exception as error:  # noqa: BLE001 - the awaiting task gets it
            result, give = error, future.set_exception
        free_at = max(self._free_at.get(id(executor), 0.0), self.time())
        free_at += self.rng.uniform(*DISK_S)
        self._free_at[id(executor)] = free_at
        self.call_at(free_at, _finish, future, give, result)
        return future


def _finish(future: asyncio.Future[Any], give: Callable[[Any], None], result: Any) -> None:
    if is_dead():
        give, result = future.set_exception, Killed("an executor")
    if not future.done():
        give(result)


class VirtualClock:
    """The clock of one machine (`wire.clock.Clock`): UTC follows the virtual time and can step."""

    def __init__(self, loop: asyncio.AbstractEventLoop, start_ms: int = START_MS) -> None:
        self._loop = loop
        self._start_ticks = start_ms * 10_000
        self.stepped_ms = 0

    def now_ms(self) -> int:
        """UTC in milliseconds since 1970, as this machine believes it to be."""
        return self.ticks() // 10_000

    def ticks(self) -> int:
        """The same in 100 ns."""
        passed = round(self._loop.time() * 10_000_000)
        return self._start_ticks + passed + self.stepped_ms * 10_000

    def monotonic(self) -> float:
        """Virtual seconds; never steps."""
        return self._loop.time()

    def step(self, by_ms: int) -> None:
        """Set the clock forward, or back."""
        self.stepped_ms += by_ms


@contextlib.contextmanager
def virtual_time(loop: VirtualLoop, seed: int) -> Iterator[asyncio.Runner]:
    """A runner on this loop; while it lives `time.monotonic` and `uuid.uuid4` follow it.

    asyncua takes the time of its sessions and subscriptions from `time.monotonic`.
    """
    real_monotonic, real_uuid4 = time.monotonic, uuid.uuid4
    ids = random.Random(f"{seed}/uuid")
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        time.monotonic = loop.time
        uuid.uuid4 = lambda: uuid.UUID(int=ids.getrandbits(128), version=4)
        try:
            yield runner
        finally:
            time.monotonic, uuid.uuid4 = real_monotonic, real_uuid4
