"""How an agent is doing: as Sparkplug metrics every few seconds, for /healthz and for /metrics."""

from __future__ import annotations

import asyncio
import shutil
from typing import Any

import psutil

from edge.agent import Agent
from stations.declare import Type
from wire.sparkplug.datatypes import Scalar
from wire.sparkplug.metrics import NodeMetric

EVERY_S = 10.0
METRICS = (
    NodeMetric("backlog_batches", Type.INT),
    NodeMetric("backlog_samples", Type.INT),
    NodeMetric("backlog_bytes", Type.INT, "B"),
    NodeMetric("backlog_age", Type.FLOAT, "s"),
    NodeMetric("records_waiting", Type.INT),
    NodeMetric("samples", Type.INT),
    NodeMetric("acknowledged", Type.INT),
    NodeMetric("records", Type.INT),
    NodeMetric("gaps", Type.INT),
    NodeMetric("repeats", Type.INT),
    NodeMetric("reconnects", Type.INT),
    NodeMetric("links_down", Type.INT),
    NodeMetric("bad_tags", Type.INT),
    NodeMetric("commit_failures", Type.INT),
    NodeMetric("cpu", Type.FLOAT, "%"),
    NodeMetric("memory", Type.INT, "B"),
    NodeMetric("disk_free", Type.INT, "B"),
)


class Health:
    """Reads an agent's counters; nothing here changes it."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.values: dict[str, Scalar | None] = {}
        self._process = psutil.Process()
        self._process.cpu_percent()

    async def run(self) -> None:
        """Publish the health metrics for ever."""
        while True:
            self.agent.publisher.health(await self.read())
            await asyncio.sleep(EVERY_S)

    async def read(self) -> dict[str, Scalar | None]:
        """All health metrics as they are now."""
        agent = self.agent
        fill = await agent.run_blocking(agent.outbox.fill)
        age_ms = 0 if fill.oldest_ms is None else agent.clock.now_ms() - fill.oldest_ms
        statuses = [link.source.status for link in agent.links]
        tally, counts = agent.intake.tally, agent.pipeline.counts
        self.values = {
            "backlog_batches": fill.batches,
            "backlog_samples": fill.samples,
            "backlog_bytes": fill.bytes,
            "backlog_age": age_ms / 1000,
            "records_waiting": fill.records,
            "samples": tally.samples,
            "acknowledged": tally.acknowledged,
            "records": tally.records,
            "gaps": tally.gaps,
            "repeats": counts.repeats,
            "reconnects": sum(status.reconnects for status in statuses),
            "links_down": sum(not status.connected for status in statuses),
            "bad_tags": sum(len(status.bad) for status in statuses),
            "commit_failures": tally.commit_failures,
            "cpu": self._process.cpu_percent(),
            "memory": self._process.memory_info().rss,
            "disk_free": shutil.disk_usage(agent.outbox.path.parent).free,
        }
        return self.values

    def status(self) -> tuple[bool, dict[str, Any]]:
        """Whether all is well, and everything that a person asks for first."""
        agent = self.agent
        session = agent.publisher.session
        connected = session is not None and session.connected
        problems = [agent.intake.problem] if agent.intake.problem else []
        if not connected:
            why = session.status().reason if session is not None else ""
            problems.append(f"no connection to the broker {why}".strip())
        elif not agent.publisher.node.can_send:
            problems.append(f"waiting for the host {agent.publisher.node.primary}")
        links = {}
        for link in agent.links:
            status = link.source.status
            links[link.source.name] = {
                "connected": status.connected,
                "reconnects": status.reconnects,
                "bad": status.bad,
                "counters": status.counters,
            }
            if not status.connected:
                problems.append(f"{link.source.name} is not connected")
        told = {"agent": agent.name, "problems": problems, "links": links, "health": self.values}
        return not problems, told
