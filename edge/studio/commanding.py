"""Commands on their way to the controller: each with the newest value that is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from edge.sources.fault import MachineFault
from edge.sources.opcua_commands import NotAllowed, OpcuaCommands

AGAIN_S = 1.0


class Commanding:
    """Gives commands until the controller has taken them. `run` must run."""

    def __init__(self, commands: OpcuaCommands, again_s: float = AGAIN_S) -> None:
        self._commands, self._again_s = commands, again_s
        self._wanted: dict[str, bool] = {}
        self._fresh = asyncio.Event()
        self._refused: dict[str, str] = {}

    def want(self, command: str, value: bool) -> None:
        """From now on the command is to have this value."""
        self._wanted[command] = value
        self._fresh.set()

    def problems(self) -> Iterator[str]:
        """Commands that may not be given."""
        yield from self._refused.values()

    async def run(self) -> None:
        """Write for ever, until cancelled."""
        while True:
            await self._fresh.wait()
            self._fresh.clear()
            for command, value in list(self._wanted.items()):
                try:
                    await self._commands.give(command, value)
                except NotAllowed as error:
                    self._refused[command] = str(error)
                except MachineFault:
                    self._fresh.set()
                    continue
                if self._wanted.get(command) is value:
                    del self._wanted[command]
            if self._fresh.is_set():
                await asyncio.sleep(self._again_s)
