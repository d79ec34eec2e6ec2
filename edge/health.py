"""How an agent is doing: as Sparkplug metrics every few seconds, for /healthz and for /metrics."""

from __future__ import annotations

import asyncio
import dataclasses
import shutil
import sqlite3
from collections.abc import Iterator
from typing import Any

import psutil
import structlog

from edge.agent import Agent
from edge.files.table import FileFill
from edge.trust import expiry
from stations.declare import Type
from wire.certificates import ending, seconds_left
from wire.metrics import Metrics
from wire.sparkplug.datatypes import Scalar
from wire.sparkplug.metrics import NodeMetric
from wire.troubles import Troubles

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
    NodeMetric("files_waiting", Type.INT),
    NodeMetric("files_bytes", Type.INT, "B"),
    NodeMetric("files_age", Type.FLOAT, "s"),
    NodeMetric("files_sent", Type.INT),
    NodeMetric("files_lost", Type.INT),
    NodeMetric("files_refused", Type.INT),
    NodeMetric("problems", Type.INT),
    NodeMetric("problem", Type.TEXT),
    NodeMetric("certificate_left", Type.FLOAT, "s"),
    NodeMetric("opcua_certificate_left", Type.FLOAT, "s"),
)
PROBLEM_MAX = 200  # characters; the whole text is in /healthz


ANSWER_S = 2.0

log = structlog.get_logger()


class Health:
    """Reads an agent's counters; nothing here changes it. Made on the agent's event loop."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.files = FileFill(0, 0, None)
        self._loop = asyncio.get_running_loop()
        self._process = psutil.Process()
        self._process.cpu_percent()
        self._troubles = Troubles(agent.clock)

    async def run(self) -> None:
        """Publish the health metrics for ever."""
        while True:
            try:
                self.agent.publisher.health(await self.read())
            except (sqlite3.Error, OSError) as error:
                log.warning("the health cannot be read", why=str(error))
            await asyncio.sleep(EVERY_S)

    async def read(self) -> dict[str, Scalar | None]:
        """All health metrics as they are now."""
        agent = self.agent
        fill = await agent.run_blocking(agent.outbox.fill)
        files = self.files = await agent.run_blocking(agent.outbox.files.fill)
        sent = agent.files.sender.tally
        statuses = [link.source.status for link in agent.links]
        tally, counts = agent.intake.tally, agent.pipeline.counts
        since = self._since()
        oldest = min(since, key=since.__getitem__, default="")
        return {
            "backlog_batches": fill.batches,
            "backlog_samples": fill.samples,
            "backlog_bytes": fill.bytes,
            "backlog_age": self._age_s(fill.oldest_ms),
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
            "files_waiting": files.waiting,
            "files_bytes": files.bytes,
            "files_age": self._age_s(files.oldest_ms),
            "files_sent": sent.sent,
            "files_lost": sent.lost,
            "files_refused": agent.files.refused,
            "problems": len(since),
            "problem": oldest[:PROBLEM_MAX],
            "certificate_left": seconds_left(agent.broker.cert_file, agent.clock.now_ms()),
            "opcua_certificate_left": expiry.least(self._terms()),
        }

    def _age_s(self, oldest_ms: int | None) -> float:
        return 0.0 if oldest_ms is None else (self.agent.clock.now_ms() - oldest_ms) / 1000

    def fresh(self) -> dict[str, Any]:
        """The same from another thread; TimeoutError when the event loop does not answer."""
        return asyncio.run_coroutine_threadsafe(self.read(), self._loop).result(ANSWER_S)

    def _numbers(self) -> dict[str, float]:
        return {
            name: value for name, value in self.fresh().items() if isinstance(value, int | float)
        }

    def metrics(self) -> Metrics:
        """The metrics of the process, for another thread: read when they are asked for."""
        metrics, agent = Metrics(), self.agent
        metrics.gauges(
            "agent", "Health of the agent, as in Sparkplug", "what",
            self._numbers,
        )  # fmt: skip
        metrics.gauges(
            "agent_link_up", "Whether a connection of a station is up", "link",
            lambda: {link.source.name: link.source.status.connected for link in agent.links},
        )  # fmt: skip
        metrics.counters(
            "agent_not_passed_on", "Values that the pipeline held back or changed", "why",
            lambda: dataclasses.asdict(agent.pipeline.counts),
        )  # fmt: skip
        metrics.counters(
            "agent_sparkplug", "What the edge node has counted", "what",
            lambda: dict(agent.publisher.node.counts),
        )  # fmt: skip
        return metrics

    def status(self) -> dict[str, Any]:
        """Whether all is well, and what a person asks for first; for another thread."""
        agent = self.agent
        links = {}
        for link in agent.links:
            status = link.source.status
            links[link.source.name] = {
                "connected": status.connected,
                "reconnects": status.reconnects,
                "bad": dict(status.bad),
                "counters": dict(status.counters),
            }
        health = self.fresh()
        since = self._since()
        return {
            "ok": not since,
            "agent": agent.name,
            "problems": list(since),
            "since_ms": since,
            "links": links,
            "studios": self._studios(),
            "health": health,
        }

    def _studios(self) -> dict[str, Any]:
        if not self.agent.sessions.studios:
            return {}
        from stations.studio.status import status_of  # takes its time, and few agents have one

        studios = self.agent.sessions.studios.items()
        return {name: status_of(one.job, one.memory) for name, one in studios}

    def _terms(self) -> list[expiry.Term]:
        agent = self.agent
        return expiry.terms(agent.site.stations_of(agent.name), agent.clock.now_ms())

    def _since(self) -> dict[str, int]:
        """The problems of this moment, and since when each has lasted."""
        return self._troubles.since([*self._problems(), *self.agent.files.problems(self.files)])

    def _problems(self) -> Iterator[str]:
        agent = self.agent
        session, node = agent.publisher.session, agent.publisher.node
        if agent.intake.problem:
            yield agent.intake.problem
        if agent.publisher.problem:
            yield agent.publisher.problem
        yield from agent.keeper.problems()
        yield from agent.sessions.problems()
        yield from agent.publisher.caps.problems()
        if session is None or not session.connected:
            yield "no connection to the broker"
        elif not node.can_send and "" not in node.unfit:
            yield f"waiting for the host {node.primary}"
        if told := ending(agent.broker.cert_file, agent.clock.now_ms()):
            yield told
        yield from filter(None, (one.trouble for one in self._terms()))
        for lane in agent.lanes.values():
            if lane.rule_failures:
                yield f"{lane.station}: the rules failed {lane.rule_failures} times, see the log"
        for link in agent.links:
            if not link.source.status.connected:
                yield f"{link.source.name} is not connected"
            for tag, why in link.source.status.bad.items():
                yield f"{link.source.name}: {tag} cannot be read: {why}"
