"""What must be on a disk after a cut, by what the program of programs.py had said until then.

A judge opens the files by our own code and raises AssertionError for anything that was promised and
is not there, for anything that was never offered, and for a file that cannot be worked with.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from edge.outbox import Outbox
from plant.dead_letters import DeadLetters
from plant.ledger import Ledger
from plant.media.directory import DirectoryMedia
from plant.media.store import WrongContent
from plant.stores.sqlite import SqliteStore
from stations.declare import Type
from tests.disk import programs
from tests.disk.programs import PICTURES, batch, body, refusal
from tests.edge.reports import START_MS, rows_of
from tests.plant.points import T0, angles
from tests.plant.records import HandClock, record
from wire.media.protocol import file_hash

EVER = 1 << 52
Judge = Callable[[Path, Sequence[str]], None]


def numbers_of(said: Sequence[str], *verbs: str) -> set[int]:
    """The numbers that were said with these verbs."""
    words = [line.split() for line in said]
    return {int(one) for verb, *rest in words if verb in verbs for one in rest}


def outbox(folder: Path, said: Sequence[str]) -> None:
    """Every committed batch that was not confirmed, every record, every number once."""
    offered, promised = numbers_of(said, "offer"), numbers_of(said, "committed")
    spans = [line.split()[1:] for line in said if line.startswith("confirm ")]
    trimmed = [(int(first), int(last)) for first, last in spans]
    path = folder / "var" / "pc-1.db"
    with closing(Outbox(path)) as made:
        found, lost = made.waiting(EVER, set(), 10_000)
        assert not lost, lost
        there = {one.position: one for one in found}
        assert there.keys() <= offered, "batches that were never written"
        for position, one in there.items():
            right = batch(position)
            assert one.station == right.station
            assert rows_of(one.samples) == rows_of(right.samples)
            assert one.source.tolist() == right.source.tolist()
        gone = {one for one in promised if any(first <= one <= last for first, last in trimmed)}
        records = dict(made.records(1000))
        if "gap" in records:
            assert "bound" in said
            gone |= promised - there.keys()
        assert promised - gone <= there.keys(), f"lost: {sorted(promised - gone - there.keys())}"
        _check_records(said, records)
        if promised:
            last = made.state()[0].samples().time.max()
            assert last >= max(batch(one).samples.time.max() for one in promised)
        if "numbered" in said:
            assert made.numbers("press-1", [("force", Type.FLOAT)]) == {"force": 1}
            assert made.numbers("press-1", [("other", Type.FLOAT)]) == {"other": 2}
        taken = numbers_of(said, "bd_seq")
        assert made.next_bd_seq() not in taken
        placed = made.commit([batch(1)], START_MS)
        assert placed[0].position > max(promised, default=0), "a position is given twice"


def _check_records(said: Sequence[str], records: dict[str, bytes]) -> None:
    wanted = {f"r-{one}" for one in numbers_of(said, "recorded")}
    wanted -= {line.split()[1] for line in said if line.startswith("ledger ")}
    assert wanted <= records.keys(), f"lost: {wanted - records.keys()}"
    for id, found in records.items():
        assert found == (b"lost" if id == "gap" else body(int(id[2:])))


def store(folder: Path, said: Sequence[str]) -> None:
    """Every sample that was stored; no other."""
    offered, promised = numbers_of(said, "offer"), numbers_of(said, "stored")
    with closing(SqliteStore(folder / "store" / "history.db")) as made:
        found = made.range("studio-1", "angle", 0, EVER)
        there = {
            int(time) - T0: value for time, value in zip(found.time, found.floats, strict=True)
        }
        for number in promised:
            assert there.get(number * 1000) == 1.5, f"{number} is lost"
        for time, value in there.items():
            number = time // 1000
            assert number in offered
            assert value == (1.5 if time % 1000 == 0 else float(number))
        for number in promised:
            assert {number * 1000 + 10 * i for i in range(4)} <= there.keys()
        assert made.write([angles([3.0], T0)]) == [[]]


def letters(folder: Path, said: Sequence[str]) -> None:
    """Every dead letter that was kept; no other."""
    offered, promised = numbers_of(said, "offer"), numbers_of(said, "kept")
    with closing(DeadLetters(folder / "store" / "history.dead.db")) as made:
        there = {one.refused_ms: one.refusal for one in made.read()}
        assert promised <= there.keys() <= offered
        assert all(one == refusal(number) for number, one in there.items())
        made.add([("pc-1", [refusal(99)])], 99)


def ledger(folder: Path, said: Sequence[str]) -> None:
    """Every entry that was kept, in a chain that is sound, and open for the next."""
    offered, promised = numbers_of(said, "offer"), numbers_of(said, "kept")
    with Ledger(f"sqlite:{folder / 'ledger' / 'ledger.db'}", HandClock()) as made:
        there = {one.body for one in made.find()}
        assert {record(one).canonical() for one in promised} <= there
        assert there <= {record(one).canonical() for one in offered}
        assert len(made) == len(there)
        if "named" in said:
            assert made.vin("v-2026-000001") == "VF1AAAAAAAAAAAAA1"
        assert made.append([record(999)]).taken == (record(999).id,)
        verdict = made.verify()
        assert verdict.sound, verdict.faults


def media(folder: Path, said: Sequence[str]) -> None:
    """Every file that was complete, every byte that was received; nothing half under a name."""
    made = DirectoryMedia(folder / "media", HandClock())
    for one in made.stored():
        assert file_hash(folder / "media" / one.sha256[:2] / one.sha256[2:4] / f"{one.sha256}.jpg")
    complete, received = numbers_of(said, "complete"), defaultdict[int, int](int)
    for line in said:
        if line.startswith("received "):
            number, bytes = map(int, line.split()[1:])
            received[number] = bytes
    for number, content in enumerate(PICTURES):
        name = hashlib.sha256(content).hexdigest()
        if made.head(name) is not None:
            assert b"".join(made.read(name)) == content
            continue
        assert number not in complete, f"file {number} is lost"
        offset = made.received(name, len(content))
        assert received[number] <= offset <= len(content)
        made.append(name, len(content), offset, content[offset:])
        try:
            made.complete(name, len(content), "image/jpeg")
        except WrongContent:  # a chunk that was never confirmed came half: again from the start
            made.append(name, len(content), 0, content)
            made.complete(name, len(content), "image/jpeg")
        assert b"".join(made.read(name)) == content


def files(folder: Path, said: Sequence[str]) -> None:
    """Every file whose record was taken lies in the folder with its bytes, and is known."""
    copies = folder / "var" / "pc-1.files"
    promised = {int(line.split()[1]): line.split()[2] for line in said if line.startswith("put ")}
    with closing(Outbox(folder / "var" / "pc-1.db")) as made:
        rows = {one.record: one for one in made.files.waiting(100)}
        records = dict(made.records(100))
        for number, id in promised.items():
            name = hashlib.sha256(PICTURES[number]).hexdigest()
            assert id in records and rows[id].sha256 == name
            assert (copies / name).read_bytes() == PICTURES[number], f"file {number} is lost"
        assert all((copies / one.sha256).exists() for one in rows.values())


JUDGES: dict[str, Judge] = {
    "outbox": outbox, "mending": outbox, "careless_outbox": outbox, "nameless_outbox": outbox,
    "store": store,
    "letters": letters, "ledger": ledger, "media": media, "files": files,
}  # fmt: skip
assert JUDGES.keys() == programs.PROGRAMS.keys()
