"""Files of the historian that are spoiled, torn, cut off or gone behind its back.

The ledger notices whatever was changed in it. Store and dead letters have no checksums: of a bit
within a value they notice nothing, but no damage ends in anything but an answer or a word of ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from plant.dead_letters import DeadLetters
from plant.ledger import Ledger, LedgerDamaged
from plant.ledger.facts import LedgerError
from plant.stores.settle import Settling
from plant.stores.sqlite import SqliteStore
from plant.stores.store import StoreUnavailable, StoreUnusable
from tests.disk.programs import refusal
from tests.plant.points import T0, angles
from tests.plant.records import HandClock, record

PAGE = 4096
BITS = 150
ROWS = 400
ENDINGS = ("", "-wal", "-shm")


def gone(path: Path) -> None:
    """Deleted behind the back of whoever has it open."""
    for ending in ENDINGS:
        Path(f"{path}{ending}").unlink(missing_ok=True)


def damages(path: Path) -> Iterator[tuple[str, Callable[[bytearray], bytearray]]]:
    """Every page torn in either half, bits turned anywhere, and the file cut off anywhere."""
    size, random = path.stat().st_size, Random(path.name)

    def zeroed(start: int, end: int) -> Callable[[bytearray], bytearray]:
        return lambda content: content[:start] + bytes(end - start) + content[end:]

    def turned(at: int, bit: int) -> Callable[[bytearray], bytearray]:
        return lambda content: content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]

    def cut(at: int) -> Callable[[bytearray], bytearray]:
        return lambda content: content[:at]

    for page in range(0, size, PAGE):
        yield "torn", zeroed(page, page + PAGE // 2)
        yield "torn", zeroed(page + PAGE // 2, page + PAGE)
        yield "cut", cut(page + random.randrange(1, PAGE))
    for _ in range(BITS):
        yield "turned", turned(random.randrange(size), random.randrange(8))


def damaged(path: Path, look: Callable[[], str]) -> Counter[tuple[str, str]]:
    """What `look` says after each damage, counted."""
    content, found = bytearray(path.read_bytes()), Counter[tuple[str, str]]()
    for what, spoil in damages(path):
        gone(path)
        path.write_bytes(spoil(content))
        found[what, look()] += 1
    print(path.name, dict(found))
    return found


def test_whatever_is_damaged_in_a_ledger_is_said(scratch: Path) -> None:
    path = scratch / "ledger.db"
    with Ledger(f"sqlite:{path}", HandClock()) as ledger:
        for number in range(0, 60, 5):
            ledger.append([record(one) for one in range(number, number + 5)])
        right = list(ledger.export())
    head = Path(f"{path}.head").read_bytes()

    def look() -> str:
        Path(f"{path}.head").write_bytes(head)
        try:
            with Ledger(f"sqlite:{path}", HandClock(), create=False) as ledger:
                if not ledger.verify().sound:
                    return "named"
                alike = list(ledger.export()) == right
                visits = [ledger.find(visit=f"v-2026-{one:06d}") for one in range(60)]
                return "right" if alike and all(map(len, visits)) else "wrong"
        except LedgerError as error:
            assert str(error)
            return "refused"

    found = damaged(path, look)
    assert not sum(count for (_, said), count in found.items() if said == "wrong"), found


def test_whatever_is_damaged_in_the_dead_letters_is_said(scratch: Path) -> None:
    path = scratch / "samples.dead.db"
    with closing(DeadLetters(path)) as letters:
        letters.add([("pc-1", [refusal(number) for number in range(ROWS)])], T0)
        right = letters.read()

    def look() -> str:
        try:
            with closing(DeadLetters(path)) as letters:
                return "right" if letters.read() == right and letters.dropped() == 0 else "wrong"
        except (StoreUnavailable, StoreUnusable) as error:
            assert str(error)
            return "refused"

    found = damaged(path, look)
    assert not found["cut", "wrong"], found


def test_whatever_is_damaged_in_a_store_ends_in_an_answer_or_a_word(scratch: Path) -> None:
    path = scratch / "samples.db"
    settling = Settling(rows_min=ROWS // 2, step_rows=ROWS)
    with closing(SqliteStore(path, settling=settling)) as store:
        for start in range(0, ROWS, 50):
            values = [float(one) for one in range(start, start + 50)]
            store.write([angles(values, T0 + 10 * start, 10)])
        right = store.range("studio-1", "angle", 0, 2 * T0).floats.tolist()
    assert len(right) == ROWS

    def look() -> str:
        try:
            with closing(SqliteStore(path)) as store:
                there = store.range("studio-1", "angle", 0, 2 * T0).floats.tolist()
                return "right" if there == right else "wrong"
        except (StoreUnavailable, StoreUnusable) as error:
            assert str(error)
            return "refused"

    found = damaged(path, look)
    assert not found["cut", "wrong"], found


def store_at(path: Path) -> tuple[Any, Callable[[int], object], Callable[[], int]]:
    made = SqliteStore(path)
    return made, lambda n: made.write([angles([1.0], T0 + 10 * n)]), lambda: made.count("studio-1")


def letters_at(path: Path) -> tuple[Any, Callable[[int], object], Callable[[], int]]:
    made = DeadLetters(path)
    return made, lambda n: made.add([("pc-1", [refusal(n)])], T0), made.count


def ledger_at(path: Path) -> tuple[Any, Callable[[int], object], Callable[[], int]]:
    made = Ledger(f"sqlite:{path}", HandClock())
    return made, lambda n: made.append([record(n)]), lambda: len(made)


KINDS = (store_at, letters_at, ledger_at)


@pytest.mark.parametrize("at", KINDS)
@pytest.mark.parametrize("endings", [ENDINGS, ("",), ("-wal",)])
def test_what_was_deleted_while_in_use_is_put_back(
    scratch: Path, at: Callable[[Path], Any], endings: tuple[str, ...]
) -> None:
    path = scratch / "file.db"
    made, put, count = at(path)
    put(1)
    put(2)
    for ending in endings:
        Path(f"{path}{ending}").unlink()
    put(3)
    assert count() == 3
    made.close()
    again, put, count = at(path)
    put(4)
    assert count() == 4
    again.close()
    assert not list(scratch.glob("*.part*"))


@pytest.mark.parametrize("at", KINDS[:2])
def test_what_was_replaced_while_in_use_lies_beside_it(
    scratch: Path, at: Callable[[Path], Any]
) -> None:
    path, other = scratch / "file.db", scratch / "other.db"
    at(other)[0].close()
    made, put, count = at(path)
    put(1)
    other.replace(path)
    put(2)
    assert count() == 1
    made.close()
    (aside,) = scratch.glob("file.db.aside-*")
    old, _, count = at(aside)
    assert count() == 1
    old.close()


def test_a_ledger_that_was_replaced_takes_nothing_and_the_old_one_lies_beside_it(
    scratch: Path,
) -> None:
    path, other = scratch / "file.db", scratch / "other.db"
    Ledger(f"sqlite:{other}", HandClock()).close()
    with Ledger(f"sqlite:{path}", HandClock()) as ledger:
        ledger.append([record(1)])
        other.replace(path)
        with pytest.raises(LedgerDamaged, match="verify"):
            ledger.append([record(2)])
    (aside,) = scratch.glob("file.db.aside-*")
    with Ledger(f"sqlite:{aside}", HandClock(), head=Path(f"{path}.head")) as old:
        assert old.verify().sound and len(old) == 1


@pytest.mark.parametrize("at", KINDS)
def test_with_no_room_for_what_was_deleted_nothing_is_taken_until_there_is(
    scratch: Path, at: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = scratch / "file.db"
    made, put, count = at(path)
    put(1)
    gone(path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("plant.kept.os.link", full)
        for _ in range(2):
            with pytest.raises((StoreUnavailable, LedgerError), match="No space"):
                put(2)
    put(2)
    assert count() == 2
    made.close()
