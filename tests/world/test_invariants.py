"""The invariants can fail: each tampering with a good run is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from stations.samples import Samples, concat
from tests.world import invariants
from tests.world.line import World, run
from tests.world.troubles import Troubles, agent_killed, machine_cut
from tests.world.witness import Session
from wire.sparkplug.codec import Payload, encode
from wire.topics import Verb

pytestmark = pytest.mark.world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A short run with cuts and kills in which all is well."""
    script = Troubles(3, 60.0, mean_s=8.0)
    script.kinds = [machine_cut, agent_killed]
    made = run(tmp_path_factory.mktemp("world"), 3, script, with_protocols=False)
    invariants.check(made)
    assert made.witness.told and made.witness.records
    return made


Change = Callable[[Samples], Samples]


def altered(column: str, by: int) -> Change:
    """Samples in which a number is another one in the last row."""

    def change(samples: Samples) -> Samples:
        values = getattr(samples, column).copy()
        values[-1] += by
        return replace(samples, **{column: values})

    return change


def retold(samples: Samples) -> Samples:
    """Samples with another text in each place."""
    return replace(samples, side=tuple(b"another" for _ in samples.side))


@pytest.mark.parametrize(
    ("tag", "change", "found"),
    [
        (("studio-1", "angle"), lambda samples: samples[:-1], "1 too many"),
        (("studio-1", "angle"), altered("time", 1), "1 lost"),
        (("studio-1", "angle"), altered("status", 5), "another status"),
        (("studio-1", "angle"), altered("value", 1), "another value"),
        (("studio-1", "visit"), retold, "another text"),
    ],
)
def test_a_store_that_differs(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    tag: tuple[str, str],
    change: Change,
    found: str,
) -> None:
    committed = dict(world.witness.committed)
    whole = concat(committed[tag])
    committed[tag] = [change(whole)]
    monkeypatch.setattr(world.witness, "committed", committed)
    (problem,) = invariants.samples(world)
    assert found in problem


def test_a_series_that_nobody_sent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    committed = dict(world.witness.committed)
    committed.pop(next(iter(committed)))
    monkeypatch.setattr(world.witness, "committed", committed)
    assert "only one side" in invariants.samples(world)[0]


def test_a_sample_that_was_committed_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    committed = {name: [*parts, parts[-1]] for name, parts in world.witness.committed.items()}
    monkeypatch.setattr(world.witness, "committed", committed)
    assert all("twice" in problem for problem in invariants.samples(world))


def test_a_record_that_is_lost_or_made_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    records = world.witness.records
    monkeypatch.setattr(world.witness, "records", records | {"another"})
    assert invariants.records(world) == ["the ledger lacks 1 records"]
    monkeypatch.setattr(world.witness, "records", set(list(records)[1:]))
    assert invariants.records(world) == ["the ledger has 1 that nobody made"]


def test_a_gap_without_a_record(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told = world.witness.told[-1]
    other = replace(told, gap=replace(told.gap, reason="nobody knows"))
    lived_on = replace(other, life=replace(other.life, was_killed=False))
    monkeypatch.setattr(world.witness, "told", [lived_on])
    assert "no record of" in invariants.gaps(world)[0]


def test_a_restart_without_a_record(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lives = world.witness.lives
    assert any(life.was_killed for life in lives)
    monkeypatch.setattr(world.witness, "lives", lives * 2)
    assert any("restarts" in problem for problem in invariants.gaps(world))


def test_a_change_that_is_neither_kept_nor_a_gap(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, times = next((name, times) for name, times in world.changes().items() if len(times) > 2)
    committed = dict(world.witness.committed)
    committed[name] = [part[part.time > times[1] + 1000] for part in committed[name]]
    monkeypatch.setattr(world.witness, "committed", committed)
    assert any("neither kept nor a gap" in problem for problem in invariants.changes(world))


def said(seq: int) -> bytes:
    """A payload with this sequence number."""
    return encode(Payload(1, seq, []))


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ([(Verb.DDATA, "a", 0)], "DDATA before the birth"),
        ([(Verb.NBIRTH, "", 1)], "a birth with seq 1"),
        ([(Verb.NBIRTH, "", 0), (Verb.DBIRTH, "a", 2)], "DBIRTH of a has seq 2, not 1"),
        ([(Verb.NBIRTH, "", 0), (Verb.DDATA, "a", 1)], "DDATA of a before its birth"),
        ([(Verb.NBIRTH, "", 0), (Verb.DBIRTH, "a", 1), (Verb.NBIRTH, "", 0),
          (Verb.DDATA, "a", 1)], "DDATA of a before its birth"),
    ],
)  # fmt: skip
def test_a_session_that_is_out_of_order(words: list[tuple[Verb, str, int]], wrong: str) -> None:
    session = Session()
    hear: Callable[..., str] = session.hear
    told = [hear(verb, device, said(seq)) for verb, device, seq in words]
    assert told[-1] == wrong
    assert not any(told[:-1])


def test_the_number_after_255_is_0() -> None:
    session = Session()
    assert not session.hear(Verb.NBIRTH, "", said(0))
    assert not any(session.hear(Verb.NDATA, "", said(n % 256)) for n in range(1, 600))


def test_a_wrong_session_fails_the_check(world: World) -> None:
    world.witness.wrong.append("something")
    try:
        with pytest.raises(AssertionError, match="something"):
            invariants.check(world)
    finally:
        world.witness.wrong.clear()
