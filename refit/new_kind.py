"""The folder of a new kind of station, from the templates beside: right as it stands, to be edited.

A kind is found by its name as `stations.NAME`, so it belongs into a checkout of Refit; its test
runs there, and a wheel that is built of the checkout has it.
"""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from string import Template

from stations import kinds
from stations.declare import NAME

TEMPLATES = Path(__file__).parent / "templates"
NAME_MAX = 20  # the lines of the templates stay within a line's length
# The kinds that are none, and measurements and records that are not of a kind.
TAKEN = {
    "device": "it is the kind of what a CSV declares",
    "gap": "it is a record of every agent",
    "clock_step": "it is a record of every agent",
    "edge_health": "it is a measurement of the historian",
    "test": "tests lie beside it",
}
OWN = re.compile(r"(station|line)_(state|cycle|stop|gap|kpi)\Z|stop_reason\Z")


class NoKind(ValueError):
    """A new kind cannot be made: what is wrong and what would be right."""


@dataclass(frozen=True, slots=True)
class NewKind:
    """A kind to be: its name in code (`paint_booth`), as a class, in words and as a title."""

    name: str

    @property
    def class_name(self) -> str:
        """`PaintBooth`."""
        return "".join(word.capitalize() for word in self.name.split("_"))

    @property
    def words(self) -> str:
        """`paint booth`."""
        return " ".join(self.name.split("_"))

    def files(self) -> dict[Path, str]:
        """Every file below the checkout's folder, with its text."""
        pairs = [
            (TEMPLATES / "kind", Path("stations") / self.name),
            (TEMPLATES / "tests", Path("tests/stations") / self.name),
        ]
        return {
            there / self._named(path.relative_to(folder)): self._filled(path)
            for folder, there in pairs
            for path in sorted(folder.rglob("*.txt"))
        }

    def _named(self, path: Path) -> Path:
        return path.with_name(path.name.removesuffix(".txt").replace("kind", self.name))

    def _filled(self, path: Path) -> str:
        words = self.words
        text = Template(path.read_text(encoding="utf-8")).substitute(
            name=self.name, Name=self.class_name, words=words, Title=words.capitalize()
        )
        return _sorted_imports(text) if ".py" in path.suffixes else text


def make(name: str, folder: Path) -> list[Path]:
    """Write the files of a new kind into a checkout; which those are. NoKind when it cannot be."""
    _check_name(name)
    _check_folder(folder)
    files = NewKind(name).files()
    for there in (f"stations/{name}", f"stations/{name}.py", f"tests/stations/{name}"):
        if (folder / there).exists():
            raise NoKind(f"{there} is there already; give the new kind another name, or remove it")
    for path, text in files.items():
        there = folder / path
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_text(text, encoding="utf-8")
    return list(files)


def _check_name(name: str) -> None:
    if not NAME.match(name) or "__" in name or name.endswith("_"):
        near = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_0123456789") or "wash"
        raise NoKind(
            f'"{name}" is no name for a kind: small letters, digits and single underscores, a'
            f' letter first; write "{near}"'
        )
    if not 2 <= len(name) <= NAME_MAX:
        raise NoKind(f'"{name}" has {len(name)} letters; a kind has 2 to {NAME_MAX}')
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise NoKind(f'"{name}" is a word of Python; write "{name[: NAME_MAX - 8]}_station"')
    why = TAKEN.get(name) or (OWN.match(name) and "it is a measurement of the historian")
    if name in kinds.names():
        why = f"it is one of {', '.join(kinds.names())}"
    if why:
        raise NoKind(f'the name "{name}" is taken: {why}')


def _check_folder(folder: Path) -> None:
    if not (folder / "stations" / "declare.py").is_file():
        raise NoKind(
            f"{folder} is no checkout of Refit: it has no stations/declare.py. A kind is a folder"
            " beside the others: call this in a checkout, or name one with --to"
        )


def _sorted_imports(text: str) -> str:
    """Neighbouring imports in the order of their modules, whatever the kind's name is."""
    blocks = groupby(text.splitlines(True), lambda line: line.startswith("from stations"))
    return "".join(
        "".join(sorted(lines, key=_module) if is_import else lines) for is_import, lines in blocks
    )


def _module(line: str) -> str:
    return line.split()[1]
