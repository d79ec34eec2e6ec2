"""Any machine declared by a spreadsheet: a CSV of tags becomes a declaration."""

from __future__ import annotations

import csv
import dataclasses
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stations.declare import NAME, Node, Register, Station, Tag, Type
from wire.site import addresses
from wire.site.problems import Problem, Wrong, closest
from wire.site.values import duration_ms

COLUMNS = {
    "name": "the tag's name: small letters, digits and underscores, a letter first",
    "address": "where the machine keeps it: a Modbus register or an OPC UA node",
    "type": "bool, int, float, text, float[96] or int[96]",
    "unit": "the engineering unit, such as V or kWh",
    "scale": "what is read is multiplied by this",
    "low": "the lowest value that can be believed",
    "high": "the highest value that can be believed",
    "deadband": "a smaller change is not reported",
    "every": 'the interval between readings, such as "500 ms"',
    "on": "the name of the Modbus connection, when the station has several",
    "doc": "one sentence that says what it is",
    "hint": "what `refit browse` saw there; nobody reads it",
}
NEEDED = ("name", "address", "type")
KINDS: dict[str, Any] = {"bool": bool, "int": int, "float": float, "text": str}
ARRAY = re.compile(r"(int|float)\[(\d+)\]\Z")
FLOATS = ("float16", "float32", "float64")


@dataclass(frozen=True, slots=True)
class Device:
    """What a CSV declares, the row of each tag (1 is the header), and what is wrong with it."""

    declaration: type[Station]
    rows: dict[str, int]
    problems: tuple[Problem, ...] = ()


class _Cells:
    """The cells of one row, with a problem noted instead of an exception for each that is wrong."""

    def __init__(self, file: Path, row: int, cells: dict[str, str], comma: bool) -> None:
        self.file, self.row, self.cells, self.comma = file, row, cells, comma
        self.problems: list[Problem] = []

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    def wrong(self, column: str, what: str, hint: str = "") -> None:
        self.problems.append(Problem(self.file, self.row, column, what, hint))

    def number(self, column: str) -> float | None:
        text = self[column]
        if not text:
            return None
        try:
            value = float(text.replace(",", ".") if self.comma else text)
        except ValueError:
            self.wrong(column, f'"{text}" is not a number', "write it like 0.1")
            return None
        if not math.isfinite(value):
            self.wrong(column, f'"{text}" is not a finite number', "leave it empty for no limit")
            return None
        return value


def read(path: Path) -> Device:
    """The declaration in a CSV file with every problem of it; a wrong file raises nothing."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        return _failed(path, 0, f"cannot be read: {error.strerror}", "give the path of a tags CSV")
    except UnicodeDecodeError as error:
        row = error.object[: error.start].count(b"\n") + 1
        what = f"byte 0x{error.object[error.start]:02x} is not UTF-8"
        return _failed(path, row, what, "save the file as CSV UTF-8")
    return parse(path, text)


def parse(path: Path, text: str) -> Device:
    """The declaration in the text of a CSV; `path` is where its problems say they are."""
    delimiter = _delimiter(text)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    problems: list[Problem] = []
    tags: dict[str, Tag[Any]] = {}
    rows: dict[str, int] = {}
    try:
        header = _header(path, next(reader, []), problems)
        if not problems:
            for cells in _rows(path, reader, header, delimiter, problems):
                _add(cells, tags, rows)
                problems += cells.problems
    except csv.Error as error:
        problems.append(Problem(path, reader.line_num, "", f"no CSV: {error}", "close every quote"))
    if not tags and not problems:
        problems.append(Problem(path, 1, "", "has no tags", "write one row for each tag"))
    return _device(path, tags, rows, problems)


def _failed(path: Path, row: int, what: str, hint: str) -> Device:
    return Device(_declare(path, {}), {}, (Problem(path, row, "", what, hint),))


def _delimiter(text: str) -> str:
    first = text.lstrip("\r\n").split("\n", 1)[0]
    return ";" if first.count(";") > first.count(",") else ","


def _header(path: Path, cells: list[str], problems: list[Problem]) -> list[str]:
    header = [cell.strip().lower() for cell in cells]
    while header and not header[-1]:
        header.pop()
    for index, column in enumerate(header):
        if column not in COLUMNS:
            what = f'"{column}" is no column of a tags CSV'
            problems.append(Problem(path, 1, column, what, closest(column, COLUMNS)))
        elif column in header[:index]:
            problems.append(Problem(path, 1, column, "this column is there twice"))
    for column in NEEDED:
        if column not in header:
            what = "this column is missing"
            hint = f"the first row names the columns: {','.join(COLUMNS)}"
            problems.append(Problem(path, 1, column, what, hint))
    return header


def _rows(
    path: Path, reader: Any, header: list[str], delimiter: str, problems: list[Problem]
) -> Iterator[_Cells]:
    width, comma = len(header), delimiter == ";"
    for row in reader:
        values = [cell.strip() for cell in row]
        if not any(values):
            continue
        if any(values[width:]):
            what = f"has {len(values)} cells, the header has {width}"
            hint = f'put a text with "{delimiter}" in quotes'
            problems.append(Problem(path, reader.line_num, "", what, hint))
            continue
        yield _Cells(path, reader.line_num, dict(zip(header, values, strict=False)), comma)


def _add(cells: _Cells, tags: dict[str, Tag[Any]], rows: dict[str, int]) -> None:
    name = cells["name"]
    if not NAME.match(name) or hasattr(Station, name):
        what = f'"{name}" is no name for a tag' if name else "is empty"
        cells.wrong("name", what, f'write "{legal_name(name)}"')
    elif name in tags:
        cells.wrong("name", f'"{name}" stands in row {rows[name]} already', "give each tag its own")
    tag = _tag(cells)
    if tag is not None and not cells.problems:
        tags[name], rows[name] = tag, cells.row


def legal_name(text: str) -> str:
    """The nearest text that may be the name of a tag: `L1 Voltage` becomes `l1_voltage`."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text)
    name = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")
    if not name or not name[0].isalpha():
        name = f"tag_{name}".rstrip("_")
    return f"{name}_value" if hasattr(Station, name) else name


def _tag(cells: _Cells) -> Tag[Any] | None:
    kind, length = _kind(cells)
    at = _at(cells, kind, length)
    low, high, deadband = cells.number("low"), cells.number("high"), cells.number("deadband") or 0.0
    every_ms = _every(cells)
    if low is not None and high is not None and not low < high:
        cells.wrong("high", f"{high:g} is not above low, which is {low:g}")
    if deadband < 0:
        cells.wrong("deadband", f"{deadband:g} is negative", "leave it empty for every change")
    if deadband and kind not in (int, float):
        cells.wrong("deadband", "only a single number has a deadband", "leave it empty")
    if kind is None or at is None:
        return None
    if isinstance(at, Register):
        _check_register(cells, kind, at)
    return Tag(
        kind, at, doc=_sentence(cells), unit=cells["unit"], low=low, high=high,
        deadband=deadband, length=length, every_ms=every_ms,
    )  # fmt: skip


def _kind(cells: _Cells) -> tuple[Any, int]:
    text = cells["type"].lower()
    if text in KINDS:
        return KINDS[text], 0
    if match := ARRAY.match(text):
        if int(match[2]) < 1:
            cells.wrong("type", f'"{text}" is an array of nothing', f"write it like {match[1]}[96]")
        return (list[int] if match[1] == "int" else list[float]), int(match[2])
    known = [*KINDS, "float[96]", "int[96]"]
    cells.wrong("type", f'"{text}" is no type' if text else "is empty", closest(text, known))
    return None, 0


def _at(cells: _Cells, kind: Any, length: int) -> Node | Register | None:
    scale = cells.number("scale")
    try:
        address = addresses.parse(cells["address"])
    except Wrong as wrong:
        cells.wrong("address", wrong.what, wrong.hint)
        return None
    at = address.at
    if isinstance(at, Node):
        for column in ("scale", "on"):
            if cells[column]:
                cells.wrong(column, "belongs to a Modbus register", "leave it empty")
        return at
    if address.length != length and kind in (int, float, list[int], list[float]):
        array = f"an array of {address.length}" if address.length else "one value"
        hint = (
            f'write "*{length}" after the format'
            if length
            else f"write {cells['type']}[{address.length}]"
        )
        cells.wrong("address", f"is {array}, the type is {cells['type']}", hint)
    changes: dict[str, Any] = {"on": cells["on"]} if cells["on"] else {}
    if scale == 0:
        cells.wrong("scale", "0 makes every value 0", "leave it empty for 1")
    elif scale is not None:
        changes["scale"] = scale
    for key in changes.keys() & address.said:
        cells.wrong(key, "is also said in the address", "say it once")
    return dataclasses.replace(at, **changes) if changes else at


def _every(cells: _Cells) -> int | None:
    if not cells["every"]:
        return None
    try:
        every_ms = duration_ms(cells["every"])
    except Wrong as wrong:
        cells.wrong("every", wrong.what, wrong.hint)
        return None
    if every_ms < 1:
        cells.wrong("every", "must be longer than nothing", 'write it like "500 ms"')
        return None
    return every_ms


def _check_register(cells: _Cells, kind: Any, at: Register) -> None:
    if (kind is str) != (at.format == "text"):
        hint = (
            "write type text" if at.format == "text" else 'write an address like "holding 7 text/8"'
        )
        cells.wrong("type", f"{at.format} is not {cells['type']}", hint)
    elif (kind is bool) and at.format != "bit":
        cells.wrong("type", f"{at.format} is not bool", 'write an address like "holding 12.3"')
    elif kind in (int, list[int]):
        scaled = at.scale != int(at.scale) or at.scale_at is not None
        if at.format in FLOATS or scaled:
            thing = at.format if at.format in FLOATS else "a number with this scale"
            cells.wrong("type", f"{thing} is not {cells['type']}", "write type float")


def _sentence(cells: _Cells) -> str:
    doc = cells["doc"] or cells["name"].replace("_", " ").capitalize()
    return doc if len(doc) > 1 and doc.endswith(".") else f"{doc}."


def _declare(path: Path, tags: dict[str, Tag[Any]]) -> type[Station]:
    title = "".join(word.capitalize() for word in re.findall(r"[A-Za-z0-9]+", path.stem))
    members: dict[str, Any] = {"__doc__": f"Tags of {path.name}.", "__module__": __name__}
    for name, tag in tags.items():
        members[name] = tag
    return type(title or "Device", (Station,), members)


def _device(
    path: Path, tags: dict[str, Tag[Any]], rows: dict[str, int], problems: list[Problem]
) -> Device:
    places: dict[Node | Register, str] = {}
    for name, tag in list(tags.items()):
        other = places.setdefault(tag.at, name)
        if other != name:
            what = f"{other} in row {rows[other]} is at this address too"
            problems.append(Problem(path, rows[name], "address", what, "give each tag its own"))
            del tags[name]
    try:
        return Device(_declare(path, tags), rows, tuple(sorted(problems)))
    except TypeError as error:
        problems.append(Problem(path, 0, "", str(error)))
        return Device(_declare(path, {}), rows, tuple(sorted(problems)))


def type_of(tag: Tag[Any]) -> str:
    """The type of a tag in the words of the column `type`."""
    words = {Type.BOOL: "bool", Type.INT: "int", Type.FLOAT: "float", Type.TEXT: "text"}
    if tag.value_type in words:
        return words[tag.value_type]
    return f"{'int' if tag.value_type is Type.INTS else 'float'}[{tag.length}]"
