"""What our files do on a real disk that is full, then read-only, then well again.

`python -m tests.disk.full FOLDER NAME`, where FOLDER is a file system of its own of a few MiB. Each
subject is filled until it says no; what it had promised is there, and it goes on with the same
handle when there is room. One that begins while the disk is read-only says so.
"""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from edge.outbox import Outbox
from edge.outbox_file import OutboxError
from plant.dead_letters import DeadLetters
from plant.ledger import Ledger, LedgerUnavailable
from plant.media.directory import DirectoryMedia
from plant.media.store import MediaStoreError, StoreFull
from plant.stores.settle import Settling
from plant.stores.sqlite import SqliteStore
from plant.stores.store import StoreUnavailable
from tests.disk.programs import batch, refusal
from tests.edge.reports import START_MS
from tests.plant.points import T0, angles
from tests.plant.records import HandClock, record

BALLAST_BYTES = 5 << 20
NUMBERS = range(1, 5_000)


@dataclass(frozen=True, slots=True)
class Subject:
    """`put` keeps a number or raises `refusals`; `there` are the numbers that can be read."""

    put: Callable[[int], object]
    there: Callable[[], set[int]]
    refusals: tuple[type[Exception], ...]
    close: Callable[[], object]


def outbox(folder: Path) -> Subject:
    made = Outbox(folder / "pc-1.db")

    def put(number: int) -> None:
        made.commit([batch(9 * number)], START_MS)

    def there() -> set[int]:
        found, lost = made.waiting(1 << 40, set(), 10_000)
        assert not lost
        return {int(one.samples.floats[0]) // 9 for one in found}

    return Subject(put, there, (sqlite3.OperationalError,), made.close)


def store(folder: Path) -> Subject:
    made = SqliteStore(folder / "history.db", settling=Settling(rows_min=2_000, step_rows=500))

    def put(number: int) -> None:
        assert made.write([angles([float(number)] * 400, T0 + number * 1000, 1)]) == [[]]

    def there() -> set[int]:
        found = made.range("studio-1", "angle", 0, 1 << 52)
        counts: dict[int, int] = {}
        for value in found.floats.tolist():
            counts[int(value)] = counts.get(int(value), 0) + 1
        assert set(counts.values()) <= {400}
        return set(counts)

    return Subject(put, there, (StoreUnavailable,), made.close)


def letters(folder: Path) -> Subject:
    made = DeadLetters(folder / "dead.db")

    def put(number: int) -> None:
        made.add([("pc-1", [refusal(1000 * number + i) for i in range(100)])], number)

    def there() -> set[int]:
        return {one.refused_ms for one in made.read()}

    return Subject(put, there, (StoreUnavailable,), made.close)


def ledger(folder: Path) -> Subject:
    made = Ledger(f"sqlite:{folder / 'ledger.db'}", HandClock())

    def put(number: int) -> None:
        made.append([record(100 * number + i) for i in range(50)])

    def there() -> set[int]:
        assert made.verify().sound
        bodies = {one.body for one in made.find()}
        numbers = {number for number in NUMBERS if record(100 * number).canonical() in bodies}
        assert len(bodies) == 50 * len(numbers)
        return numbers

    return Subject(put, there, (LedgerUnavailable,), made.close)


def media(folder: Path) -> Subject:
    made = DirectoryMedia(folder / "media", HandClock())

    def content(number: int) -> bytes:
        return Random(number).randbytes(50_000)

    def put(number: int) -> None:
        name = hashlib.sha256(content(number)).hexdigest()
        made.append(name, 50_000, made.received(name, 50_000), content(number))
        made.complete(name, 50_000, "image/jpeg")

    def there() -> set[int]:
        names = {one.sha256 for one in made.stored()}
        found = {n for n in range(1, 200) if hashlib.sha256(content(n)).hexdigest() in names}
        for number in found:
            name = hashlib.sha256(content(number)).hexdigest()
            assert b"".join(made.read(name)) == content(number)
        return found

    return Subject(put, there, (StoreFull, MediaStoreError), lambda: None)


BEGINNING = (OutboxError, LedgerUnavailable, StoreUnavailable, OSError)  # what a command tells
SUBJECTS = {one.__name__: one for one in (outbox, store, letters, ledger, media)}


def main(folder: Path, name: str) -> None:
    """Fill, free, begin on a read-only disk, free again; AssertionError for whatever is lost."""
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(BALLAST_BYTES))
    subject, promised = SUBJECTS[name](folder), set[int]()
    numbers = iter(NUMBERS)
    refused = fill(subject, numbers, promised)
    assert subject.there() >= promised, "lost while the disk was full"
    for _ in range(3):
        expect_refusal(subject, refused)
    ballast.unlink()
    go_on(subject, [refused, *(next(numbers) for _ in range(3))], promised)
    subject.close()
    with read_only(folder):
        refused = next(numbers)
        print(f"read-only: {begins_read_only(name, folder, refused)}")
    again = SUBJECTS[name](folder)
    go_on(again, [refused], promised)
    again.close()
    again = SUBJECTS[name](folder)
    found = again.there()
    assert found == promised, (sorted(promised - found), sorted(found - promised))
    again.close()
    print(f"{name}: {len(promised)} promised, none lost")


def fill(subject: Subject, numbers: Iterator[int], promised: set[int]) -> int:
    """Put until it is refused; the number that was."""
    for number in numbers:
        try:
            subject.put(number)
        except subject.refusals as error:
            print(f"refused after {len(promised)}: {error}")
            return number
        promised.add(number)
    raise AssertionError("the disk is never full")


def expect_refusal(subject: Subject, number: int) -> None:
    """Refused, and in words of ours or of SQLite, not by a crash."""
    try:
        subject.put(number)
    except subject.refusals as error:
        assert str(error)
    else:
        raise AssertionError("it was taken")


def go_on(subject: Subject, numbers: list[int], promised: set[int]) -> None:
    """There is room: the same handle takes what it had refused, and more."""
    for number in numbers:
        subject.put(number)
        promised.add(number)
    assert subject.there() == promised


def begins_read_only(name: str, folder: Path, number: int) -> Exception:
    """What is said by the program that begins while nothing can be written."""
    try:
        subject = SUBJECTS[name](folder)
    except BEGINNING as error:
        return error
    try:
        subject.put(number)
    except subject.refusals as error:
        return error
    finally:
        subject.close()
    raise AssertionError("it was taken")


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """The file system is mounted read-only for a while."""
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)


if __name__ == "__main__":
    with closing(sys.stdout):
        main(Path(sys.argv[1]), sys.argv[2])
