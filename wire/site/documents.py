"""The text of a site: one file and what it includes, merged into one tree that knows its lines."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wire.site import positions
from wire.site.positions import Key
from wire.site.problems import Problem

LISTS = ("line", "agent", "station", "foreign")
Overrides = Mapping[tuple[str, ...], Any]
"""Values by path, such as ("broker", "port") or ("station", "studio-1", "opcua", "url")."""


@dataclass
class Document:
    """The merged tables of a site file and its includes, and the place of every key."""

    path: Path
    values: dict[str, Any] = field(default_factory=dict)
    places: dict[Key, tuple[Path, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """The folder of the site file; relative paths in all of its files begin there."""
        return self.path.parent

    def place(self, key: Key) -> tuple[Path, int]:
        """File and line of a key, or of the nearest table around it."""
        known = tuple(part for part in key if part != "")
        while known and known not in self.places:
            known = known[:-1]
        return self.places.get(known, (self.path, 0))

    def problem(self, key: Key, what: str, hint: str = "") -> Problem:
        """A problem at a key."""
        file, line = self.place(key)
        return Problem(file, line, self.name(key), what, hint)

    def name(self, key: Key) -> str:
        """The key in words: ("station", 1, "opcua") becomes `station.studio-1.opcua`."""
        words: list[str] = []
        for index, part in enumerate(key):
            if isinstance(part, str):
                words += [part] if part else []
                continue
            element = self.element(key[:index], part)
            name = element.get("name") if isinstance(element, dict) else None
            if isinstance(name, str) and name:
                words.append(name)
            elif words:
                words[-1] += f"[{part + 1}]"
        return ".".join(words)

    def element(self, key: Key, index: int) -> Any:
        """An element of one of the lists of tables; None for anything else."""
        found = self.values.get(str(key[0])) if len(key) == 1 else None
        return found[index] if isinstance(found, list) and index < len(found) else None


def read(path: Path) -> Document:
    """The document of a site file; what is wrong with its text stands in its problems."""
    document = Document(path.absolute())
    _add_file(document, document.path, None, [])
    return document


def _add_file(document: Document, path: Path, at: Problem | None, within: list[Path]) -> None:
    """Merge one file; `at` is the place of the include, `within` the files that are open."""
    document.files.append(path.resolve())
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
        values = tomllib.loads(text)
    except OSError as error:
        place = at or Problem(path, 0, "", "")
        what = f"{path} cannot be read: {error.strerror}"
        hint = "give the path of a site file" if at is None else _beside(document, path)
        document.problems.append(Problem(place.file, place.line, place.key, what, hint))
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        document.problems.append(Problem(path, line, "", "is not UTF-8", "save the file as UTF-8"))
    except tomllib.TOMLDecodeError as error:
        document.problems.append(_syntax(path, text, str(error)))
    else:
        _merge(document, path, values, positions.lines(text), [*within, path])


def _beside(document: Document, path: Path) -> str:
    found = sorted(one.name for one in document.folder.glob("*.toml") if one != document.path)
    known = f"; there are {', '.join(found)}" if found else ""
    return f"paths are relative to {document.folder}{known}"


def _syntax(path: Path, text: str, message: str) -> Problem:
    rows = text.split("\n")
    match = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)", message)
    line = int(match[1]) if match and match[1] else len(rows)
    what = message[: match.start()] if match else message
    row = rows[line - 1].strip() if line <= len(rows) else ""
    return Problem(path, line, "", f"no TOML: {what}", _syntax_hint(row))


def _syntax_hint(row: str) -> str:
    code = row.split("#")[0].strip()
    if match := re.match(r"[\w.-]+\s*=\s*(True|False)\b", code):
        return f"write {match[1].lower()}"
    if re.match(r"[\w.-]+\s*=\s*(?!true\b|false\b|inf\b|nan\b)[A-Za-z/]", code):
        return "text stands in quotes"
    if code.count('"') % 2:
        return "close the quote"
    if code and not code.startswith("[") and "=" not in code:
        return "write KEY = VALUE"
    if re.match(r"[\w.-]+\s*=\s*\Z", code):
        return "write a value after ="
    return ""


def _merge(
    document: Document,
    path: Path,
    values: dict[str, Any],
    lines: dict[Key, int],
    within: list[Path],
) -> None:
    includes = values.pop("include", [])
    offsets: dict[str, int] = {}
    for key, value in values.items():
        place = Problem(path, lines.get((key,), 0), key, "")
        if key in LISTS:
            offsets[key] = _extend(document, place, value)
        elif key in document.values:
            file, line = document.place((key,))
            what = f"stands in {file.name}, line {line}, already"
            document.problems.append(Problem(path, place.line, key, what, "keep one of the two"))
        else:
            document.values[key] = value
            offsets[key] = 0
    for where, line in lines.items():
        if where[0] in offsets:
            document.places.setdefault(_shifted(where, offsets[str(where[0])]), (path, line))
    _include(document, path, includes, lines, within)


def _extend(document: Document, place: Problem, value: Any) -> int:
    known: list[Any] = document.values.setdefault(place.key, [])
    offset = len(known)
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        known.extend(value)
    else:
        hint = f"write [[{place.key}]] above each"
        what = "must be a list of tables"
        document.problems.append(Problem(place.file, place.line, place.key, what, hint))
    return offset


def _shifted(key: Key, offset: int) -> Key:
    if len(key) > 1 and isinstance(key[1], int):
        return (key[0], key[1] + offset, *key[2:])
    return key


def _include(
    document: Document, path: Path, includes: Any, lines: dict[Key, int], within: list[Path]
) -> None:
    is_list = isinstance(includes, list)
    if not is_list or not all(isinstance(one, str) and "\0" not in one for one in includes):
        hint = 'write include = ["more.toml"]'
        line = lines.get(("include",), 0)
        document.problems.append(Problem(path, line, "include", "must be a list of texts", hint))
        return
    for index, name in enumerate(includes):
        line = lines.get(("include", index), lines.get(("include",), 0))
        file = (document.folder / name).resolve()
        place = Problem(path, line, "include", "")
        if file in [one.resolve() for one in within]:
            what = f'"{name}" includes itself, by way of {" and ".join(one.name for one in within)}'
            document.problems.append(Problem(path, line, "include", what, "remove one include"))
        elif file in document.files:
            what = f'"{name}" is included already'
            document.problems.append(Problem(path, line, "include", what, "remove one include"))
        else:
            _add_file(document, file, place, within)


def override(document: Document, overrides: Overrides) -> None:
    """Put other values into the document; LookupError when a path leads to no table of it."""
    for path, value in overrides.items():
        *steps, last = [part for part in path if part]
        table: Any = document.values
        for step in steps:
            if isinstance(table, list):
                named = [one for one in table if one.get("name") == step]
                if not named:
                    raise LookupError(f"{'.'.join(path)}: the site has no {step!r}")
                table = named[0]
            else:
                table = table.setdefault(step, {})
        table[last] = value
