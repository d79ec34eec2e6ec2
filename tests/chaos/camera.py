"""An agent whose station has pictures: `python -m tests.chaos.camera SITE AGENT STATION FILE...`.

Each file that is still in its place when the agent starts becomes a record with that file. So a
kill before the commit is made good by the next start, as a studio does it.
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from pathlib import Path
from random import SystemRandom

from edge.agent import Agent
from edge.health import METRICS, Health
from refit.running import stopped_by_signals
from stations.records import Draft
from wire.clock import SystemClock
from wire.metrics import StatusServer
from wire.site import load


async def take(agent: Agent, station: str, files: list[Path]) -> None:
    """A record for each picture."""
    for number, file in enumerate(files):
        if file.exists():
            draft = Draft(kind="camera.picture", time_ms=1_790_000_000_000 + number, data={})
            await agent.files.put_record(station, draft, [file])


async def run(site: Path, name: str, station: str, files: list[Path]) -> None:
    """The agent, until SIGTERM."""
    loaded = load(site)
    agent = Agent(loaded, name, SystemClock(), SystemRandom(), "test", METRICS)
    health = Health(agent)
    with StatusServer(health.metrics(), health.status, port=loaded.agent(name).http):
        await agent.run(stopped_by_signals(), health.run, partial(take, agent, station, files))


if __name__ == "__main__":
    asyncio.run(
        run(Path(sys.argv[1]), sys.argv[2], sys.argv[3], [Path(one) for one in sys.argv[4:]])
    )
