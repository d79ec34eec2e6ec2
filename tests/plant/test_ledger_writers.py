"""Several processes append to one ledger at once: one unbroken chain, each record once."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from random import Random

from plant.ledger import Ledger
from tests.plant.ledgers import FilePlace, Place
from tests.plant.records import HandClock, record

WRITERS = 3
OWN, SHARED = 150, 50
PARTS = 10
WRITER_S = 50.0


def write(number: int, url: str, head: Path, password: str) -> None:
    """The body of a writer: its own records and those that all have, in parts, shuffled."""
    random = Random(number)
    own = [record(1_000 * number + one) for one in range(OWN)]
    records = own + [record(100_000 + one) for one in range(SHARED)]
    random.shuffle(records)
    with Ledger(url, HandClock(), head=head, password=lambda: password) as ledger:
        for part in range(PARTS):
            some = records[part::PARTS]
            appended = ledger.append(some)
            assert {*appended.taken, *appended.known} == {one.id for one in some}


def test_writers_at_once_make_one_chain(place: Place) -> None:
    spawn = multiprocessing.get_context("spawn")
    password = "" if isinstance(place, FilePlace) else place.server.password
    given = (place.url, place.head, password)
    writers = [spawn.Process(target=write, args=(one, *given)) for one in range(1, WRITERS + 1)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(WRITER_S)
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    with place.open(create=False) as ledger:
        verdict = ledger.verify()
        assert verdict.sound, verdict.faults
        assert verdict.entries == WRITERS * OWN + SHARED == len({one.id for one in ledger.find()})
        assert ledger.head_file.read() == verdict.head
