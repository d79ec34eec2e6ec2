"""One station on its way through the agent: its tags by number, its rules, and their records."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
import structlog

from edge.sources.source import Gap
from stations.declare import Tag
from stations.records import BYTES_MAX, AgentInfo, Draft, File, Record, record_id
from stations.samples import Samples
from stations.upsets import ClockStep, RecordTooLong, rfc3339
from stations.upsets import Gap as GapData
from stations.watch import Watch

RESTARTED = "agent restarted"
DATA_BYTES_MAX = BYTES_MAX - 65_536  # the rest of a record has room beside it

log = structlog.get_logger()


@dataclass(slots=True)
class Lane:
    """Where a station's records come from, what its numbers mean, and what its rules remember.

    `connections` are the numbers that each connection of the station reads.
    `started` holds the connections that have reported since the lane was made, for the reason
    `begun`; `remembered` is the rules' memory as it was last committed.
    """

    site: str
    line: str
    station: str
    agent: AgentInfo
    tags: dict[int, Tag[Any]]
    connections: dict[str, tuple[int, ...]]
    watch: Watch | None = None
    started: set[str] = field(default_factory=set)
    remembered: bytes = b""
    rule_failures: int = 0
    begun: str = RESTARTED
    made_elsewhere: frozenset[str] = frozenset()

    def record(self, draft: Draft, files: tuple[File, ...] = ()) -> Record:
        """The record of a draft: the same draft and files always make the same record."""
        data = orjson.dumps(draft.data, option=orjson.OPT_SORT_KEYS)
        if len(data) > DATA_BYTES_MAX:
            return self.record(self._too_long(draft, len(data)))
        version, visit = str(draft.version), draft.visit or ""
        about = [self.site, self.station, draft.kind, version, visit, data.decode()]
        about += [word for file in files for word in (file.name, file.sha256)]
        return Record(
            id=record_id(draft.time_ms, *about),
            kind=draft.kind,
            version=draft.version,
            site=self.site,
            line=self.line,
            station=self.station,
            visit=draft.visit,
            time=rfc3339(draft.time_ms),
            agent=self.agent,
            data=orjson.loads(data),
            files=files,
        )

    def _too_long(self, draft: Draft, size: int) -> Draft:
        """What goes in place of a record that no ledger would take, ever."""
        log.error("a record is too long", station=self.station, kind=draft.kind, bytes=size)
        said = RecordTooLong(
            kind=draft.kind, version=draft.version, bytes=size, bytes_max=DATA_BYTES_MAX
        )
        return said.draft(draft.time_ms, draft.visit)

    def judge(self, samples: Samples) -> list[Record]:
        """What the station's rules say about these samples."""
        if self.watch is None:
            return []
        try:
            drafts = self.watch.feed(samples)
            return [self.record(one) for one in drafts if one.kind not in self.made_elsewhere]
        except Exception:
            # A rule that fails costs its station a record; the samples go on, and health says so.
            self.rule_failures += 1
            log.exception("the rules failed", station=self.station, kind=self.watch.kind.name)
            return []

    def gap(self, connection: str | None, gap: Gap, from_ms: int) -> Record:
        """The record of samples that may be missing."""
        data = GapData(
            connection=connection,
            tags=self._names(gap.numbers),
            began=rfc3339(from_ms),
            ended=rfc3339(gap.to_ms),
            count=gap.count,
            reason=gap.reason,
        )
        return self.record(data.draft(gap.to_ms))

    def step(self, connection: str, numbers: tuple[int, ...], by_ms: int, now_ms: int) -> Record:
        """The record of a source clock that is not to be believed."""
        data = ClockStep(connection=connection, tags=self._names(numbers), by_ms=by_ms)
        return self.record(data.draft(now_ms))

    def memory(self) -> bytes | None:
        """The rules' memory as bytes when it differs from what was committed last, else None."""
        if self.watch is None:
            return None
        memory = orjson.dumps(dataclasses.asdict(self.watch.memory))
        return None if memory == self.remembered else memory

    def remember(self, memory: bytes) -> None:
        """Give the rules back what they remembered when the agent last stopped."""
        if self.watch is None:
            return
        try:
            self.watch.memory = self.watch.kind.memory(**orjson.loads(memory))
        except (TypeError, ValueError) as error:
            # Written by rules of another version: these begin anew, as in the middle of a visit.
            log.warning("the rules' memory is not known", station=self.station, why=str(error))
        else:
            self.remembered = memory

    def rows(self, samples: Samples) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which rows belong to this station."""
        return np.isin(samples.tag, np.fromiter(self.tags, np.uint32))

    def _names(self, numbers: tuple[int, ...]) -> list[str]:
        """Names in the order of the numbers; [] when it is all of them."""
        if set(numbers) >= set(self.tags):
            return []
        return [self.tags[number].name for number in sorted(numbers) if number in self.tags]
