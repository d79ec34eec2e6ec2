"""The judge can say no: each invariant is broken once, in the program, and is found broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from edge.agent import Agent
from edge.delivery import Delivery
from edge.intake import Intake
from edge.outbox import Outbox
from edge.pipeline import Pipeline
from edge.sources.source import Gap
from edge.state import State
from plant.historian import Historian
from plant.ledger import Ledger
from stations.samples import Samples
from tests.world.machine import Session
from tests.world.plans import Plan, read
from tests.world.play import play
from tests.world.session import TwinSession
from tests.world.small_parts import SmallStore
from wire.topics import Verb

pytestmark = pytest.mark.world

SEEDS = 5
KILLED = "agent killed around a commit, at commit 7, a moment"


@cache
def well(faults: tuple[str, ...]) -> list[Plan]:
    """Some plans with these faults, which the program as it is passes."""
    plans = [Plan(seed, [read(one) for one in faults]) for seed in range(SEEDS)]
    for plan in plans:
        verdict = play(plan)
        assert not verdict.problems, str(verdict)
    return plans


def broken(
    monkeypatch: pytest.MonkeyPatch, part: type, name: str, instead: Callable[[Any], Any],
    *faults: str,
) -> str:  # fmt: skip
    """What the judge says when a method is another one: `instead` gets the true one."""
    plans = well(faults)
    monkeypatch.setattr(part, name, instead(getattr(part, name)))
    return "\n".join(one for plan in plans for one in play(replace(plan, hit=[])).problems)


def test_what_was_acknowledged_before_it_was_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    def early(take: Any) -> Any:
        async def taken(self: Session) -> Any:
            number, rows, overflowed = await take(self)
            self.acknowledge(number)
            return number, rows, overflowed

        return taken

    said = broken(monkeypatch, Session, "take", early, KILLED)
    assert "acknowledged and not committed" in said


def test_what_the_store_never_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgets(write: Any) -> Any:
        def written(self: SmallStore, points: Any) -> Any:
            listed = list(points)
            write(self, [one for one in listed if one.station != "meter-1"])
            return [[] for _ in listed]

        return written

    assert "lost after the commit" in broken(monkeypatch, SmallStore, "write", forgets)


def test_what_is_stored_and_was_never_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    def shifts(write: Any) -> Any:
        def written(self: SmallStore, points: Any) -> Any:
            later = [replace(one, samples=_later(one.samples)) for one in points]
            return write(self, later)

        return written

    said = broken(monkeypatch, SmallStore, "write", shifts)
    assert "stored and never committed" in said


def _later(samples: Samples) -> Samples:
    return replace(samples, time=samples.time + 1)


def test_a_value_that_nobody_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    def invents(run: Any) -> Any:
        def ran(self: Pipeline, report: Any) -> Any:
            kept = run(self, report)
            value = kept.samples.value.copy()
            if report.polled:
                value[:] += 1
            return replace(kept, samples=replace(kept.samples, value=value))

        return ran

    assert "never offered" in broken(monkeypatch, Pipeline, "run", invents)


def test_a_value_that_is_told_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgets(state: Any) -> Any:
        def forgotten(self: Outbox) -> Any:
            known, lost = state(self)
            fresh = State()
            fresh.grow(len(known.known))
            fresh.time[:] = known.time
            return fresh, lost

        return forgotten

    said = broken(monkeypatch, Outbox, "state", forgets, KILLED)
    assert "told again" in said or "told twice" in said or "committed twice" in said


def test_a_hole_without_a_gap_record(monkeypatch: pytest.MonkeyPatch) -> None:
    said = broken(monkeypatch, Intake, "_gap", lambda gap: lambda *arguments: None, KILLED)
    assert "neither seen nor in a gap" in said
    assert "no record of" in said or "restarts" in said


def test_a_gap_that_says_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    def longer(gap: Any) -> Any:
        def told(self: Intake, group: Any, lane: Any, connection: str, one: Gap) -> None:
            gap(self, group, lane, connection, replace(one, to_ms=one.to_ms + 5_000))

        return told

    assert "lies inside" in broken(monkeypatch, Intake, "_gap", longer, KILLED)


def dropping(verb: Verb, which: int) -> Callable[[Any], Any]:
    """A session that loses the `which`-th message of a verb and says that it has sent it."""

    def drops(publish: Any) -> Any:
        seen = []

        def published(self: TwinSession, message: Any) -> Any:
            if f"/{verb}/" in message.topic:
                seen.append(message)
                if len(seen) == which:
                    return True
            return publish(self, message)

        return published

    return drops


def test_a_sequence_number_that_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "seq" in broken(monkeypatch, TwinSession, "publish", dropping(Verb.DDATA, 3))


def test_data_before_its_birth(monkeypatch: pytest.MonkeyPatch) -> None:
    said = broken(monkeypatch, TwinSession, "publish", dropping(Verb.DBIRTH, 2))
    assert "before its birth" in said


def test_a_backlog_that_is_never_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(commit: Any) -> Any:
        return lambda self, items: None

    assert "all is delivered" in broken(monkeypatch, Historian, "_commit", silent)


def test_a_record_that_the_ledger_only_says_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    def lies(append: Any) -> Any:
        def appended(self: Ledger, records: Any) -> Any:
            done = append(self, [])
            return replace(done, taken=[one.id for one in records])

        return appended

    assert "the ledger lacks" in broken(monkeypatch, Ledger, "append", lies, KILLED)


def test_something_that_only_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    said = broken(monkeypatch, Delivery, "confirmed", lambda _: lambda self, ranges: 0)
    assert "batches under way in the end" in said


def test_an_agent_that_does_not_come_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(links: Any) -> Any:
        def made(self: Agent, *arguments: Any) -> Any:
            raise RuntimeError("a mistake of ours")
            yield  # pragma: no cover

        return made

    assert "a mistake of ours" in broken(monkeypatch, Agent, "links_of", fails)
