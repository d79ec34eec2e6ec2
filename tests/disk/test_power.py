"""The recorder sees all that a program does, and the disk that is cut keeps what POSIX promises."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.disk.power import Disk, Unrecorded
from tests.disk.recording import Kind, Operation, build, record

DOES = """
import mmap, os, shutil, sys
folder = sys.argv[1]
os.mkdir(f"{folder}/a")
with open(f"{folder}/a/new", "wb") as file:
    file.write(b"hello")
    file.flush()
    os.fsync(file.fileno())
os.replace(f"{folder}/a/new", f"{folder}/a/name")
shutil.copyfile(f"{folder}/a/name", f"{folder}/copy")
os.link(f"{folder}/copy", f"{folder}/linked")
os.chdir(folder)
os.unlink("copy")
if len(sys.argv) > 2:
    with open("a/name", "r+b") as file:
        mmap.mmap(file.fileno(), 0)
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("recorder"))


def recorded(library: Path, tmp_path: Path, *words: str) -> list[Operation]:
    module = tmp_path / "does.py"
    module.write_text(DOES)
    return record(library, tmp_path / "run", [str(module)], *words)


def cuts(operations: list[Operation], tmp_path: Path) -> list[dict[str, bytes]]:
    """The files after each of many cuts at the end."""
    disk, found = Disk(), []
    for one in operations:
        disk.apply(one)
    for seed in range(200):
        folder = tmp_path / f"cut{seed}"
        folder.mkdir()
        disk.cut(folder, Random(seed))
        files = [one for one in folder.rglob("*") if one.is_file()]
        found.append({str(one.relative_to(folder)): one.read_bytes() for one in files})
    return found


def test_every_operation_is_written_down_in_its_order(library: Path, tmp_path: Path) -> None:
    kinds = [(one.kind, one.path, one.other) for one in recorded(library, tmp_path)]
    assert kinds == [
        (Kind.MKDIR, "a", ""),
        (Kind.OPEN, "a/new", ""),
        (Kind.WRITE, "", ""),
        (Kind.SYNC, "", ""),
        (Kind.RENAME, "a/new", "a/name"),
        (Kind.OPEN, "a/name", ""),
        (Kind.OPEN, "copy", ""),
        (Kind.WRITE, "", ""),
        (Kind.LINK, "copy", "linked"),
        (Kind.UNLINK, "copy", ""),
    ]


def test_what_cannot_be_followed_is_no_silent_gap(library: Path, tmp_path: Path) -> None:
    with pytest.raises(Unrecorded, match="mmap"):
        cuts(recorded(library, tmp_path, "mapped"), tmp_path)


def test_nothing_is_sure_without_the_folders(library: Path, tmp_path: Path) -> None:
    found = cuts(recorded(library, tmp_path), tmp_path)
    assert {} in found
    assert {"a/name": b"hello", "linked": b"hello"} in found
    assert {"a/name": b"hello", "linked": b""} in found
    assert any("copy" in one for one in found) and any("a/new" in one for one in found)
    assert all(one.get("a/name", b"hello") == b"hello" for one in found)


def test_only_what_was_synced_is_sure(tmp_path: Path) -> None:
    wide = b"x" * 700
    operations = [
        Operation(Kind.OPEN, 1, path="f"),
        Operation(Kind.OPEN, 9, path=""),
        Operation(Kind.WRITE, 1, 0, data=wide),
        Operation(Kind.SYNC, 1),
        Operation(Kind.SYNC, 9),
        Operation(Kind.WRITE, 1, 100, data=b"y" * 900),
    ]
    disk, contents = Disk(), set()
    for one in operations:
        disk.apply(one)
    assert disk.marks() == []
    for seed in range(200):
        folder = tmp_path / str(seed)
        folder.mkdir()
        disk.cut(folder, Random(seed))
        contents.add((folder / "f").read_bytes())
    first, both = wide[:100] + b"y" * 412 + wide[512:], wide[:100] + b"y" * 900
    second = wide[:512] + b"y" * 488
    assert contents == {wide, first, second, both}
