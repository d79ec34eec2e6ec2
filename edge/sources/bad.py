"""The tags that cannot be read: named once in the log, kept in the status until they can."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np

from edge.sources.source import TICKS_PER_MS, Item, Report, SourceStatus
from stations.declare import Type
from stations.samples import build
from wire.site import addresses

log = logging.getLogger(__name__)


class BadTags:
    """Which items are bad and why. `is_absent`: not on the machine, so it is asked for again."""

    def __init__(self, source: str, status: SourceStatus) -> None:
        self._source = source
        self._status = status
        self._absent: dict[int, bool] = {}
        self._logged: dict[int, str] = {}

    def __bool__(self) -> bool:
        return bool(self._absent)

    @property
    def numbers(self) -> set[int]:
        """The numbers of the bad tags."""
        return set(self._absent)

    def is_absent(self, item: Item) -> bool:
        """True when the machine does not have what the item asks for."""
        return self._absent.get(item.number, False)

    def add(self, item: Item, why: str, *, is_absent: bool) -> None:
        """Note that an item cannot be read; a reason that was logged is not logged again."""
        self._absent[item.number] = is_absent
        self._status.bad[item.tag.name] = why
        if self._logged.get(item.number) != why:
            self._logged[item.number] = why
            at = addresses.text_of(item.tag.at, item.tag.length)
            log.warning("%s: %s at %s: %s", self._source, item.tag.name, at, why)

    def clear(self, item: Item) -> None:
        """Note that an item can be read."""
        if self._absent.pop(item.number, None) is not None:
            self._status.bad.pop(item.tag.name, None)
            self._logged.pop(item.number, None)

    @staticmethod
    def report(items: Sequence[Item], statuses: Mapping[int, int], now_ms: int) -> Report:
        """A report that says of each item that it has no value now, and why; the time is ours."""
        rows = [(item.number, now_ms, statuses[item.number], Type.NONE, None) for item in items]
        ticks = np.full(len(rows), now_ms * TICKS_PER_MS, np.int64)
        return Report(build(rows), ticks, now_ms, True, False, nothing_to_do)


def nothing_to_do() -> None:
    """There is nothing to acknowledge."""
