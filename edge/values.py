"""Samples of a station as the values that its session follows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from stations.declare import Tag
from stations.samples import Samples
from stations.status import is_good


class Values:
    """Turns rows of samples into values by name; states by their names."""

    def __init__(self, watched: Collection[str]) -> None:
        self._watched = watched
        self._tags: dict[int, Tag[Any]] = {}
        self._last: dict[str, Any] = {}
        self._is_heard = False

    def declare(self, tags: Mapping[int, Tag[Any]], last: Samples) -> None:
        """The numbers of the station's tags, and what was last known of them.

        A subscription that outlives the agent does not repeat what has not changed.
        """
        self._tags = {number: tag for number, tag in tags.items() if tag.name in self._watched}
        self._last = {}
        for part in self._parts(last):
            self._last |= part

    def nothing(self) -> dict[str, Any]:
        """No value can be relied on, until the machine is heard again."""
        self._is_heard = False
        return {name: None for name in self._watched}

    def of(self, samples: Samples) -> Iterator[dict[str, Any]]:
        """The values of some rows, in their order; a second value of a tag begins a new part.

        The first words after a silence bring back what has not changed since.
        """
        parts = list(self._parts(samples))
        if not self._is_heard:
            self._is_heard = True
            parts = [{**self._last, **(parts[0] if parts else {})}, *parts[1:]]
        for part in parts:
            self._last |= part
            yield part

    def _parts(self, samples: Samples) -> Iterator[dict[str, Any]]:
        part: dict[str, Any] = {}
        for row, number in enumerate(samples.tag.tolist()):
            tag = self._tags.get(number)
            if tag is None:
                continue
            if tag.name in part:
                yield part
                part = {}
            value = samples.row(row) if is_good(int(samples.status[row])) else None
            part[tag.name] = _named(tag, value)
        if part:
            yield part


def _named(tag: Tag[Any], value: Any) -> Any:
    if value is None or tag.states is None:
        return value
    try:
        return tag.states(value).name
    except ValueError:
        return None
