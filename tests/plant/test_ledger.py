"""The contract of the ledger, with each of its databases.

It takes each record once, gives it back as it was, and shows every change.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plant.ledger import Ledger, LedgerDamaged, LedgerUnavailable, LedgerUnusable, chain
from stations.records import AgentInfo, Record
from tests.plant.ledgers import FilePlace, Place
from tests.plant.records import START_MS, HandClock, record


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    with place.open() as opened:
        yield opened


def faults(ledger: Ledger) -> list[tuple[int, str]]:
    return [(fault.number, fault.what) for fault in ledger.verify().faults]


def test_records_come_back_as_they_were(ledger: Ledger) -> None:
    records = [record(number) for number in range(1, 4)]
    appended = ledger.append(records)
    assert appended.taken == tuple(one.id for one in records)
    found = ledger.find()
    assert [entry.number for entry in found] == [3, 2, 1]
    assert [entry.body for entry in reversed(found)] == [one.canonical() for one in records]
    assert len(ledger) == 3
    assert ledger.verify().sound


def test_a_record_is_one_entry_however_often_it_comes(ledger: Ledger, place: Place) -> None:
    ledger.append([record(1), record(1)])
    assert ledger.append([record(2), record(1)]).known == (record(1).id,)
    with place.open() as reopened:
        appended = reopened.append([record(1), record(2), record(3)])
        assert appended.taken == (record(3).id,)
        assert appended.known == (record(1).id, record(2).id)
        assert len(reopened) == 3
        assert reopened.verify().sound


def test_the_same_id_with_other_bytes_is_refused_and_kept(ledger: Ledger) -> None:
    ledger.append([record(1)])
    forged = record(1, data={"angle_deg": 0})
    for _ in range(2):
        appended = ledger.append([forged, record(2)])
        assert appended.refused == {forged.id: "the ledger has this id with other bytes"}
    (refusal,) = ledger.refusals()
    assert (refusal.id, refusal.agent, refusal.count) == (forged.id, "pc-1", 2)
    assert refusal.body == forged.canonical()
    assert ledger.find(visit=record(1).visit)[0].body == record(1).canonical()
    assert len(ledger) == 2


def test_refusals_are_bounded_in_size(ledger: Ledger) -> None:
    ledger.refuse("pc-1", bytes(1_000_000), "no record")
    (refusal,) = ledger.refusals()
    assert (refusal.size, len(refusal.body)) == (1_000_000, 64 * 1024)


def test_entries_are_found_by_visit_station_and_kind(ledger: Ledger) -> None:
    ledger.append(
        [
            record(1),
            record(2, kind="inspection.report", station="inspection-1"),
            record(3, kind="inspection", station="inspection-1", visit=None),
            record(4, kind="inspectionx.report"),
        ]
    )

    def numbers(**about: str) -> list[int]:
        return [entry.number for entry in ledger.find(**about)]  # type: ignore[arg-type]

    assert numbers(kind="inspection") == [3, 2]
    assert numbers(kind="inspection.report") == [2]
    assert numbers(station="inspection-1") == [3, 2]
    assert numbers(visit="v-2026-000001") == [1]
    assert numbers(station="studio-1", kind="inspection") == []
    assert [entry.number for entry in ledger.find(limit=1)] == [4]
    assert ledger.counts() == {"studio-1": 2, "inspection-1": 2}


def test_an_export_can_be_verified_without_the_database(ledger: Ledger) -> None:
    ledger.append([record(number) for number in range(1, 6)])
    header, *lines = ledger.export()
    hashed = chain.beginning(orjson.loads(header)["ledger"])
    for line in lines:
        said = orjson.loads(line)
        body = line.rstrip()[line.index(b'"record":') + 9 : -1]
        assert orjson.loads(body) == said["record"]
        assert Record.model_validate(said["record"]).canonical() == body
        hashed = chain.link(hashed, said["number"], said["recorded_ms"], body)
        assert hashed.hex() == said["hash"]
    assert hashed == ledger.verify().head.hash


def test_progress_is_told(ledger: Ledger) -> None:
    told: list[tuple[int, int]] = []
    ledger.append([record(number) for number in range(2_500)])
    ledger.verify(lambda done, of: told.append((done, of)))
    assert told == [(1_000, 2_500), (2_000, 2_500), (2_500, 2_500)]


TAMPERING = {
    "a changed body": ("UPDATE entry SET body = ? WHERE number = 3", 3),
    "a changed time of recording": ("UPDATE entry SET recorded_ms = 0 WHERE number = 3", 3),
    "a changed hash": ("UPDATE entry SET hash = x'00' WHERE number = 3", 3),
    "a body of another type": ("UPDATE entry SET body = '{}' WHERE number = 3", 3),
    "a time of another type": ("UPDATE entry SET recorded_ms = 'x' WHERE number = 3", 3),
    "a changed column": ("UPDATE entry SET visit = 'v-0' WHERE number = 3", 3),
    "an erased column": ("UPDATE entry SET visit = NULL WHERE number = 3", 3),
    "a removed entry": ("DELETE FROM entry WHERE number = 3", 4),
    "a removed beginning": ("DELETE FROM entry WHERE number = 1", 2),
    "a removed end": ("DELETE FROM entry WHERE number = 5", 0),
    "everything removed": ("DELETE FROM entry", 0),
}


@pytest.mark.parametrize("what", TAMPERING)
def test_tampering_is_found(ledger: Ledger, place: Place, what: str) -> None:
    statement, number = TAMPERING[what]
    if what == "a time of another type" and not isinstance(place, FilePlace):
        with place.open(), pytest.raises(Exception, match="invalid input syntax"):
            place.change(statement)
        return
    ledger.append([record(number) for number in range(1, 6)])
    place.change(statement, *([record(9).canonical()] if "?" in statement else []))
    verdict = ledger.verify()
    assert not verdict.sound
    assert verdict.faults[0].number == number


def test_an_entry_put_in_between_is_found(ledger: Ledger, place: Place) -> None:
    ledger.append([record(number) for number in range(1, 6)])
    for number in (5, 4, 3):
        place.change("UPDATE entry SET number = number + 1 WHERE number = ?", number)
    place.change(
        "INSERT INTO entry SELECT 3, 'x', kind, site, line, station, visit, time, recorded_ms, "
        "body, hash FROM entry WHERE number = 1",
    )
    assert {number for number, _ in faults(ledger)} >= {3, 4, 5, 6}


def test_two_entries_that_changed_places_are_found(ledger: Ledger, place: Place) -> None:
    ledger.append([record(number) for number in range(1, 6)])
    for a, b in ((2, 100), (3, 2), (100, 3)):
        place.change("UPDATE entry SET number = ? WHERE number = ?", b, a)
    assert {number for number, _ in faults(ledger)} >= {2, 3}


def test_an_end_that_was_written_anew_is_found_by_the_second_place(
    ledger: Ledger, place: Place
) -> None:
    ledger.append([record(number) for number in range(1, 6)])
    with place.open(head=place.head.with_name("other.head")) as forger:
        place.change("DELETE FROM entry WHERE number = 5")
        forger.anchor()
        forger.append([record(7)])
        assert forger.verify().sound, "the chain alone does not show it"
    assert faults(ledger) == [(5, "is not the entry whose hash was kept in the second place")]


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(row=st.integers(1, 5), at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_any_flipped_bit_of_a_body_is_found(
    ledger: Ledger, place: Place, row: int, at: int, bit: int
) -> None:
    ledger.append([record(number) for number in range(1, 6)])
    whole = record(row).canonical()
    body = bytearray(whole)
    body[at % len(body)] ^= 1 << bit
    place.change("UPDATE entry SET body = ? WHERE number = ?", bytes(body), row)
    assert faults(ledger)[0][0] == row
    place.change("UPDATE entry SET body = ? WHERE number = ?", whole, row)
    assert faults(ledger) == []


def test_nothing_is_added_to_a_ledger_whose_end_was_cut_off(ledger: Ledger, place: Place) -> None:
    ledger.append([record(1), record(2)])
    place.change("DELETE FROM entry WHERE number = 2")
    for opened in (ledger, place.open()):
        with opened, pytest.raises(LedgerDamaged, match="entry 2 is gone"):
            opened.append([record(3)])
    with place.open() as accepted:
        accepted.anchor()
        accepted.append([record(3)])
        assert accepted.verify().sound


def test_a_lost_second_place_is_said_and_can_be_made_again(ledger: Ledger, place: Place) -> None:
    ledger.append([record(1)])
    ledger.head_file.path.unlink()
    assert "second place of the head is gone" in faults(ledger)[0][1]
    with place.open() as reopened, pytest.raises(LedgerDamaged, match="is gone"):
        reopened.append([record(2)])
    ledger.head_file.path.write_text("nonsense")
    assert not ledger.verify().sound
    ledger.anchor()
    assert ledger.verify().sound


def test_a_crash_between_the_commit_and_the_second_place_is_no_fault(
    ledger: Ledger, place: Place
) -> None:
    ledger.append([record(1)])
    old = ledger.head_file.path.read_bytes()
    ledger.append([record(2)])
    ledger.head_file.path.write_bytes(old)
    with place.open() as reopened:
        assert reopened.verify().sound
        reopened.append([record(2)])
        head = reopened.head_file.read()
        assert head is not None
        assert head.number == 2, "the next append puts it right"


def test_what_cannot_be_written_changes_nothing(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.append([record(1)])

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LedgerUnavailable, match="No space"):
        ledger.append([record(2)])
    monkeypatch.undo()
    appended = ledger.append([record(2), record(3)])
    assert appended.taken + appended.known == (record(3).id, record(2).id)
    assert ledger.verify().sound


def test_a_ledger_of_a_newer_program_is_refused(ledger: Ledger, place: Place) -> None:
    ledger.close()
    place.change("UPDATE about SET value = '1000' WHERE key = 'version'")
    with pytest.raises(LedgerUnusable, match="version 1000"):
        place.open()


def test_what_is_no_ledger_is_refused(place: Place) -> None:
    place.script("CREATE TABLE shopping (item TEXT)")
    with pytest.raises(LedgerUnusable, match="no ledger"):
        place.open()
    place.script("DROP TABLE shopping")
    with pytest.raises(LedgerUnusable, match="no ledger"):
        place.open(create=False)
    with pytest.raises(LedgerUnusable, match="mysql"):
        Ledger("mysql://x", HandClock())


def test_a_vin_stands_in_one_table_and_can_be_erased(ledger: Ledger, place: Place) -> None:
    vin = "VF1AAAAA123456789"
    ledger.append([record(1)])
    ledger.name_vehicle("v-2026-000001", vin)
    ledger.name_vehicle("v-2026-000001", vin)
    ledger.name_vehicle("v-2027-000044", vin)
    with pytest.raises(ValueError, match="another vehicle"):
        ledger.name_vehicle("v-2026-000001", "VF1BBBBB123456789")
    assert ledger.vin("v-2026-000001") == vin
    assert ledger.visits(vin) == ["v-2026-000001", "v-2027-000044"]
    assert ledger.forget_vehicle(vin) == 2
    assert ledger.vin("v-2026-000001") is None
    assert ledger.verify().sound


def test_another_process_reads_while_this_one_writes(ledger: Ledger, place: Place) -> None:
    ledger.append([record(1)])
    with place.open(create=False) as reader:
        export = reader.export()
        next(export)
        ledger.append([record(2)])
        assert len(list(export)) in (1, 2)
        assert len(reader) == 2
    assert ledger.find(limit=1)[0].recorded_ms > START_MS


def test_what_no_database_can_keep_is_refused_and_keeps_nothing_else_back(ledger: Ledger) -> None:
    unfit = [
        record(1, visit="v\0"),
        record(2, station="s" * 5_000),
        record(4, line="\U0001f697" * 700),
    ]
    appended = ledger.append([*unfit, record(3)])
    assert appended.taken == (record(3).id,)
    assert set(appended.refused) == {one.id for one in unfit}
    assert {refusal.body for refusal in ledger.refusals()} == {one.canonical() for one in unfit}
    ledger.refuse("pc\0", b"\0\xff", "it has a \0 and half a \ud800", "an id \0")
    latest = ledger.refusals(1)[0]
    assert (latest.body, latest.id, latest.agent) == (b"\0\xff", "an id \\0", "pc\\0")


def test_whatever_a_record_says_comes_back_as_it_was(ledger: Ledger) -> None:
    odd = {"nul": "\0", "escaped": "\\u0000", "long": "x" * 900_000, "big": 2**63, "\0": 1e308}
    records = [
        record(1, data=odd),
        record(2, data={"started": "\0", "cycle_s": "x", "flaws": {}, "measurements": [1]}),
        record(3, time="2026-02-31T25:61:61.000Z", agent=AgentInfo(name="\0" * 9_000, version="")),
        record(4, time="0000-01-01T00:00:00.000Z", version=2**62, visit=""),
        record(5, time="9999-12-31T23:59:59.999Z"),
        record(6, time="0001-01-01T00:00:00.000Z", visit=record(5).visit),
    ]
    assert len(ledger.append(records).taken) == len(records)
    assert [entry.body for entry in reversed(ledger.find())] == [one.canonical() for one in records]
    assert ledger.verify().sound


def test_a_second_place_that_is_behind_or_ahead_of_others_is_never_turned_back(
    ledger: Ledger, place: Place
) -> None:
    with place.open() as other:
        ledger.append([record(1)])
        other.append([record(2), record(3)])
        ledger.head_file.advance(chain.Head(ledger.identity, 1, b""))
        head = ledger.head_file.read()
        assert head is not None
        assert head.number == 3
        assert ledger.append([record(4)]).taken
        assert other.verify().sound
    place.change("DELETE FROM entry WHERE number >= 3")
    with pytest.raises(LedgerDamaged, match="entry 4 is gone"):
        ledger.append([record(5)])
