"""A TCP relay between a source and its machine that can go silent with every connection open."""

from __future__ import annotations

import asyncio


class Relay:
    """Passes bytes both ways while `open` is set; listens on a free port of the loopback."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self.open = asyncio.Event()
        self.open.set()
        self._behind = port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Relay:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            inner, outer = await asyncio.open_connection("127.0.0.1", self._behind)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._pass(reader, outer))
                    group.create_task(self._pass(inner, writer))
            finally:
                outer.close()
        except* (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            await self.open.wait()
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError("one side has closed")
