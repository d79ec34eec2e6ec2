"""Edge nodes that are not our agents: which of their devices is which station, and its tags."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from pydantic import Field

from stations.declare import NAME
from wire.site.connections import Part
from wire.site.documents import Document
from wire.site.positions import Key
from wire.site.problems import Problem
from wire.site.values import FilePath, Line, Name

COLUMNS = ("name", "metric")


class ForeignConfig(Part):
    """A device of an edge node that is not our agent: it acknowledges and repeats nothing."""

    name: Name = Field(description="name of the station that it is here")
    edge: Name = Field(description="name of its edge node, in the group of this site")
    device: Name | None = Field(
        default=None, description="name of the device; without it the edge node's own metrics"
    )
    line: Line = Field(default="", description="production line on which it stands")
    tags: FilePath | None = Field(
        default=None,
        description="a CSV with the columns name and metric: which metric is which tag; a metric "
        "that is not there keeps its name",
    )

    @cached_property
    def names(self) -> dict[str, str]:
        """The tags' names by those of the metrics; {} when the CSV is wrong."""
        return {} if self.tags is None else _read(self.tags)[0]


def problems(
    document: Document, found: dict[Key, ForeignConfig], stations: list[str], agents: list[str]
) -> Iterator[Problem]:
    """Names and devices that stand twice, agents of our own, and what is wrong with the CSVs."""
    names: dict[str, str] = dict.fromkeys(stations, "[[station]]")
    places: dict[tuple[str, str | None], str] = {}
    for key, config in found.items():
        if config.name in names:
            what = f'"{config.name}" is the name of a {names[config.name]} too'
            yield document.problem((*key, "name"), what, "give each its own name")
        names[config.name] = "[[foreign]]"
        if config.edge in agents:
            what = f"{config.edge} is an agent of this site"
            yield document.problem((*key, "edge"), what, "its stations are [[station]]s")
        other = places.setdefault((config.edge, config.device), config.name)
        if other != config.name:
            what = f"{other} is the same device of {config.edge}"
            yield document.problem((*key, "device"), what, "name each device once")
        if config.tags is not None:
            yield from _read(config.tags)[1]


def _read(file: Path) -> tuple[dict[str, str], list[Problem]]:
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        return {}, [Problem(file, 0, "", f"cannot be read: {error}", "save it as CSV UTF-8")]
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    names: dict[str, str] = {}
    wrong: list[Problem] = []
    reader = csv.reader(text.splitlines(), delimiter=delimiter)
    try:
        rows = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        return {}, [Problem(file, reader.line_num, "", f"no CSV: {error}", "close every quote")]
    if not rows or tuple(cell.lower() for cell in rows[0][1]) != COLUMNS:
        return {}, [Problem(file, 1, "", "is no list of tags", 'the first row is "name,metric"')]
    for line, row in rows[1:]:
        if not any(row):
            continue
        name, metric = (*row, "", "")[:2]
        if not NAME.match(name) or not metric or len(row) > 2:
            what = f'"{delimiter.join(row)}" is no tag and its metric'
            hint = "a name has small letters, digits and underscores, and a letter first"
            wrong.append(Problem(file, line, "name", what, hint))
        elif metric in names or name in names.values():
            what = f'"{name}" or "{metric}" stands there twice'
            wrong.append(Problem(file, line, "name", what, "name each once"))
        else:
            names[metric] = name
    return names, wrong
