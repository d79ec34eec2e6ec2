"""The power goes at any moment: what was promised by then is there, and nothing that never was.

Each program of programs.py runs once under the recorder. Then its disk is cut at its operations
with seeded choices of what had reached it. `--length` raises how many cuts are tried; from 30 on
every operation of every program is one, again and again for each 30 more.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from tests.disk.judges import JUDGES
from tests.disk.power import states
from tests.disk.recording import Kind, Operation, build, record

pytestmark = [pytest.mark.system, pytest.mark.timeout(1200)]
CUTS = 60  # of each program, by --length 1
EVERY = 30.0


@dataclass(slots=True)
class Found:
    """What the cuts of one program came to."""

    operations: int
    prefixes: int = 0
    cuts: int = 0
    losses: int = 0
    first: str = ""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("recorder"))


def prefixes(operations: Sequence[Operation], random: Random, length: float) -> set[int]:
    """After which operations the power goes: around each promise and sync, and anywhere."""
    every = set(range(1, len(operations) + 1))
    if length >= EVERY:
        return every
    edges = {
        number + near
        for number, one in enumerate(operations, 1)
        if one.kind is Kind.SYNC
        for near in (-1, 0, 1)
    } & every
    half = max(1, round(CUTS * length / 2))
    chosen = set(random.sample(sorted(edges), min(half, len(edges))))
    return chosen | set(random.sample(sorted(every), min(half, len(every))))


def cut_everywhere(
    program: str, library: Path, folder: Path, scratch: Path, seed: int, length: float
) -> Found:
    """Record a program and cut its disk; what was found."""
    operations = record(library, folder, ["-m", "tests.disk.programs"], program)
    random, judge = Random(seed), JUDGES[program]
    found = Found(len(operations))
    wanted = prefixes(operations, random, length)
    for number, disk in states(operations, wanted):
        found.prefixes += 1
        said = disk.marks()
        for _ in range(max(1, int(length / EVERY))):
            shutil.rmtree(scratch / "disk", ignore_errors=True)
            (scratch / "disk").mkdir()
            disk.cut(scratch, random)
            found.cuts += 1
            try:
                judge(scratch / "disk", said)
            except Exception as error:  # noqa: BLE001  # whatever hinders the judge is a loss
                found.losses += 1
                found.first = found.first or f"after {number} operations, {said[-3:]}: {error!r}"
    return found


@pytest.mark.parametrize(
    "program", ["outbox", "mending", "store", "letters", "ledger", "media", "files"]
)
def test_what_was_promised_is_there_after_a_cut(
    program: str, library: Path, tmp_path: Path, scratch: Path, seed: int,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    length, began = request.config.getoption("--length"), time.monotonic()
    found = cut_everywhere(program, library, tmp_path / "run", scratch, seed, length)
    print(f"{program}: {found} in {time.monotonic() - began:.1f} s")
    assert found.losses == 0, found.first


@pytest.mark.parametrize("program", ["careless_outbox", "nameless_outbox"])
def test_a_program_that_promises_too_early_is_found(
    program: str, library: Path, tmp_path: Path, scratch: Path, seed: int
) -> None:
    found = cut_everywhere(program, library, tmp_path / "run", scratch, seed, 2.0)
    assert found.losses > found.cuts // 20, found
    assert "lost" in found.first or "FileNotFound" in found.first or "Outbox" in found.first
