"""Record messages become entries; every agent learns what became of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant.ledger import Ledger, LedgerUnavailable
from plant.recorder import MESSAGES_AN_AGENT, Invalid, Recorder, Recording, understood
from plant.senders import Senders
from stations.records import BYTES_MAX, Record
from tests.plant.records import HandClock, record
from tests.servers import until
from wire.site import Site, StationConfig


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(f"sqlite:{tmp_path / 'ledger.db'}", HandClock()) as opened:
        yield opened


SERVED = {"studio-1": "pc-1", "studio-2": "pc-2", "studio-3": "flood", "studio-4": "calm"}
OF = {agent: station for station, agent in SERVED.items()}
SITE = Site(
    name="flins",
    stations=tuple(
        StationConfig(name=name, kind="studio", agent=agent) for name, agent in SERVED.items()
    ),
)
SENDERS = Senders(SITE)


def body(number: int, agent: str = "pc-1", **changes: Any) -> bytes:
    """A record as `agent` sends it."""
    of = {"station": OF[agent], "agent": {"name": agent, "version": "0.1.0"}}
    said = record(1).model_dump(mode="json") | {"id": record(number).id}
    return orjson.dumps(said | of | changes)


def test_records_are_confirmed_once_they_are_in_the_ledger(ledger: Ledger) -> None:
    recorder = Recorder(ledger, SENDERS)
    answers = recorder.take([("pc-1", body(1)), ("pc-2", body(2, "pc-2")), ("pc-1", body(3))])
    assert {agent: orjson.loads(answer) for agent, answer in answers.items()} == {
        "pc-1": {"ids": [record(1).id, record(3).id], "refused": {}},
        "pc-2": {"ids": [record(2).id], "refused": {}},
    }
    assert len(ledger) == 3


def test_a_record_that_is_too_long_is_told_by_its_id(ledger: Ledger) -> None:
    answers = Recorder(ledger, SENDERS).take([("pc-1", body(1, data={"curve": "x" * BYTES_MAX}))])
    assert list(orjson.loads(answers["pc-1"])["refused"]) == [record(1).id]


def test_a_known_record_is_confirmed_again(ledger: Ledger) -> None:
    recorder = Recorder(ledger, SENDERS)
    first = recorder.take([("pc-1", body(1)), ("pc-1", body(1))])
    assert first == recorder.take([("pc-1", body(1))])
    assert (recorder.counts["taken"], recorder.counts["known"]) == (1, 2)
    assert len(ledger) == 1


def test_a_record_whose_answer_was_lost_is_told_when_it_comes_again(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Committed, and then the disk of the head was full or the connection cut."""
    told: list[Record] = []
    recorder = Recorder(ledger, SENDERS, told.extend)

    def full(_: object) -> None:
        raise LedgerUnavailable("No space left on device")

    monkeypatch.setattr(ledger.head_file, "advance", full)
    with pytest.raises(LedgerUnavailable):
        recorder.take([("pc-1", body(1))])
    assert (len(ledger), told) == (1, [])
    monkeypatch.undo()
    assert orjson.loads(recorder.take([("pc-1", body(1))])["pc-1"])["ids"] == [record(1).id]
    assert [one.id for one in told] == [record(1).id]


def test_a_refused_record_is_answered_so_that_it_is_not_sent_for_ever(ledger: Ledger) -> None:
    recorder = Recorder(ledger, SENDERS)
    recorder.take([("pc-1", body(1))])
    answers = recorder.take(
        [
            ("pc-1", body(1, data={"other": 1})),
            ("pc-1", body(2, time="yesterday")),
            ("pc-1", body(3, station="a\0b")),
            ("pc-1", body(4)),
            ("pc-2", b"not JSON"),
        ]
    )
    assert list(answers) == ["pc-1"], "bytes without an id cannot be answered"
    said = orjson.loads(answers["pc-1"])
    assert said["ids"] == [record(4).id]
    assert said["refused"][record(1).id] == "the ledger has this id with other bytes"
    assert said["refused"][record(2).id].startswith("time: ")
    assert said["refused"][record(3).id].startswith("station: ")
    assert recorder.counts["refused"] == 4
    assert {refusal.agent for refusal in ledger.refusals()} == {"pc-1", "pc-2"}
    assert len(ledger.refusals()) == 4
    assert len(ledger) == 2


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (body(7, station="studio-2"), "studio-2 is served by pc-2, and pc-1 has sent it"),
        (body(7, "pc-2"), "it says pc-2, and pc-1 has sent it"),
        (body(7, "pc-2", station="studio-1"), "it says pc-2, and pc-1 has sent it"),
    ],
)
def test_nobody_speaks_for_the_station_of_another(ledger: Ledger, sent: bytes, why: str) -> None:
    recorder = Recorder(ledger, SENDERS)
    answers = recorder.take([("pc-1", sent), ("pc-1", body(8))])
    said = orjson.loads(answers["pc-1"])
    assert said["ids"] == [record(8).id]
    assert why in said["refused"][record(7).id]
    assert [entry.station for entry in ledger.find()] == ["studio-1"]
    (kept,) = ledger.refusals()
    assert (kept.agent, kept.id, kept.body) == ("pc-1", record(7).id, sent)
    assert why in kept.why


def test_a_station_that_the_site_file_has_not_yet_costs_no_record(ledger: Ledger) -> None:
    """The agent's site file may be newer than the historian's: the record comes again."""
    recorder = Recorder(ledger, Senders(Site(name="flins")))
    assert recorder.take([("pc-1", body(1)), ("pc-1", body(1))]) == {}, "it was not answered"
    (kept,) = ledger.refusals()
    assert (kept.count, "no studio-1" in kept.why) == (2, True)
    after = Recorder(ledger, SENDERS)
    assert orjson.loads(after.take([("pc-1", body(1))])["pc-1"])["ids"] == [record(1).id]


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"", "JSON"),
        (b"[]", "object"),
        (b"\xff\xfe", "JSON"),
        (b"{" * 10_000, "JSON"),
        (bytes(2_000_000), "bytes are more than"),
        (body(1, extra=1), "extra"),
        (body(1, data={"n": 1}).replace(b'{"n":1}', b'{"n":%d}' % 2**70), "canonically"),
        (body(1, visit="v" * 1000), "visit"),
    ],
)
def test_what_is_no_record_is_refused_with_a_reason(payload: bytes, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        understood(payload)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_bytes_bring_the_recorder_down(payload: bytes) -> None:
    with pytest.raises(Invalid):
        understood(payload)


SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text()


@given(st.dictionaries(st.text(max_size=9), SCALARS | st.lists(SCALARS, max_size=3), max_size=4))
def test_the_canonical_bytes_survive_the_wire(data: dict[str, Any]) -> None:
    try:
        sent = record(1, data=data).canonical()
    except (TypeError, ValueError):  # half a character cannot be written
        return
    assert understood(sent).canonical() == sent
    assert Record.model_validate_json(sent).canonical() == sent


def test_a_flooding_agent_fills_its_own_queue_alone(ledger: Ledger) -> None:
    answers: list[str] = []
    recording = Recording(
        ledger, SENDERS, lambda agent, _: answers.append(agent) or True, Random(1)
    )
    flood = [
        recording.offer("flood", body(number, "flood")) for number in range(MESSAGES_AN_AGENT + 5)
    ]
    assert flood.count(False) == 5
    assert recording.offer("calm", body(9_999, "calm"))
    assert recording.dropped == {"flood": 5}
    assert recording.turn() == 101
    assert answers == ["flood", "calm"]
    while recording.turn():
        pass
    assert len(ledger) == MESSAGES_AN_AGENT + 1


def test_a_ledger_that_is_away_costs_nothing(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: dict[str, bytes] = {}
    recording = Recording(
        ledger, SENDERS, lambda agent, said: not answers.update({agent: said}), Random(1)
    )

    def away(_: object) -> None:
        raise LedgerUnavailable("the database is locked")

    monkeypatch.setattr(ledger, "append", away)
    recording.start()
    recording.offer("pc-1", body(1))
    until(lambda: recording.trouble, "the trouble is seen")
    assert answers == {}
    monkeypatch.undo()
    recording.offer("pc-1", body(1))
    until(lambda: answers, "the record that was sent again is confirmed")
    assert recording.trouble == ""
    assert recording.alive
    recording.stop()
    assert not recording.alive
    assert len(ledger) == 1


def test_a_fault_of_our_own_costs_a_turn_and_not_the_thread(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: dict[str, bytes] = {}
    recording = Recording(
        ledger, SENDERS, lambda agent, said: not answers.update({agent: said}), Random(1)
    )

    def broken(_: object) -> None:
        raise RuntimeError("a case that was not thought of")

    monkeypatch.setattr(ledger, "append", broken)
    recording.start()
    recording.offer("pc-1", body(1))
    until(lambda: "not thought of" in recording.trouble, "the trouble is seen")
    monkeypatch.undo()
    recording.offer("pc-1", body(1))
    until(lambda: answers, "the record that was sent again is confirmed")
    recording.stop()
    assert len(ledger) == 1
