"""Programs whose disk loses its power: each works with one of our files and says what it promises.

`python -m tests.disk.programs FOLDER NAME` runs one. Before a call it says what it offers, after it
what was promised by its return; both go into the file of marks, in the order of everything else.
What may be found after a cut is judged in judges.py by the same numbers.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path
from random import Random

import numpy as np

from edge.outbox import Outbox
from edge.outbox_file import SOURCE, Batch
from plant.dead_letters import DeadLetters
from plant.ledger import Ledger
from plant.media.directory import DirectoryMedia
from plant.stores.settle import Settling
from plant.stores.sqlite import SqliteStore
from plant.stores.store import Refusal
from stations.declare import Type
from stations.samples import build
from tests.disk.recording import MARKS
from tests.edge.files.yard import Yard, yard
from tests.edge.reports import START_MS
from tests.plant.points import T0, angles
from tests.plant.records import HandClock, record
from wire.disk import made_durably

Say = Callable[[str], None]
STATIONS = ("press-1", "press-2")
BIG_ROWS = 900
CHUNK = 5_000
PICTURES = tuple(Random(7).randbytes(size) for size in (12_345, 1, 700, 0))


def batch(number: int) -> Batch:
    """The batch with this number; equal numbers make equal batches."""
    rows = BIG_ROWS if number % 9 == 0 else 1 + number % 3
    start = START_MS + number * 10_000
    samples = build((1, start + i, 0, Type.FLOAT, float(number)) for i in range(rows))
    source = np.zeros(rows, SOURCE)
    source["ticks"] = samples.time * 10_000
    return Batch(STATIONS[number % 2], samples, source)


def body(number: int) -> bytes:
    """The body of the record with this number."""
    return b'{"number":%d,"filling":"%s"}' % (number, b"x" * (number * 37 % 300))


class Committing:
    """Commits batches by number, and says so."""

    def __init__(self, say: Say) -> None:
        self.say, self.numbers = say, count(1)

    def commits(self, outbox: Outbox, how_many: int) -> None:
        """So many commits of one or two batches; every third has a record and a state."""
        for _ in range(how_many):
            wanted = [next(self.numbers)]
            wanted += [next(self.numbers)] if wanted[0] % 4 == 0 else []
            number, told = wanted[-1], " ".join(map(str, wanted))
            records = [(f"r-{number}", body(number))] if number % 3 == 0 else []
            self.say(f"offer {told}")
            outbox.commit([batch(one) for one in wanted], START_MS + number, records)
            self.say(f"committed {told}")
            if records:
                self.say(f"recorded {number}")

    def trims(self, outbox: Outbox, first: int, last: int) -> None:
        """Confirmed by the historian: may go, together with the state."""
        state = outbox.state()[0].to_bytes()
        self.say(f"confirm {first} {last}")
        outbox.confirmed([(first, last)], state)


def outbox(folder: Path, say: Say) -> None:
    """The outbox of an agent: made, filled, trimmed, checkpointed, closed and opened again."""
    path, work = folder / "var" / "pc-1.db", Committing(say)
    made = Outbox(path)
    made.numbers("press-1", [("force", Type.FLOAT)])
    say("numbered")
    work.commits(made, 5)
    say(f"bd_seq {made.next_bd_seq()}")
    work.trims(made, 1, 3)
    work.commits(made, 6)
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    work.commits(made, 6)  # over the frames that are in the file by now
    say("ledger r-3")
    made.records_confirmed(["r-3"])
    made.close()
    made = Outbox(path, bytes_max=60_000)
    work.commits(made, 3)
    say("bound")
    made.bound(START_MS, made.state()[0].to_bytes, lambda lost: [("gap", b"lost")])
    work.commits(made, 2)
    work.trims(made, 1, 1 << 40)
    made.close()
    made = Outbox(path)
    say(f"bd_seq {made.next_bd_seq()}")
    work.commits(made, 3)
    made.close()


def mending(folder: Path, say: Say) -> None:
    """An outbox that is believed to be damaged, and made anew in between."""
    work = Committing(say)
    made = Outbox(folder / "var" / "pc-1.db")
    made.numbers("press-1", [("force", Type.FLOAT)])
    say("numbered")
    work.commits(made, 5)
    work.trims(made, 1, 2)
    for _ in range(2):
        made.suspect = "somebody says so"
        mended = made.look_after(START_MS)
        assert mended is not None and mended.salvaged is not None and not mended.salvaged.lost
        work.commits(made, 2)
    made.close()


def careless_outbox(folder: Path, say: Say) -> None:
    """Acknowledges before anything is synced: the judge must find it."""
    made, work = Outbox(folder / "pc-1.db"), Committing(say)
    connect = vars(made)["_db"]
    connect.execute("PRAGMA synchronous=OFF")
    work.commits(made, 6)


def nameless_outbox(folder: Path, say: Say) -> None:
    """Makes a folder whose name is never synced, and keeps everything in there."""
    (folder / "var").mkdir(parents=True)
    Committing(say).commits(Outbox(folder / "var" / "pc-1.db"), 3)


def store(folder: Path, say: Say) -> None:
    """The historian's store: written, settled in small steps, closed and opened again."""
    path, numbers = folder / "store" / "history.db", count(1)
    for _ in range(2):
        made = SqliteStore(path, settling=Settling(rows_min=60, step_rows=20))
        for _ in range(14):
            number = next(numbers)
            say(f"offer {number}")
            start = T0 + number * 1000
            refused = made.write([angles([float(number)] * 4, start, 10), angles([1.5], start)])
            assert refused == [[], []]
            say(f"stored {number}")
        made.close()


def letters(folder: Path, say: Say) -> None:
    """The dead letters of the store."""
    path, numbers = folder / "store" / "history.dead.db", count(1)
    for _ in range(2):
        made = DeadLetters(path, rows_max=1000)
        for _ in range(6):
            number = next(numbers)
            say(f"offer {number}")
            made.add([("pc-1", [refusal(number)])], number)
            say(f"kept {number}")
        made.close()


def refusal(number: int) -> Refusal:
    """The refusal with this number."""
    return Refusal("press-1", f"tag_{number}", number, 0, "FLOAT", "nan", "not a number")


def ledger(folder: Path, say: Say) -> None:
    """The ledger and the second place of its head."""
    path, numbers = folder / "ledger" / "ledger.db", count(1)
    for _ in range(2):
        made = Ledger(f"sqlite:{path}", HandClock())
        for _ in range(5):
            wanted = [next(numbers), next(numbers)]
            say(f"offer {wanted[0]} {wanted[1]}")
            made.append([record(one) for one in wanted])
            say(f"kept {wanted[0]} {wanted[1]}")
        made.refuse("pc-1", b"no record", "why not")
        made.name_vehicle("v-2026-000001", "VF1AAAAAAAAAAAAA1")
        say("named")
        made.close()


def media(folder: Path, say: Say) -> None:
    """The media store: chunks that are confirmed one by one, files that are confirmed whole."""
    made = DirectoryMedia(folder / "media", HandClock())
    for number, content in enumerate(PICTURES):
        name = hashlib.sha256(content).hexdigest()
        for offset in range(0, len(content), CHUNK):
            chunk = content[offset : offset + CHUNK]
            received = made.append(name, len(content), offset, chunk)
            say(f"received {number} {received}")
        if not content:
            made.append(name, 0, 0, b"")
        made.complete(name, len(content), "image/jpeg")
        say(f"complete {number}")


def files(folder: Path, say: Say) -> None:
    """The agent's folder of files: taken in with their record, moved or copied."""
    asyncio.run(_files(folder / "var", say))


async def _files(folder: Path, say: Say) -> None:
    made_durably(folder)  # the station's own folder
    async with yard(folder, sending=False) as made:
        for number, content in enumerate(PICTURES):
            await _picture(made, number, content, say)


async def _picture(made: Yard, number: int, content: bytes, say: Say) -> None:
    path = made.picture(f"{number}.jpg", content)
    with path.open("rb") as file:  # the camera's own promise
        os.fsync(file.fileno())
    record = await made.put(path, at=number, keep=number == 1)
    say(f"put {number} {record.id}")


PROGRAMS: dict[str, Callable[[Path, Say], None]] = {
    one.__name__: one
    for one in (
        outbox,
        mending,
        careless_outbox,
        nameless_outbox,
        store,
        letters,
        ledger,
        media,
        files,
    )
}


def main(folder: Path, name: str) -> None:
    """Run a program; what it says is one line each."""
    marks = os.open(folder / MARKS, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def say(said: str) -> None:
        os.write(marks, f"{said}\n".encode())

    PROGRAMS[name](folder / "disk", say)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
