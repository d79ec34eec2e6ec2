"""Writing a CSV of tags that `devices.read` takes, whatever a machine calls its things."""

from __future__ import annotations

import csv
import hashlib
import io
import math
import os
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from stations.declare import Station, Tag
from wire.site import addresses
from wire.site.devices import COLUMNS, KINDS, legal_name, type_of
from wire.site.problems import Wrong

NAME_MAX = 120
TEXT_MAX = 400
DIGEST = 8
FORMULA = ("=", "+", "-", "@")
_SPELLED = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "°": " deg ",
     "µ": "u", "%": " percent "}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One tag as the columns of a CSV say it; an empty text or None is an empty cell."""

    name: str
    address: str
    type: str
    unit: str = ""
    scale: float | None = None
    low: float | None = None
    high: float | None = None
    deadband: float | None = None
    every: int | None = None
    on: str = ""
    doc: str = ""
    hint: str = ""


def row_of(tag: Tag[Any]) -> Row:
    """A declared tag as a row; see `unsaid` for what a row cannot say."""
    return Row(
        tag.name,
        addresses.text_of(tag.at, tag.length),
        type_of(tag),
        unit=tag.unit,
        low=tag.low,
        high=tag.high,
        deadband=tag.deadband or None,
        every=tag.every_ms,
        doc=tag.doc,
    )


def unsaid(declaration: type[Station]) -> list[str]:
    """What a declaration says and a CSV cannot, a line for each sort of thing."""
    states = [f"{tag.name} ({tag.states.__name__})" for tag in declaration.tags if tag.states]
    stale = [f"{tag.name} ({tag.stale_ms} ms)" for tag in declaration.tags if tag.stale_ms]
    commands = [command.name for command in declaration.commands]
    found = (
        ("states are plain numbers", states),
        ("no time after which a value counts as stale", stale),
        ("no commands", commands),
    )
    return [f"{what}: {', '.join(names)}" for what, names in found if names]


class Names:
    """Gives every tag a legal name of its own.

    Of two that would be called alike the second gets a part of the hash of its address, so a name
    does not depend on what else the machine has, only on what stands before it.
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def give(self, wanted: str, address: str) -> str:
        """A name near to `wanted` that nobody else has."""
        digest = hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()
        name = legal_name(_spelled(wanted))
        if len(name) > NAME_MAX:
            name = f"{name[: NAME_MAX - DIGEST - 1].rstrip('_')}_{digest[:DIGEST]}"
        length, given = DIGEST, name
        while given in self._taken:
            given, length = f"{name}_{digest[:length]}", length + DIGEST
            if length > len(digest) + 2 * DIGEST:
                raise ValueError(f"the address {address!r} is there twice")
        self._taken.add(given)
        return given


def _spelled(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.translate(_SPELLED))
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def legal_address(text: str) -> bool:
    """Whether an address can stand in a cell and is read there as it is meant."""
    if text != text.strip() or not text.isprintable():
        return False
    try:
        parsed = addresses.parse(text)
    except Wrong:
        return False
    return addresses.text_of(parsed.at, parsed.length) == text


def tidy(row: Row) -> Row:
    """The row without what would be refused: a range that is none, texts with line breaks."""
    low, high, deadband = (_finite(number) for number in (row.low, row.high, row.deadband))
    if row.type in (bool.__name__, "text"):
        low = high = None
    if low is not None and high is not None and not low < high:
        low = high = None
    if deadband is not None and (deadband < 0 or KINDS.get(row.type) not in (int, float)):
        deadband = None
    scale = _finite(row.scale)
    return replace(
        row, unit=_line(row.unit), doc=_line(row.doc), hint=_line(row.hint),
        low=low, high=high, deadband=deadband,
        scale=None if scale in (0, 1) else scale,
        every=row.every if row.every and row.every > 0 else None,
    )  # fmt: skip


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def _line(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    line = " ".join(printable.split())
    return line if len(line) <= TEXT_MAX else f"{line[: TEXT_MAX - 1].rstrip()}…"


def text_of(rows: Iterable[Row]) -> str:
    """The whole CSV, the header first; columns that no row uses are left out."""
    cells = [[_cell(row, field.name) for field in fields(Row)] for row in map(tidy, rows)]
    kept = [
        index
        for index, column in enumerate(COLUMNS)
        if column in ("name", "address", "type", "doc") or any(line[index] for line in cells)
    ]
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([list(COLUMNS)[index] for index in kept])
    writer.writerows([[line[index] for index in kept] for line in cells])
    return file.getvalue()


def _cell(row: Row, column: str) -> str:
    value = getattr(row, column)
    if value is None:
        return ""
    if column == "every":
        return f"{value} ms"
    if not isinstance(value, str):
        return repr(value).removesuffix(".0")
    # A spreadsheet takes `=...` from a machine for a formula; behind a space it is a text.
    return f" {value}" if value.startswith(FORMULA) else value


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write the file whole or not at all; OSError when it cannot be."""
    write_text(path, text_of(rows))


def write_text(path: Path, text: str) -> None:
    """Put a text into a file in one step: whoever reads it sees all of it or what was there."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8", newline="")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
