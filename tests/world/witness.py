"""Watches a run from the side: what was committed, told, published; it changes nothing."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from edge.agent import Agent
from edge.arrivals import Arrival
from edge.outbox_file import Batch
from edge.sources.source import Gap
from stations.samples import Samples
from tests.world.broker import Heard
from wire import topics
from wire.sparkplug import codec
from wire.topics import Verb

Name = tuple[str, str]  # station, tag
RECENT_MAX = 40


@dataclass(frozen=True)
class Told:
    """A gap that a source told its agent: in which life of the agent, and when."""

    life: Life
    station: str
    connection: str
    gap: Gap
    time_s: float
    is_known: bool


@dataclass(eq=False)
class Life:
    """One agent from its start to its end."""

    name: str
    began_s: float
    ended_s: float = float("inf")
    was_killed: bool = False
    known: frozenset[int] = frozenset()
    reported: dict[tuple[str, str], float] = field(default_factory=dict)


class Session:
    """What one client session has published: births first, then unbroken sequence numbers."""

    def __init__(self) -> None:
        self.seq: int | None = None
        self.born: set[str] = set()

    def hear(self, verb: Verb, device: str, payload: bytes) -> str:
        """What is wrong with this message; "" when nothing is."""
        if verb in (Verb.NDEATH, Verb.NCMD, Verb.DCMD):
            return ""
        seq = codec.seq_of(codec.parse(payload))
        if verb is Verb.NBIRTH:
            self.seq, self.born = seq, set()
            return "" if seq == 0 else f"a birth with seq {seq}"
        if self.seq is None:
            return f"{verb} before the birth"
        expected, self.seq = (self.seq + 1) % 256, seq
        if seq != expected:
            return f"{verb} of {device or 'the node'} has seq {seq}, not {expected}"
        if verb is Verb.DBIRTH:
            self.born.add(device)
        elif device and device not in self.born:
            return f"{verb} of {device} before its birth"
        return ""


class Witness:
    """Everything that a run has shown, and a hash over it that says whether two runs were alike."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self.now_s = now_s
        self.lives: list[Life] = []
        self.told: list[Told] = []
        self.wrong: list[str] = []
        self.troubles: list[str] = []
        self.records: set[str] = set()
        self.committed: dict[Name, list[Samples]] = defaultdict(list)
        self.newest_ms: dict[Name, int] = {}
        self.counts: Counter[str] = Counter()
        self._sessions: dict[tuple[str, int], Session] = defaultdict(Session)
        self._hash = hashlib.sha256()

    @property
    def trace(self) -> str:
        """The hash over all that has happened, in order, with its times."""
        return self._hash.hexdigest()

    def note(self, *what: Any) -> None:
        """Something has happened."""
        self._hash.update(repr((self.now_s(), *what)).encode())

    def trouble(self, what: str) -> None:
        """Something has been broken or mended."""
        self.note("trouble", what)
        self.counts["troubles"] += 1
        self.troubles.append(f"{self.now_s():.3f} s: {what}")

    def heard(self, heard: Heard) -> None:
        """A message has reached the broker."""
        message = heard.message
        self.note(heard.client, message.topic, message.payload, message.qos, message.retain)
        self.counts["messages"] += 1
        address = topics.parse(message.topic)
        if address is not None and heard.client.endswith(f"-{address.edge}"):
            session = self._sessions[heard.client, heard.connection]
            wrong = session.hear(address.verb, address.device, message.payload)
            if wrong:
                self.wrong.append(f"{self.now_s():.3f} s, {heard.client}: {wrong}")
            self.counts[address.verb.value] += 1

    def watch(self, agent: Agent) -> Life:
        """Look over the shoulder of a new agent."""
        known = frozenset(agent.pipeline.state.samples().tag.tolist())
        life = Life(agent.name, self.now_s(), known=known)
        self.lives.append(life)
        vars(agent.outbox)["commit"] = self._commits(agent, agent.outbox.commit)
        vars(agent.outbox)["confirmed"] = self._confirms(agent.outbox.confirmed)
        vars(agent.intake)["put"] = self._puts(agent, life, agent.intake.put)
        agent.outbox.tell = self._tells(agent.outbox.tell)
        found = agent.outbox.records(1_000)  # what opening it has found lost is said already
        self.records.update(id for id, body in found if b'"outbox damaged"' in body)
        return life

    def _commits(self, agent: Agent, commit: Callable[..., list[Batch]]) -> Callable[..., Any]:
        names = {number: name for number, (_, name, _) in agent.outbox.all_tags().items()}

        def watched(
            batches: Sequence[Batch],
            now_ms: int,
            records: Sequence[tuple[str, bytes]] = (),
            *more: Any,
            **named: Any,
        ) -> list[Batch]:
            placed = commit(batches, now_ms, records, *more, **named)
            for batch in placed:
                self._committed(agent.name, batch, names)
            self.records.update(id for id, _ in records)
            self.note("records", [id for id, _ in records])
            return placed

        return watched

    def _confirms(self, confirmed: Callable[..., int]) -> Callable[..., int]:
        def watched(
            ranges: Any, state: Any = None, records: Sequence[tuple[str, bytes]] = (), *more: Any,
            **named: Any,
        ) -> int:  # fmt: skip
            gone = confirmed(ranges, state, records, *more, **named)
            self.records.update(id for id, _ in records)
            return gone

        return watched

    def _tells(self, tell: Callable[..., Any]) -> Callable[..., Any]:
        def watched(lost: Any) -> Any:
            records = tell(lost)
            self.records.update(id for id, _ in records)
            return records

        return watched

    def _committed(self, agent: str, batch: Batch, names: dict[int, str]) -> None:
        samples = batch.samples
        self.note("commit", agent, batch.position, batch.station, samples.to_bytes())
        self.counts["samples"] += len(samples)
        for tag in set(samples.tag.tolist()):
            name = (batch.station, names[tag])
            part = samples[samples.tag == tag].compact()
            self.committed[name].append(part)
            self.newest_ms[name] = int(part.time.max())

    def _puts(self, agent: Agent, life: Life, put: Callable[..., Any]) -> Callable[..., Any]:
        async def watched(arrival: Arrival) -> None:
            lane, connection, what = arrival.lane, arrival.connection, arrival.what
            await put(arrival)
            if isinstance(what, Gap):
                known = set(agent.pipeline.state.samples(what.numbers).tag.tolist())
                told = Told(life, lane.station, connection, what, self.now_s(), bool(known))
                self.told.append(told)
                self.counts["gaps"] += 1
            else:
                life.reported.setdefault((lane.station, connection), self.now_s())

        return watched

    def forget(self) -> None:
        """Let go of what has been judged: a run of weeks must not fill the memory by being seen."""
        for seen in (self.lives, self.told, self.troubles):
            seen.clear()  # type: ignore[attr-defined]
        self.records.clear()
        self.committed.clear()
        while len(self._sessions) > RECENT_MAX:
            del self._sessions[next(iter(self._sessions))]

    def story(self) -> str:
        """What was broken when, for a person who looks for the cause of a failure."""
        return "\n".join(self.troubles[-RECENT_MAX:])
