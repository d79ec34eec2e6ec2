"""What a program did to its disk: written down by recorder.c while it ran, read here."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from tests.conftest import missing

SOURCE = Path(__file__).with_name("recorder.c")
ROOT = Path(__file__).parents[2]
PROGRAM_S = 120
MARKS = "marks"  # the file below the folder in which a program says what it has promised
_HEAD = struct.Struct("<IIIIQQ")


class Kind(IntEnum):
    """What an operation is, as recorder.c numbers them."""

    OPEN = 1
    WRITE = 2
    SYNC = 3
    TRUNCATE = 4
    UNLINK = 5
    RENAME = 6
    LINK = 7
    MKDIR = 8
    RMDIR = 9
    UNKNOWN = 10


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; paths are relative to the folder, "" for the folder itself.

    `offset` is the size of a TRUNCATE, and 1 for an OPEN that empties the file.
    """

    kind: Kind
    inode: int
    offset: int = 0
    path: str = ""
    other: str = ""
    data: bytes = b""


def build(folder: Path) -> Path:
    """The library that writes down, made by gcc in a folder."""
    library = folder / "recorder.so"
    words = ["gcc", "-shared", "-fPIC", "-O1", "-U_FORTIFY_SOURCE", "-Wno-format-truncation"]
    try:
        subprocess.run([*words, "-o", library, SOURCE], check=True, timeout=60)
    except FileNotFoundError:
        missing("gcc", "apt-get install gcc libc6-dev")
    return library


def record(library: Path, folder: Path, program: Sequence[str], *words: str) -> list[Operation]:
    """Run `python program... folder words...`; what it did below the folder, in order."""
    folder.mkdir(parents=True)
    notes = folder.with_name(f"{folder.name}.notes")
    environment = os.environ | {
        "LD_PRELOAD": str(library), "RECORDED_FOLDER": str(folder), "RECORDED_INTO": str(notes),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, *program, str(folder), *words],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PROGRAM_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return list(read(notes.read_bytes(), str(folder)))


def read(notes: bytes, folder: str) -> Iterator[Operation]:
    """The operations of a file of notes."""
    at = 0
    while at < len(notes):
        kind, first, second, size, inode, offset = _HEAD.unpack_from(notes, at)
        at += _HEAD.size
        path, other = notes[at : at + first], notes[at + first : at + first + second]
        at += first + second
        yield Operation(
            Kind(kind), inode, offset, _below(path, folder), _below(other, folder),
            notes[at : at + size],
        )  # fmt: skip
        at += size


def _below(path: bytes, folder: str) -> str:
    return os.path.normpath(path.decode()).removeprefix(folder).removeprefix("/") if path else ""
